//! What `tag --remote` and `remove --remote` have done, and why they have not.

use crate::digest::Digest;
use crate::graph::WalkError;
use crate::manifest::ManifestError;
use crate::reference::{Reference, Tag};
use crate::registry;

/// Why a tag was not removed from its registry, or not given there.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// What is there cannot be read.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// There is no telling what is attached.
    #[error("{0}")]
    Walk(#[from] WalkError),
    /// A reference that names nothing.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTarget(Reference),
    /// Nothing is there.
    #[error("not in the registry")]
    Missing,
    /// The tag is of another manifest than the digest that was asked for.
    #[error("the tag stands for another manifest: {0}")]
    OtherDigest(Digest),
    /// The registry deletes a manifest with all of its tags or not at all, and there are others.
    #[error("this registry removes a manifest with all of its tags, and it has others: {}", shown(.0))]
    Shared(Vec<Tag>),
    /// The registry does not delete anything for clients.
    #[error("this registry does not let clients delete")]
    DeletionOff(#[source] registry::RegistryError),
    /// The registry does not do what it says.
    #[error("the registry says that it is removed, and still has it")]
    StillThere,
    /// The tag is given already, and is not to be taken away from what has it.
    #[error("the tag stands for another manifest there: {0}")]
    Differs(Digest),
    /// Several manifests at once.
    #[error("it is an index, whose manifests are not carried along")]
    Index,
}

/// As many tags as a person can look at.
fn shown(tags: &[Tag]) -> String {
    const MOST: usize = 20;
    let first: Vec<_> = tags.iter().take(MOST).map(Tag::as_str).collect();
    let more = tags.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}
