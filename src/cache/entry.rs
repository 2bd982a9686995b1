//! What the cache keeps: entries, and what they are called.

use std::time::SystemTime;

use super::attached::Attached;
use super::blob::CachedBlob;
use crate::digest::Digest;
use crate::reference::Reference;

/// What a reference stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheEntry {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// Its metadata without name and version.
    pub meta: Digest,
    /// Everything else; or, of a package that somebody else made, all of it.
    pub content: Digest,
    /// Whether `content` is a whole package, Chart.yaml included.
    pub package: bool,
    /// The provenance file that came with a package.
    pub provenance: Option<Digest>,
    /// The manifest and config that it was last pulled or pushed as.
    pub pushed: Option<Pushed>,
    /// What the registry had under this reference when it was last pulled, where that is not the manifest itself: an
    /// index, or the manifest of an early generation.
    pub origin: Option<Digest>,
    /// What `content` was made of, if it was made here: by this the same files are known again without compressing
    /// them. It is a name, not a blob.
    pub source: Option<Digest>,
    /// SOURCE_DATE_EPOCH when it was saved, if that was set: the time that its manifest will name, in seconds since 1970.
    pub epoch: Option<u64>,
    /// What is attached to the manifest that it was pushed or pulled as.
    pub attached: Attached,
}

/// The form that a chart has in a registry.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pushed {
    /// The manifest.
    pub manifest: Digest,
    /// The config.
    pub config: Digest,
}

/// An entry with its reference and its age.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it is called.
    pub reference: Reference,
    /// What it stands for.
    pub entry: CacheEntry,
    /// Since when the chart is in the cache.
    pub created: SystemTime,
}

/// The blobs of an entry, all open.
#[derive(Debug)]
pub struct EntryParts {
    /// Its metadata.
    pub meta: CachedBlob,
    /// Its content.
    pub content: CachedBlob,
    /// The provenance file, if it has one.
    pub provenance: Option<CachedBlob>,
    /// Manifest and config, if it was pushed or pulled.
    pub pushed: Option<PushedParts>,
    /// What the registry had under its reference, where that is not the manifest.
    pub origin: Option<CachedBlob>,
}

/// The blobs of the form that a chart has in a registry, open.
#[derive(Debug)]
pub struct PushedParts {
    /// The manifest.
    pub manifest: CachedBlob,
    /// The config.
    pub config: CachedBlob,
}

impl CacheEntry {
    /// A chart in two parts that no registry has, and to which nothing is attached.
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

    /// The blobs that it needs.
    pub fn blobs(&self) -> impl Iterator<Item = &Digest> {
        self.own_blobs().chain(self.attached.digests())
    }

    /// Those of the chart itself.
    pub(super) fn own_blobs(&self) -> impl Iterator<Item = &Digest> {
        let pushed = self.pushed.iter().flat_map(|p| [&p.manifest, &p.config]);
        [&self.meta, &self.content].into_iter().chain(&self.provenance).chain(pushed).chain(&self.origin)
    }

    /// Whether it needs this blob for what is attached to its chart alone.
    pub fn is_attached(&self, digest: &Digest) -> bool {
        self.attached.digests().any(|attached| attached == digest)
            && self.own_blobs().all(|own| own != digest)
    }

    /// Whether both are the same chart: how they were pushed, what they were made of and what is attached do not count.
    /// The time that a manifest will name (`epoch`) does: another time makes another manifest.
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

    /// Whether this is what the registry calls by that digest.
    pub fn is_manifest(&self, digest: &Digest) -> bool {
        self.is_pushed_as(digest) || self.origin.as_ref() == Some(digest)
    }

    /// Whether it is pushed as the manifest of this digest.
    pub fn is_pushed_as(&self, digest: &Digest) -> bool {
        self.pushed.as_ref().is_some_and(|pushed| pushed.manifest == *digest)
    }

    /// What the registry called it when it was last seen there.
    pub fn as_in_registry(&self) -> Option<&Digest> {
        self.origin.as_ref().or_else(|| self.pushed.as_ref().map(|pushed| &pushed.manifest))
    }
}
