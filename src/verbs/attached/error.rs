//! What can go wrong with what is attached.

use crate::cache::CacheError;
use crate::digest::Digest;
use crate::graph::WalkError;
use crate::limits::{MAX_ATTACHED_BLOB, MAX_ATTACHED_BLOBS};
use crate::reference::Tag;
use crate::registry;

/// Why what is attached to a chart did not go with it.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// There is no telling what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// A blob that is larger than those that are taken.
    #[error(
        "the attached blob {digest} claims {size} bytes; the limit is {} MiB",
        MAX_ATTACHED_BLOB >> 20
    )]
    TooLarge {
        /// Which one.
        digest: Digest,
        /// What its descriptor says.
        size: u64,
    },
    /// More blobs than are taken.
    #[error("what is attached has more than {MAX_ATTACHED_BLOBS} blobs")]
    TooMany,
    /// The registry has something else under a tag of cosign's, with signatures that would be lost.
    #[error("the registry has other signatures under {tag}: {found}")]
    Differs {
        /// The tag.
        tag: Tag,
        /// What is there.
        found: Digest,
    },
}
