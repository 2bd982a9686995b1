//! What can go wrong.

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
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The disk refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// What is there is no chart in a form that we know.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// What is attached to the chart could not be taken along.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// The archive is no chart.
    #[error("the chart in the registry is refused")]
    Chart(#[from] ChartError),
    /// The config is no metadata. Helm refuses this as well.
    #[error("the chart's config cannot be read")]
    Config(#[source] serde_json::Error),
    /// The metadata could not be written down.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
    /// There is no such tag.
    #[error("{source}")]
    NoSuchTag {
        /// What the registry said.
        source: Box<registry::RegistryError>,
        /// What there is instead; nothing where the registry knows no such repository, either.
        available: Option<Box<Available>>,
    },
    /// No tag of the repository matches.
    #[error("no version of {repository} matches `{constraint}`")]
    NoMatch {
        /// Where.
        repository: String,
        /// What was asked for.
        constraint: String,
        /// What there is instead.
        available: Box<Available>,
    },
    /// A repository without any tag that is a version and no prerelease.
    #[error("{repository} has no tag that is a version{}", if available.newest.is_empty() { "" } else { ", but for prereleases" })]
    NoVersions {
        /// Where.
        repository: String,
        /// What there is instead.
        available: Box<Available>,
    },
    /// Not a version and not a constraint on one.
    #[error("the version cannot be understood")]
    Constraint {
        /// What was given.
        text: String,
        /// Why.
        source: version::ConstraintError,
    },
    /// A version that was picked cannot be a tag.
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
