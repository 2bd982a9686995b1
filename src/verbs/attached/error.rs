//! Errors with what is attached to a chart: signatures, SBOMs and other manifests.

use crate::cache::CacheError;
use crate::digest::Digest;
use crate::graph::WalkError;
use crate::limits::{MAX_ATTACHED_BLOB, MAX_ATTACHED_BLOBS};
use crate::reference::Tag;
use crate::registry;

/// Why what is attached to a chart could not be transferred with it.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// It cannot be determined what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// An attached blob is larger than the limit.
    #[error(
        "the attached blob {digest} claims {size} bytes; the limit is {} MiB",
        MAX_ATTACHED_BLOB >> 20
    )]
    TooLarge {
        /// The digest of the blob.
        digest: Digest,
        /// The size in its descriptor, in bytes.
        size: u64,
    },
    /// There are more attached blobs than the limit.
    #[error("what is attached has more than {MAX_ATTACHED_BLOBS} blobs")]
    TooMany,
    /// The registry has another manifest under one of cosign's tags, with signatures that would be lost.
    #[error("the registry has other signatures under {tag}: {found}")]
    Differs {
        /// The tag.
        tag: Tag,
        /// The digest of the manifest that the registry has.
        found: Digest,
    },
}
