//! What can go wrong.

use crate::disk::PathError;
use crate::limits::OverBudget;
use crate::reference::Tag;
use crate::registry;
use crate::verbs::browse::BrowseError;

/// Why a version of a chart, or all of them, is not in a classic repository.
#[derive(Debug, thiserror::Error)]
pub enum ClassicError {
    /// The registry cannot be looked through.
    #[error("{0}")]
    Browse(#[from] BrowseError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// The disk refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// There is more than a command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// Its metadata could not be written down.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
    /// A name or a version that cannot be a part of a file's name.
    #[error("`{0}` cannot be a file's name")]
    Name(String),
    /// One of the first generation, which is no package.
    #[error("it is of Helm 3.0.0-alpha, and no package")]
    NoPackage,
    /// A file and an index have room for one chart of a name and a version.
    #[error("the chart under {0} has this version as well")]
    SameVersion(Tag),
    /// Another repository has charts of this name: an index has one list for a name.
    #[error("charts of this name are in {0} as well")]
    Twice(String),
}
