//! Joins what is attached to a chart in the cache with what a layout has.

use super::error::LoadError;
use crate::bundle::BundleError;
use crate::cache::{Attached, Cache};
use crate::digest::Digest;
use crate::graph::{Attachment, Bond, Node};
use crate::reference::Tag;
use crate::verbs::attached::AttachedError;

/// What is attached in the layout, in the form that an entry of the cache keeps.
pub(super) fn attached(attachments: &[Attachment]) -> Attached {
    let mut attached = Attached::default();
    for Attachment { digest, node, bonds, .. } in attachments {
        let tags: Vec<_> = bonds.iter().filter_map(Bond::tag).collect();
        if tags.len() < bonds.len() {
            attached.manifests.insert(digest.clone());
        }
        attached.tags.extend(tags.into_iter().map(|tag| (tag, digest.clone())));
        attached.blobs.extend(node.blobs.iter().map(|blob| blob.digest.clone()));
    }
    attached
}

/// Joins both. If both have a manifest under the same tag of cosign's, the one that has all layers of the other is
/// kept; an error if each has layers of its own.
pub(super) fn joined(
    cache: &Cache,
    before: &Attached,
    ours: Attached,
    attachments: &[Attachment],
) -> Result<Attached, LoadError> {
    let mut both = before.clone();
    both.manifests.extend(ours.manifests);
    both.blobs.extend(ours.blobs);
    for (tag, digest) in ours.tags {
        let stays = match before.tags.get(&tag) {
            Some(there) if *there != digest => {
                let own = attachments.iter().find(|attachment| attachment.digest == digest);
                holds_all(cache, &tag, there, own.map(|own| &own.node))?
            }
            Some(_) => true,
            None => false,
        };
        if !stays {
            both.tags.insert(tag, digest);
        }
    }
    Ok(both)
}

/// Whether the manifest in the cache has all layers of the one in the layout. An error if each has layers of its own.
fn holds_all(cache: &Cache, tag: &Tag, there: &Digest, ours: Option<&Node>) -> Result<bool, LoadError> {
    let differs = || AttachedError::Differs { tag: tag.clone(), found: there.clone() };
    let Some(ours) = ours else { return Ok(true) };
    let theirs = Node::parse(&cache.blob(there)?.bytes()?, "");
    let theirs = theirs.map_err(|_| BundleError::Damaged(there.clone()))?;
    match (theirs.holds_layers_of(ours), ours.holds_layers_of(&theirs)) {
        (true, _) => Ok(true),
        (false, true) => Ok(false),
        (false, false) => Err(differs().into()),
    }
}
