//! The options, results and errors of an import.

use crate::cache::{Cache, CacheError};
use crate::chart::ChartError;
use crate::digest::Digest;
use crate::disk::{FileKind, PathError};
use crate::limits::OverBudget;
use crate::manifest::ManifestError;
use crate::reference::{Prefix, Reference, ReferenceError};

/// Why a chart was not imported, or why nothing was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or directory cannot be read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The package is not a chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The manifest is not that of a chart.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// The index of the other cache is not valid.
    #[error("its index.json cannot be read")]
    Index(#[source] serde_json::Error),
    /// The index of the other cache has more charts than fit into memory.
    #[error("its index.json is too large")]
    TooMany(#[from] OverBudget),
    /// An entry of that index lacks a digest, a size or a name.
    #[error("its entry in index.json has no digest, no size or no name")]
    Entry,
    /// The manifest and config cannot be written as JSON.
    #[error("cannot write the manifest")]
    Json(#[from] serde_json::Error),
    /// The chart's reference there is not valid in a registry.
    #[error("{0}")]
    Odd(#[source] ReferenceError),
    /// The chart's name and version do not make a valid reference.
    #[error("the chart's name and version cannot be its reference")]
    Reference(#[from] ReferenceError),
    /// This blob is missing.
    #[error("its blob {0} is missing")]
    Missing(Digest),
    /// This blob does not have its digest.
    #[error("its blob {0} is damaged")]
    Damaged(Digest),
    /// A file is larger than the limit, in MiB.
    #[error("it is larger than the limit of {0} MiB")]
    TooLarge(u64),
    /// The cache has another chart under this reference.
    #[error("the cache has another chart as {0}")]
    Differs(Reference),
    /// Something has a package's name and is not a regular file.
    #[error("it is {0}")]
    NoFile(FileKind),
}

/// The result for one chart.
#[derive(Debug)]
pub struct ImportRow {
    /// Its name in the source: a reference, or a path below the directory.
    pub from: String,
    /// Its reference in the cache, if that is known.
    pub reference: Option<Reference>,
    /// The digest of its manifest in the source, if it had one.
    pub old_manifest: Option<Digest>,
    /// Something unusual about it that did not prevent the import.
    pub note: Option<String>,
    /// What was imported, or why it was not.
    pub outcome: Result<Taken, ImportError>,
}

/// An imported chart.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The digest of the manifest that a push will make.
    pub manifest: Digest,
    /// Whether the cache already had it under this reference.
    pub was_there: bool,
}

/// How charts are imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The prefix for charts without a reference of their own.
    pub prefix: Option<Prefix>,
    /// Whether to replace another chart that the cache has under the same reference.
    pub force: bool,
    /// The SOURCE_DATE_EPOCH for the manifests of later pushes, in seconds.
    pub epoch: Option<u64>,
}

/// The state of one import.
pub(super) struct Import<'a> {
    pub(super) cache: &'a Cache,
    pub(super) options: &'a ImportOptions,
}
