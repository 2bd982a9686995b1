//! What can go wrong.

use std::path::PathBuf;

use crate::cache::CacheError;
use crate::chart::ChartError;
use crate::disk::PathError;
use crate::manifest::ManifestError;
use crate::reference::Reference;
use crate::registry;
use crate::verbs::pull::PullError;

/// Why a chart cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It could not be pulled, or no version of it is what was asked for.
    #[error("{0}")]
    Pull(#[from] PullError),
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// What is there is no chart in a form that we know.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// What is there is no chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The path cannot be read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The config of a chart is no metadata.
    #[error("the chart's config cannot be read")]
    Config(#[source] serde_json::Error),
    /// The cache has no chart of that repository, and nothing else may be asked.
    #[error("no version of {} is in the cache", .0.name())]
    NotInCache(Box<Reference>),
    /// A manifest was asked for of what no registry has.
    #[error("{} has no manifest: a registry gives it one", .0.display())]
    NoManifest(PathBuf),
    /// The same, of a chart of the cache.
    #[error("{0} was never pushed or pulled, and has no manifest yet")]
    NotPushed(Box<Reference>),
}
