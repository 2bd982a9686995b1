//! Gives a manifest in a registry another tag, in the same repository or elsewhere. Its bytes stay the same.

use super::outcome::RemoteError;
use crate::digest::Digest;
use crate::graph::Node;
use crate::limits::MAX_CHART;
use crate::manifest::ManifestError;
use crate::reference::{Reference, Tag};
use crate::registry::{self, Client, ManifestAnswer, RawManifest, RepositoryClient};
use crate::verbs::copy::carry_blob;

/// The result of adding a tag.
#[derive(Clone, Debug)]
pub struct TaggedRemotely {
    /// The reference with the new tag.
    pub reference: Reference,
    /// The digest of the manifest.
    pub digest: Digest,
    /// Whether the tag already stood for this manifest.
    pub up_to_date: bool,
}

/// Tags the manifest of `source` as `target`, whose tag defaults to that of the source. Within a repository only the
/// manifest is read and written. Within a registry blobs are mounted; those that cannot be are streamed through memory.
/// With `no_clobber`, a tag that stands for another manifest is an error.
pub fn tag_remote(
    client: &Client,
    source: &Reference,
    target: &Reference,
    no_clobber: bool,
) -> Result<TaggedRemotely, RemoteError> {
    let tag = target.tag.clone().or_else(|| source.tag.clone());
    let tag = tag.ok_or_else(|| RemoteError::NoTarget(target.clone()))?;
    let target = target.with_tag(tag.clone());
    let wanted = source.target().ok_or_else(|| RemoteError::NoTarget(source.clone()))?;
    let from = client.repository(&source.host, &source.repository)?;
    let to = client.repository(&target.host, &target.repository)?.for_push();
    let is_within = (&source.host, &source.repository) == (&target.host, &target.repository);
    // One token serves both.
    let from = if is_within { to.clone() } else { from };
    let manifest = match from.get_manifest(wanted, None) {
        Ok(ManifestAnswer::Manifest(manifest)) => manifest,
        Ok(ManifestAnswer::NotModified) => return Err(ManifestError::Neither.into()),
        Err(registry::RegistryError::NotFound { .. }) => return Err(RemoteError::Missing),
        Err(error) => return Err(error.into()),
    };
    let node = Node::parse(&manifest.bytes, &manifest.content_type)?;
    let tagged =
        TaggedRemotely { reference: target.clone(), digest: manifest.digest.clone(), up_to_date: false };
    if no_clobber && is_there(&to, &tag, &manifest.digest)? {
        return Ok(TaggedRemotely { up_to_date: true, ..tagged });
    }
    if !is_within {
        if !node.manifests.is_empty() {
            return Err(RemoteError::Index);
        }
        if let Some(blob) = node.blobs.iter().find(|blob| blob.size > MAX_CHART) {
            return Err(ManifestError::TooLarge { what: "blob", size: blob.size, limit: MAX_CHART }.into());
        }
        for blob in &node.blobs {
            let mounted = source.host == target.host && to.mount_blob(blob, &source.repository)?;
            if !mounted {
                carry_blob(&from, &to, blob)?;
            }
        }
    }
    put(&to, &tag, &node.media_type, &manifest, no_clobber)?;
    Ok(tagged)
}

/// Whether the tag stands for this manifest already. An error if it stands for another one.
fn is_there(to: &RepositoryClient, tag: &Tag, digest: &Digest) -> Result<bool, RemoteError> {
    match to.head_manifest(tag.into())? {
        None => Ok(false),
        Some(head) if head.digest == *digest => Ok(true),
        Some(head) => Err(RemoteError::Differs(head.digest)),
    }
}

fn put(
    to: &RepositoryClient,
    tag: &Tag,
    media_type: &str,
    manifest: &RawManifest,
    no_clobber: bool,
) -> Result<(), RemoteError> {
    match to.put_manifest(tag.into(), media_type, &manifest.bytes) {
        // Another client may have set the tag first, which registries report with many different errors.
        Err(error) if no_clobber && error.report().is_some() => match is_there(to, tag, &manifest.digest)? {
            true => Ok(()),
            false => Err(error.into()),
        },
        result => Ok(result?),
    }
}
