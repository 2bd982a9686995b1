//! Errors of making a classic chart repository.

use crate::disk::PathError;
use crate::limits::OverBudget;
use crate::reference::Tag;
use crate::registry;
use crate::verbs::browse::BrowseError;

/// Why a version is missing in a classic repository, or why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ClassicError {
    /// The registry's charts cannot be listed.
    #[error("{0}")]
    Browse(#[from] BrowseError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// A file cannot be read or written.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// It takes more memory than a command may use.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The metadata cannot be converted to JSON.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
    /// The chart's name or version cannot be part of a file name.
    #[error("`{0}` cannot be a file's name")]
    Name(String),
    /// The chart is of the first generation, which has no package.
    #[error("it is of Helm 3.0.0-alpha, and no package")]
    NoPackage,
    /// Another tag has a different chart with the same name and version, of which a file and an index can only have
    /// one.
    #[error("the chart under {0} has this version as well")]
    SameVersion(Tag),
    /// Another repository has charts of this name, of which an index can only have one list.
    #[error("charts of this name are in {0} as well")]
    Twice(String),
}

impl ClassicError {
    /// Whether a command may not hold as much in memory as it would take.
    pub(super) fn is_about_memory(&self) -> bool {
        matches!(self, Self::Memory(_) | Self::Browse(BrowseError::Memory(_)))
    }
}
