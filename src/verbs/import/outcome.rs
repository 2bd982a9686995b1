//! What an import takes in, and what it tells of each chart.

use crate::cache::{Cache, CacheError};
use crate::chart::ChartError;
use crate::digest::Digest;
use crate::disk::{FileKind, PathError};
use crate::limits::OverBudget;
use crate::manifest::ManifestError;
use crate::reference::{Prefix, Reference, ReferenceError};

/// Why a chart was not imported, or none was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What is imported cannot be read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// It is no chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// Its manifest is none of a chart.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// The index of the cache is none.
    #[error("its index.json cannot be read")]
    Index(#[source] serde_json::Error),
    /// The index of the cache has more charts than may be held in memory.
    #[error("its index.json is too large")]
    TooMany(#[from] OverBudget),
    /// An entry of that index that says too little.
    #[error("its entry in index.json has no digest, no size or no name")]
    Entry,
    /// The config and the manifest could not be written down.
    #[error("cannot write the manifest")]
    Json(#[from] serde_json::Error),
    /// A name under which no registry can have the chart.
    #[error("{0}")]
    Odd(#[source] ReferenceError),
    /// A chart whose name and version can be no reference.
    #[error("the chart's name and version cannot be its reference")]
    Reference(#[from] ReferenceError),
    /// A blob that is not there.
    #[error("its blob {0} is missing")]
    Missing(Digest),
    /// A blob that is not what its name says.
    #[error("its blob {0} is damaged")]
    Damaged(Digest),
    /// A file that is larger than any that a chart has.
    #[error("it is larger than the limit of {0} MiB")]
    TooLarge(u64),
    /// The reference stands for another chart.
    #[error("the cache has another chart as {0}")]
    Differs(Reference),
    /// Something that has the name of a package and is no file.
    #[error("it is {0}")]
    NoFile(FileKind),
}

/// What became of one chart.
#[derive(Debug)]
pub struct ImportRow {
    /// What it was called where it came from: a reference, or a path below the directory.
    pub from: String,
    /// What it is called in the cache, where that is known.
    pub reference: Option<Reference>,
    /// The manifest that it had where it came from.
    pub old_manifest: Option<Digest>,
    /// What is odd about it, and no reason to leave it.
    pub note: Option<String>,
    /// What was done with it, or why nothing was.
    pub outcome: Result<Taken, ImportError>,
}

/// A chart that is in the cache now.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The manifest that a push will give it.
    pub manifest: Digest,
    /// Whether the cache had it under this reference before.
    pub was_there: bool,
}

/// How charts are imported.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Where charts go that bring no reference.
    pub prefix: Option<Prefix>,
    /// Whether a chart that is another one than that in the cache takes its place.
    pub force: bool,
    /// SOURCE_DATE_EPOCH, for the manifests of a later push.
    pub epoch: Option<u64>,
}

/// One import at work.
pub(super) struct Import<'a> {
    pub(super) cache: &'a Cache,
    pub(super) options: &'a ImportOptions,
}
