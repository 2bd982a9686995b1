//! Another tag for what is in a registry, there or in another one. The bytes of the manifest stay what they are.

use std::fs::File;
use std::io::{self, Read, Write as _};

use super::outcome::RemoteError;
use crate::cache::{Cache, StagedBlob};
use crate::digest::Digest;
use crate::graph::Node;
use crate::http::{Sink, Source};
use crate::limits::MAX_CHART;
use crate::manifest::{Descriptor, ManifestError};
use crate::reference::{Reference, Tag};
use crate::registry::{self, Client, ManifestAnswer, RawManifest, RepositoryClient};

/// A tag that was given.
#[derive(Clone, Debug)]
pub struct TaggedRemotely {
    /// The reference that stands for the manifest now.
    pub reference: Reference,
    /// The manifest.
    pub digest: Digest,
    /// Whether the tag stood for it before.
    pub up_to_date: bool,
}

/// Gives what `source` stands for in its registry the name `target`, whose tag defaults to that of the source. Within a
/// repository nothing but the manifest is read and written; within a registry blobs are mounted, and what cannot be goes
/// through the cache. With `no_clobber`, a tag that stands for another manifest stays what it is.
pub fn tag_remote(
    client: &Client,
    cache: &Cache,
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
    let manifest = match from.get_manifest(&wanted, None) {
        Ok(ManifestAnswer::Manifest(manifest)) => manifest,
        Ok(ManifestAnswer::NotModified) => return Err(ManifestError::Neither.into()),
        Err(registry::Error::NotFound { .. }) => return Err(RemoteError::Missing),
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
        for blob in &node.blobs {
            let mounted = source.host == target.host && to.mount_blob(blob, &source.repository)?;
            if !mounted {
                carry(cache, &from, &to, blob)?;
            }
        }
    }
    put(&to, &tag, &node.media_type, &manifest, no_clobber)?;
    Ok(tagged)
}

/// Whether the tag stands for this manifest. That it stands for another one is an error.
fn is_there(to: &RepositoryClient, tag: &Tag, digest: &Digest) -> Result<bool, RemoteError> {
    match to.head_manifest(tag.as_str())? {
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
    match to.put_manifest(tag.as_str(), media_type, &manifest.bytes) {
        // Another one may have been faster, and registries have many words for that.
        Err(error) if no_clobber && error.report().is_some() => match is_there(to, tag, &manifest.digest)? {
            true => Ok(()),
            false => Err(error.into()),
        },
        result => Ok(result?),
    }
}

/// Takes a blob from one repository to another, through a temporary file of the cache.
fn carry(
    cache: &Cache,
    from: &RepositoryClient,
    to: &RepositoryClient,
    blob: &Descriptor,
) -> Result<(), RemoteError> {
    if blob.size > MAX_CHART {
        return Err(ManifestError::TooLarge { what: "blob", size: blob.size, limit: MAX_CHART }.into());
    }
    let mut sink = BlobSink(cache.download(&blob.digest)?);
    from.fetch_blob(blob, &mut sink)?;
    to.push_blob(blob, &Staged(sink.0.finish()?), &|_| {})?;
    Ok(())
}

/// A blob that comes into the cache's file system.
struct BlobSink(crate::cache::PartialBlob);

impl Sink for BlobSink {
    fn held(&self) -> u64 {
        self.0.size()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }

    fn digest(&self) -> Digest {
        self.0.digest_so_far()
    }
}

/// The same on its way out.
struct Staged(StagedBlob);

impl Source for Staged {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let file: File = self.0.open().map_err(io::Error::other)?;
        Ok(Box::new(file))
    }
}
