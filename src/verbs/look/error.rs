//! Errors of opening a chart.

use std::path::PathBuf;

use crate::cache::CacheError;
use crate::chart::ChartError;
use crate::disk::PathError;
use crate::manifest::ManifestError;
use crate::reference::Reference;
use crate::registry;
use crate::verbs::pull::PullError;

/// Why a chart cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// It could not be pulled, or no version matches.
    #[error("{0}")]
    Pull(#[from] PullError),
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// The manifest is not that of a chart in a form that is known here.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// The directory or archive is not a chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The path cannot be read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The config of the chart is not valid metadata.
    #[error("the chart's config cannot be read")]
    Config(#[source] serde_json::Error),
    /// The cache has no chart of this repository, and no registry may be asked.
    #[error("no version of {} is in the cache", .0.name())]
    NotInCache(Box<Reference>),
    /// The manifest of a directory or package was asked for, which only a registry gives it.
    #[error("{} has no manifest: a registry gives it one", .0.display())]
    NoManifest(PathBuf),
    /// The manifest of a cached chart was asked for that was never pushed or pulled.
    #[error("{0} was never pushed or pulled, and has no manifest yet")]
    NotPushed(Box<Reference>),
}
