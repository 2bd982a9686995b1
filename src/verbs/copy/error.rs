//! Errors of a copy.

use crate::digest::Digest;
use crate::graph::WalkError;
use crate::limits::OverBudget;
use crate::manifest::ManifestError;
use crate::reference::Reference;
use crate::registry;
use crate::verbs::attached::AttachedError;

/// Why a chart was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the two registries refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// What is attached to the chart could not be copied.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// The manifest cannot be read.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// It cannot be determined what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// It takes more memory than a command may use.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The reference has neither a tag nor a digest.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTarget(Reference),
    /// The destination has another manifest under that tag.
    #[error("the tag stands for another manifest there: {0}")]
    Differs(Digest),
    /// No tag of the repository was selected.
    #[error("the repository has no such tag")]
    NoneSelected,
    /// The reference stands for an index of several manifests.
    #[error("it is an index, whose manifests are not carried along")]
    Index,
}

impl From<AttachedError> for CopyError {
    fn from(error: AttachedError) -> Self {
        match error {
            AttachedError::Registry(error) => Self::Registry(error),
            error => Self::Attached(Box::new(error)),
        }
    }
}
