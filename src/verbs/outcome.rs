//! Results that commands report about charts, and their progress.

use crate::cache::{CacheEntry, StagedBlob};
use crate::digest::Digest;
use crate::reference::Reference;

/// A chart that a command has handled, for its summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The blob with the metadata.
    pub meta: BlobSummary,
    /// The blob with the content.
    pub content: BlobSummary,
    /// The blob with the provenance file, if there is one.
    pub provenance: Option<BlobSummary>,
}

impl Summary {
    /// The cache entry for a chart that is in no registry and has nothing attached.
    pub(super) fn entry(&self) -> CacheEntry {
        let digest = |part: &BlobSummary| part.digest.clone();
        let (meta, content) = (digest(&self.meta), digest(&self.content));
        let entry = CacheEntry::new(self.name.clone(), self.version.clone(), meta, content);
        CacheEntry { provenance: self.provenance.as_ref().map(digest), ..entry }
    }
}

/// A chart that was pushed or pulled, so that cache and registry both have it.
#[derive(Clone, Debug)]
pub struct Transferred {
    /// The reference of the chart, with its tag or digest.
    pub reference: Reference,
    /// The chart.
    pub summary: Summary,
    /// The digest and size of the manifest.
    pub manifest: BlobSummary,
    /// The digest and size of the config.
    pub config: BlobSummary,
    /// The digest and size of the chart archive.
    pub chart: BlobSummary,
    /// How many manifests are attached to it that were transferred or were there already.
    pub attached: usize,
    /// Whether the destination already had the chart.
    pub up_to_date: bool,
    /// The path of the directory or package that was written, if that was asked for.
    pub written: Option<std::path::PathBuf>,
    /// Whether it was pushed to the registry; otherwise it was pulled into the cache.
    pub was_pushed: bool,
    /// The manifest that the tag stood for in the registry before, if that was another one.
    pub replaced: Option<Digest>,
}

/// Progress of a command, in bytes.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// This many more bytes have to be transferred.
    Whole(u64),
    /// This many more bytes have been transferred.
    Done(u64),
}

/// Is called with progress, from any thread.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Sync);

/// A blob's digest and size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobSummary {
    /// The digest.
    pub digest: Digest,
    /// The size in bytes.
    pub size: u64,
}

impl BlobSummary {
    pub(super) fn of(content: &[u8]) -> Self {
        Self { digest: Digest::of(content), size: content.len() as u64 }
    }
}

pub(super) fn staged(blob: &StagedBlob) -> BlobSummary {
    BlobSummary { digest: blob.digest().clone(), size: blob.size() }
}
