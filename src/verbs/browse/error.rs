//! What can go wrong.

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
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// There is more than a command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The disk refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// Not a version and not a constraint on one.
    #[error("the version cannot be understood")]
    Constraint {
        /// What was given.
        text: String,
        /// Why.
        source: ConstraintError,
    },
    /// A list of charts that cannot be read.
    #[error("the list of charts cannot be read")]
    ChartsIndex(#[source] serde_json::Error),
    /// The registry lists no repositories to this user, and nothing else does.
    #[error("{place} lists no charts")]
    NoList {
        /// Where.
        place: String,
        /// What it said when it was asked for a list.
        refused: Option<Box<registry::RegistryError>>,
    },
}
