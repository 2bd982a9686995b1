//! What can go wrong with a copy.

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
    /// There is no telling what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// It takes too much memory.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// A reference that names nothing.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTarget(Reference),
    /// The destination has something else under that name.
    #[error("the tag stands for another manifest there: {0}")]
    Differs(Digest),
    /// No tag of the repository is one that was asked for.
    #[error("the repository has no such tag")]
    NoneSelected,
    /// Several manifests at once.
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
