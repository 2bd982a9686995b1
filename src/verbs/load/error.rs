//! Errors of loading a layout.

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

/// Why a chart was not loaded, or why nothing was.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The layout cannot be read, or the file is not a layout.
    #[error("{0}")]
    Bundle(#[from] BundleError),
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// A file cannot be read or written.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// What is attached to the chart could not be stored or sent.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// It cannot be determined what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// The manifest cannot be read, or is not that of a chart.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// The package is not a chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The config is not that of a chart.
    #[error("its config cannot be read")]
    Config(#[source] serde_json::Error),
    /// The metadata cannot be written as JSON.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
    /// It takes more memory than a command may use.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// Neither the layout nor the destination has these blobs.
    #[error("the layout lacks {}", shown(.blobs))]
    Missing {
        /// The digests of the blobs.
        blobs: Vec<Digest>,
        /// The digests of the indexes of the bundles that should have them.
        since: Vec<Digest>,
    },
    /// The cache has another chart under this reference.
    #[error("the cache has another chart as {0}")]
    Differs(Reference),
    /// The destination has another manifest under that tag.
    #[error("the tag stands for another manifest there: {0}")]
    DiffersThere(Digest),
    /// The entry is an index of several manifests.
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

/// All digests, separated by commas. None is left out, as the user has to provide them all.
fn shown(blobs: &[Digest]) -> String {
    blobs.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
