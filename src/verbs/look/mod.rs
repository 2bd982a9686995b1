//! Opens a chart in a directory, a package, the cache or a registry, for commands that only read it, such as show, diff
//! and images.
//!
//! `subject` is what a user names, `looker` finds and opens it, `deps` compares the dependencies with what the chart
//! contains, and `effective` merges values.

mod deps;
mod effective;
mod error;
mod looker;
mod subject;

pub use deps::{DependencyRow, DependencyStatus, dependencies};
pub(super) use effective::{effective_values, memory, merge};
pub use error::LookError;
pub use looker::{LookedAtChart, Looker, RawChartManifest};
pub use subject::{Subject, is_path};
