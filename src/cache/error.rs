//! The errors of the cache.

use std::path::PathBuf;
use std::time::Duration;

use crate::digest::Digest;
use crate::disk::{Foreign, PathError};
use crate::reference::{Reference, ReferenceError};

/// What can go wrong with the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refused something.
    #[error("{0}")]
    Disk(#[source] PathError),
    /// Something is in the cache that it did not make: a symbolic link, a fifo, a file in the place of a directory.
    /// Nothing was done with it.
    #[error("{0}")]
    Foreign(#[source] PathError),
    /// Other processes held the lock on the cache for all the time that was waited for it.
    #[error("other processes have used it all the time, for {}", humantime::format_duration(*.0))]
    InUse(Duration),
    /// The cache has no entry of this reference.
    #[error("not in the cache")]
    NotFound(Reference),
    /// The reference has neither a tag nor a digest, so it names no entry.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTag(Reference),
    /// The entry under the tag has another manifest than the one with the digest asked for.
    #[error("the cache has another chart under this tag: its manifest is {}", found.as_ref().map_or("not known yet".to_owned(), ToString::to_string))]
    OtherDigest {
        /// The reference that was asked for.
        reference: Reference,
        /// The digest of the manifest that the tag stands for, if that is known yet.
        found: Option<Digest>,
    },
    /// The chart's version cannot be turned into a tag.
    #[error("the chart's version cannot be the tag")]
    Tag(#[from] ReferenceError),
    /// The links of an entry cannot be understood.
    #[error("the cache entry {} is broken: {reason}", path.display())]
    BrokenEntry {
        /// The path of the entry.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A blob that an entry needs is missing.
    #[error("blob {0} is missing from the cache")]
    Missing(Digest),
    /// A blob does not have the digest that its name says.
    #[error("blob {digest} is damaged")]
    Damaged {
        /// The digest that is its name.
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
