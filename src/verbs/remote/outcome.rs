//! The errors of `tag --remote` and `remove --remote`.

use crate::digest::Digest;
use crate::graph::WalkError;
use crate::manifest::ManifestError;
use crate::reference::{Reference, Tag};
use crate::registry;

/// Why a tag in a registry could not be removed or added.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// The manifest cannot be read.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// It cannot be determined what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// The reference has neither a tag nor a digest.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTarget(Reference),
    /// The registry does not have it.
    #[error("not in the registry")]
    Missing,
    /// The tag stands for another manifest than the digest in the reference.
    #[error("the tag stands for another manifest: {0}")]
    OtherDigest(Digest),
    /// The registry can only delete the manifest with all of its tags, and it has these others.
    #[error("this registry removes a manifest with all of its tags, and it has others: {}", shown(.0))]
    Shared(Vec<Tag>),
    /// The registry does not let clients delete anything.
    #[error("this registry does not let clients delete")]
    DeletionOff(#[source] registry::RegistryError),
    /// The registry says that it has deleted the tag or manifest, and still has it.
    #[error("the registry says that it is removed, and still has it")]
    StillThere,
    /// The tag stands for another manifest already, and must not be overwritten.
    #[error("the tag stands for another manifest there: {0}")]
    Differs(Digest),
    /// The reference stands for an index of several manifests.
    #[error("it is an index, whose manifests are not carried along")]
    Index,
}

/// The first tags as a text, and the number of the others.
fn shown(tags: &[Tag]) -> String {
    const MOST: usize = 20;
    let first: Vec<_> = tags.iter().take(MOST).map(Tag::as_str).collect();
    let more = tags.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}
