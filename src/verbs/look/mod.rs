//! Opens a chart in a directory, a package, the cache or a registry, for commands that only read it, such as show, diff
//! and images.
//!
//! `subject` is what a user names, `looker` finds and opens it, `render` has Helm render it, `deps` compares the dependencies with what the chart
//! contains, and `effective` merges values.

mod deps;
mod effective;
mod error;
mod looker;
mod render;
mod subject;

pub use deps::{DependencyRow, DependencyStatus, dependencies};
pub(super) use effective::{effective_values, memory, merge};
pub use error::LookError;
pub use looker::{LookedAtChart, Looker, RawChartManifest};
pub use render::RenderError;
pub(super) use render::render;
pub use subject::{Subject, is_path};
