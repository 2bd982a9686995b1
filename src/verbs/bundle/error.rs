//! What can go wrong with a bundle.

use crate::bundle::{BundleError, WriteError};
use crate::cache::CacheError;
use crate::disk::PathError;
use crate::limits::OverBudget;
use crate::manifest::ManifestError;
use crate::reference::Reference;
use crate::registry;
use crate::verbs::attached::AttachedError;
use crate::verbs::copy::CopyError;
use crate::verbs::push::PushError;

/// Why a chart is not in a bundle, or there is none.
#[derive(Debug, thiserror::Error)]
pub enum BundlingError {
    /// The cache has no such chart, or a damaged one.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// There is no telling what is attached, or it cannot be taken along.
    #[error("{0}")]
    Copy(#[from] CopyError),
    /// What is attached to a chart of the cache is not known, and its registry does not say.
    #[error("cannot ask what is attached to it")]
    Unasked(#[source] CopyError),
    /// What the cache keeps of what is attached cannot be used.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// No manifest could be made of a chart that was never pushed.
    #[error("{0}")]
    Form(#[from] PushError),
    /// The manifest cannot be read.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// It takes too much memory.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// A reference that names nothing.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTarget(Reference),
    /// Several manifests at once.
    #[error("it is an index, whose manifests are not carried along")]
    Index,
    /// The file cannot be made.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The file cannot be written.
    #[error("{0}")]
    Write(#[from] WriteError),
    /// The index could not be written down.
    #[error("cannot write the index")]
    Json(#[from] serde_json::Error),
    /// An older bundle cannot be read.
    #[error("{0}")]
    Since(#[from] BundleError),
}

impl From<AttachedError> for BundlingError {
    fn from(error: AttachedError) -> Self {
        Self::Attached(Box::new(error))
    }
}
