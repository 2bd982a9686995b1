//! Errors of writing a bundle.

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

/// Why a chart is not in a bundle, or why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundlingError {
    /// The cache has no such chart, or a damaged one.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// It cannot be determined what is attached, or it cannot be fetched.
    #[error("{0}")]
    Copy(#[from] CopyError),
    /// The cache does not know what is attached to a chart, and its registry does not say.
    #[error("cannot ask what is attached to it")]
    Unasked(#[source] CopyError),
    /// What the cache keeps of what is attached is invalid or damaged.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// No manifest could be made for a chart that was never pushed.
    #[error("{0}")]
    Form(#[from] PushError),
    /// The manifest cannot be read.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// It takes more memory than a command may use.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The reference has neither a tag nor a digest.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTarget(Reference),
    /// The reference stands for an index of several manifests.
    #[error("it is an index, whose manifests are not carried along")]
    Index,
    /// The file cannot be created.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The bundle cannot be written.
    #[error("{0}")]
    Write(#[from] WriteError),
    /// The index of the bundle cannot be written as JSON.
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
