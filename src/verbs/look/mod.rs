//! Looking at charts, wherever they are: in a directory, in a package, in the cache, in a registry. What show, diff and images
//! begin with.
//!
//! `subject` is what a command is given, `looker` finds it, `deps` compares what a chart needs with what it brings, `effective` puts values
//! one over the other.

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
