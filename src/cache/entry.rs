//! The entries of the cache, each of which is a chart under a reference.

use std::time::SystemTime;

use super::attached::Attached;
use super::blob::CachedBlob;
use crate::digest::Digest;
use crate::reference::Reference;

/// The chart that a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheEntry {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The digest of its metadata without name and version.
    pub meta: Digest,
    /// The digest of everything else; or, if `package` is true, of the whole package.
    pub content: Digest,
    /// Whether `content` is a whole package with its Chart.yaml, kept byte for byte because it was not packed here.
    pub package: bool,
    /// The digest of the provenance file that came with the package.
    pub provenance: Option<Digest>,
    /// The manifest and config under which it was last pulled or pushed; None if it never was.
    pub pushed: Option<Pushed>,
    /// The digest of what the registry had under this reference when it was last pulled, if that is not the manifest in
    /// `pushed`: an index, or the manifest of an early generation.
    pub origin: Option<Digest>,
    /// The digest of the files that `content` was packed from, if that was done here. Saving the same files again is
    /// recognised by it, without compressing them. There is no blob of this digest.
    pub source: Option<Digest>,
    /// The value of SOURCE_DATE_EPOCH when the chart was saved, if it was set, in seconds since 1970. It becomes the
    /// time in the chart's manifest.
    pub epoch: Option<u64>,
    /// What is attached to the manifest that it was pushed or pulled as.
    pub attached: Attached,
}

/// The digests of the form that a chart has in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pushed {
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The digest of the config.
    pub config: Digest,
}

/// An entry with its reference, and since when it is in the cache.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The reference of the entry.
    pub reference: Reference,
    /// The chart that the reference stands for.
    pub entry: CacheEntry,
    /// When the chart came into the cache.
    pub created: SystemTime,
}

/// The blobs of an entry, all opened.
#[derive(Debug)]
pub struct EntryParts {
    /// Its metadata, without name and version.
    pub meta: CachedBlob,
    /// Its content: the rest of the chart, or the whole package.
    pub content: CachedBlob,
    /// The provenance file, if there is one.
    pub provenance: Option<CachedBlob>,
    /// The manifest and the config, if it was pushed or pulled.
    pub pushed: Option<PushedParts>,
    /// What the registry had under its reference, if that is not the manifest.
    pub origin: Option<CachedBlob>,
}

/// The blobs of the form that a chart has in a registry, opened.
#[derive(Debug)]
pub struct PushedParts {
    /// The manifest.
    pub manifest: CachedBlob,
    /// The manifest, opened.
    pub config: CachedBlob,
}

impl CacheEntry {
    /// An entry of a chart in two parts that was never pushed or pulled, and to which nothing is attached.
    pub fn new(name: String, version: String, meta: Digest, content: Digest) -> Self {
        Self {
            name,
            version,
            meta,
            content,
            package: false,
            provenance: None,
            pushed: None,
            origin: None,
            source: None,
            epoch: None,
            attached: Attached::default(),
        }
    }

    /// The digests of all blobs that the entry needs, including those of attached manifests.
    pub fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.own_blobs().chain(self.attached.digests())
    }

    /// The digests of the blobs of the chart itself.
    pub(super) fn own_blobs(&self) -> impl Iterator<Item = &Digest> {
        let pushed = self.pushed.iter().flat_map(|p| [&p.manifest, &p.config]);
        [&self.meta, &self.content].into_iter().chain(&self.provenance).chain(pushed).chain(&self.origin)
    }

    /// Whether the entry needs this blob only because of what is attached to its chart.
    pub fn is_attached(&self, digest: &Digest) -> bool {
        self.attached.digests().any(|attached| attached == digest)
            && self.own_blobs().all(|own| own != digest)
    }

    /// Whether both entries have the same chart. How they were pushed, what they were made of, and what is attached is
    /// not compared. The time that the manifest will name (`epoch`) is: another time makes another manifest.
    pub(super) fn is_of_the_chart_of(&self, other: &Self) -> bool {
        let bare = |entry: &Self| Self {
            pushed: None,
            origin: None,
            source: None,
            attached: Attached::default(),
            ..entry.clone()
        };
        bare(self) == bare(other)
    }

    /// Whether a registry may know this entry by this digest: it is the digest of its manifest, or of `origin`.
    pub fn is_manifest(&self, digest: &Digest) -> bool {
        self.is_pushed_as(digest) || self.origin.as_ref() == Some(digest)
    }

    /// Whether its manifest in a registry has this digest.
    pub fn is_pushed_as(&self, digest: &Digest) -> bool {
        self.pushed.as_ref().is_some_and(|pushed| pushed.manifest == *digest)
    }

    /// The digest that the registry had under its reference when it was last pulled or pushed; None if it never was.
    pub fn as_in_registry(&self) -> Option<&Digest> {
        self.origin.as_ref().or_else(|| self.pushed.as_ref().map(|pushed| &pushed.manifest))
    }
}
