//! An entry of the cache with the sizes of its parts, for documents.

use std::time::SystemTime;

use super::outcome::{BlobSummary, Summary};
use crate::cache::{Cache, CacheError, Stored};
use crate::digest::Digest;
use crate::manifest::{ChartManifest, ManifestDocument};
use crate::reference::Reference;

/// An entry of the cache.
#[derive(Clone, Debug)]
pub struct HeldEntry {
    /// Its reference.
    pub reference: Reference,
    /// When it was written.
    pub created: SystemTime,
    /// The chart.
    pub summary: Summary,
    /// The manifest that it was last pushed or pulled as, and its parts. `None` if it was not pushed or pulled yet, or
    /// is of an early generation whose kind of manifest Helm no longer writes.
    pub form: Option<HeldForm>,
}

/// The parts of a chart in a registry.
#[derive(Clone, Debug)]
pub struct HeldForm {
    /// The manifest.
    pub manifest: BlobSummary,
    /// The config.
    pub config: BlobSummary,
    /// The package.
    pub chart: BlobSummary,
}

/// The parts of an entry with their sizes. Only the manifest is read.
pub fn held(cache: &Cache, stored: &Stored) -> Result<HeldEntry, CacheError> {
    let entry = &stored.entry;
    let part = |digest: &Digest| {
        Ok::<_, CacheError>(BlobSummary { digest: digest.clone(), size: cache.blob(digest)?.size() })
    };
    let summary = Summary {
        name: entry.name.clone(),
        version: entry.version.clone(),
        meta: part(&entry.meta)?,
        content: part(&entry.content)?,
        provenance: entry.provenance.as_ref().map(part).transpose()?,
    };
    let form = match &entry.pushed {
        Some(pushed) => {
            let manifest = cache.blob(&pushed.manifest)?;
            let unreadable = || CacheError::Damaged { digest: pushed.manifest.clone() };
            let Ok(ManifestDocument::Manifest(document)) = ManifestDocument::parse(&manifest.bytes()?, "")
            else {
                return Err(unreadable());
            };
            let Ok(ChartManifest::Whole { config, chart, .. }) = ChartManifest::new(&document) else {
                return Err(unreadable());
            };
            Some(HeldForm {
                manifest: BlobSummary { digest: pushed.manifest.clone(), size: manifest.size() },
                config: BlobSummary { digest: config.digest, size: config.size },
                chart: BlobSummary { digest: chart.digest, size: chart.size },
            })
        }
        None => None,
    };
    Ok(HeldEntry { reference: stored.reference.clone(), created: stored.created, summary, form })
}
