//! Errors of listing versions and charts.

use crate::cache::CacheError;
use crate::disk::PathError;
use crate::limits::OverBudget;
use crate::registry;
use crate::version::ConstraintError;

/// Why versions or charts cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum BrowseError {
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The list takes more memory than a command may use.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// A temporary file cannot be written or read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The text is neither a version nor a version constraint.
    #[error("the version cannot be understood")]
    Constraint {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: ConstraintError,
    },
    /// The list of charts that a registry publishes cannot be parsed.
    #[error("the list of charts cannot be read")]
    ChartsIndex(#[source] serde_json::Error),
    /// No list of repositories is available: the registry refuses its catalog, and there is no other source.
    #[error("{place} lists no charts")]
    NoList {
        /// The place that was to be listed.
        place: String,
        /// The registry's refusal of its catalog, if it was asked.
        refused: Option<Box<registry::RegistryError>>,
    },
}
