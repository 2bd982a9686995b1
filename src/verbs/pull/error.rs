//! Errors of a pull.

use super::available::Available;
use crate::cache::CacheError;
use crate::chart::ChartError;
use crate::disk::PathError;
use crate::graph::WalkError;
use crate::manifest::ManifestError;
use crate::reference::ReferenceError;
use crate::verbs::attached::AttachedError;
use crate::{registry, version};

/// Why a chart was not pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// A file cannot be read or written.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// The manifest is not that of a chart in a form that is known here.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// What is attached to the chart could not be fetched.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// The archive is not a valid chart.
    #[error("the chart in the registry is refused")]
    Chart(#[from] ChartError),
    /// The config is not valid metadata. Helm refuses this as well.
    #[error("the chart's config cannot be read")]
    Config(#[source] serde_json::Error),
    /// The metadata cannot be written as JSON.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
    /// The repository has no such tag.
    #[error("{source}")]
    NoSuchTag {
        /// The registry's error.
        source: Box<registry::RegistryError>,
        /// The tags that exist instead; `None` if the registry does not know the repository either.
        available: Option<Box<Available>>,
    },
    /// No tag of the repository matches the constraint.
    #[error("no version of {repository} matches `{constraint}`")]
    NoMatch {
        /// The repository.
        repository: String,
        /// The constraint.
        constraint: String,
        /// The tags that exist instead.
        available: Box<Available>,
    },
    /// The repository has no tag that is a version, except perhaps prereleases.
    #[error("{repository} has no tag that is a version{}", if available.newest.is_empty() { "" } else { ", but for prereleases" })]
    NoVersions {
        /// The repository.
        repository: String,
        /// The tags that exist instead.
        available: Box<Available>,
    },
    /// The text is neither a version nor a version constraint.
    #[error("the version cannot be understood")]
    Constraint {
        /// The text.
        text: String,
        /// What is wrong with it.
        source: version::ConstraintError,
    },
    /// The chosen version cannot be a tag.
    #[error("{0}")]
    Reference(#[from] ReferenceError),
}

impl From<AttachedError> for PullError {
    fn from(error: AttachedError) -> Self {
        Self::Attached(Box::new(error))
    }
}

impl From<WalkError> for PullError {
    fn from(error: WalkError) -> Self {
        AttachedError::from(error).into()
    }
}
