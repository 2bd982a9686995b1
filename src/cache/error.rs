//! What may be wrong with the cache.

use std::path::PathBuf;
use std::time::Duration;

use crate::digest::Digest;
use crate::disk::{Foreign, PathError};
use crate::reference::{Reference, ReferenceError};

/// What may be wrong with the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refused.
    #[error("{0}")]
    Disk(#[source] PathError),
    /// Something lies in the cache that it has not made: a symbolic link, a fifo, a file where a directory belongs. Nothing was
    /// done with it.
    #[error("{0}")]
    Foreign(#[source] PathError),
    /// Other processes have used it for as long as was waited for it.
    #[error("other processes have used it all the time, for {}", humantime::format_duration(*.0))]
    InUse(Duration),
    /// No such entry.
    #[error("not in the cache")]
    NotFound(Reference),
    /// A reference that names no entry.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTag(Reference),
    /// The entry under the tag is of another manifest than the digest asked for.
    #[error("the cache has another chart under this tag: its manifest is {}", found.as_ref().map_or("not known yet".to_owned(), ToString::to_string))]
    OtherDigest {
        /// What was asked for.
        reference: Reference,
        /// What the tag stands for.
        found: Option<Digest>,
    },
    /// The chart's version cannot be a tag.
    #[error("the chart's version cannot be the tag")]
    Tag(#[from] ReferenceError),
    /// An entry that cannot be read.
    #[error("the cache entry {} is broken: {reason}", path.display())]
    BrokenEntry {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A blob that an entry needs is not there.
    #[error("blob {0} is missing from the cache")]
    Missing(Digest),
    /// A blob that is not what its name says.
    #[error("blob {digest} is damaged")]
    Damaged {
        /// Its name.
        digest: Digest,
    },
}

impl From<PathError> for CacheError {
    fn from(error: PathError) -> Self {
        match Foreign::in_error(&error) {
            Some(_) => Self::Foreign(error),
            None => Self::Disk(error),
        }
    }
}
