//! What commands tell of the charts they dealt with, and how far they have come.

use crate::cache::{CacheEntry, StagedBlob};
use crate::digest::Digest;
use crate::reference::Reference;

/// The chart that a command has dealt with, as its summary shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// Its metadata blob.
    pub meta: BlobSummary,
    /// Its content blob.
    pub content: BlobSummary,
    /// Its provenance file.
    pub provenance: Option<BlobSummary>,
}

impl Summary {
    /// The entry of the cache for a chart that no registry has, and with which nothing is attached.
    pub(super) fn entry(&self) -> CacheEntry {
        let digest = |part: &BlobSummary| part.digest.clone();
        let (meta, content) = (digest(&self.meta), digest(&self.content));
        let entry = CacheEntry::new(self.name.clone(), self.version.clone(), meta, content);
        CacheEntry { provenance: self.provenance.as_ref().map(digest), ..entry }
    }
}

/// A chart that was pushed or pulled: what cache and registry both have now.
#[derive(Clone, Debug)]
pub struct Transferred {
    /// What it is called, with the tag or digest that it is kept under.
    pub reference: Reference,
    /// The chart.
    pub summary: Summary,
    /// The manifest.
    pub manifest: BlobSummary,
    /// The config.
    pub config: BlobSummary,
    /// The chart archive.
    pub chart: BlobSummary,
    /// How many manifests went with it that are attached to it, or were there.
    pub attached: usize,
    /// Whether the side that it went to had the chart before.
    pub up_to_date: bool,
    /// The directory or the package that was made of it, if that was asked for.
    pub written: Option<std::path::PathBuf>,
    /// Whether it went to the registry, and not to the cache.
    pub was_pushed: bool,
    /// The manifest that the registry had under this tag before, if that was another one.
    pub replaced: Option<Digest>,
}

/// How far a command has come, in bytes.
#[derive(Clone, Copy, Debug)]
pub enum Progress {
    /// There are so many more to do.
    Whole(u64),
    /// So many more are done.
    Done(u64),
}

/// Takes progress, from any thread.
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
