//! What can go wrong with loading.

use crate::bundle::BundleError;
use crate::cache::CacheError;
use crate::chart::ChartError;
use crate::digest::Digest;
use crate::disk::PathError;
use crate::graph::WalkError;
use crate::limits::OverBudget;
use crate::manifest::ManifestError;
use crate::reference::Reference;
use crate::registry;
use crate::verbs::attached::AttachedError;

/// Why a chart was not loaded, or none was.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The layout cannot be read, or is none.
    #[error("{0}")]
    Bundle(#[from] BundleError),
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The file system refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// What is attached to the chart could not be taken or sent.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// There is no telling what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// The manifest cannot be read, or is none of a chart.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// The package is no chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The config is none of a chart.
    #[error("its config cannot be read")]
    Config(#[source] serde_json::Error),
    /// The metadata could not be written down.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
    /// It takes too much memory.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// Blobs that are not in the layout, nor where it is loaded to.
    #[error("the layout lacks {}", shown(.blobs))]
    Missing {
        /// Which ones.
        blobs: Vec<Digest>,
        /// The indexes of the bundles that have them.
        since: Vec<Digest>,
    },
    /// The reference stands for another chart.
    #[error("the cache has another chart as {0}")]
    Differs(Reference),
    /// The destination has something else under that name.
    #[error("the tag stands for another manifest there: {0}")]
    DiffersThere(Digest),
    /// Several manifests at once.
    #[error("it is an index, whose manifests are not carried along")]
    Index,
}

impl From<AttachedError> for LoadError {
    fn from(error: AttachedError) -> Self {
        match error {
            AttachedError::Registry(error) => Self::Registry(error),
            AttachedError::Cache(error) => Self::Cache(error),
            error => Self::Attached(Box::new(error)),
        }
    }
}

/// `sha256:…, sha256:…`: all of them, however many: they are what has to be brought.
fn shown(blobs: &[Digest]) -> String {
    blobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
