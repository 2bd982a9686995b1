//! An entry of the cache as one chart archive, for export and push.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use super::outcome::{BlobSummary, Summary};
use crate::cache::{Cache, CacheEntry, CacheError, CachedBlob, EntryParts, PushedParts};
use crate::chart::{self, Metadata};
use crate::digest::{Digest, HashingWriter, VerifiedReader};
use crate::limits::MAX_CONFIG;
use crate::manifest::{ChartManifest, ManifestDocument};
use crate::reference::Reference;

/// An entry with its blobs open.
pub(super) struct Layer {
    pub(super) entry: CacheEntry,
    pub(super) metadata: Metadata,
    /// The beginning of the archive: the member for Chart.yaml, or nothing if the content is a whole package.
    head: Arc<[u8]>,
    meta: BlobSummary,
    content: CachedBlob,
    pub(super) provenance: Option<CachedBlob>,
    pub(super) pushed: Option<PushedParts>,
    pub(super) origin: Option<CachedBlob>,
}

impl Layer {
    /// Opens the entry under `reference`, and marks it as used.
    pub(super) fn open(cache: &Cache, reference: &Reference) -> Result<Self, CacheError> {
        let (stored, parts) = cache.open(reference)?;
        cache.touch(&stored.reference);
        Self::of(stored.entry, parts)
    }

    /// The archive of an entry whose blobs are open.
    pub(super) fn of(entry: CacheEntry, parts: EntryParts) -> Result<Self, CacheError> {
        let EntryParts { meta, content, provenance, pushed, origin } = parts;
        let damaged = || CacheError::Damaged { digest: meta.digest().clone() };
        // With this limit it takes no more memory than a Chart.yaml does.
        if meta.size() > MAX_CONFIG {
            return Err(damaged());
        }
        let metadata =
            Metadata::from_meta(&meta.bytes()?, &entry.name, &entry.version).map_err(|_| damaged())?;
        let head = if entry.package { Vec::new() } else { chart::head(&metadata).map_err(|_| damaged())? };
        let head = head.into();
        let meta = BlobSummary { digest: meta.digest().clone(), size: meta.size() };
        Ok(Self { entry, metadata, head, meta, content, provenance, pushed, origin })
    }

    /// Reads the chart archive. The reader fails before its end if a blob is damaged.
    pub(super) fn read(&self) -> io::Result<impl Read + use<>> {
        Ok(Cursor::new(Arc::clone(&self.head)).chain(self.content.read()?))
    }

    /// The beginning of the archive, before the content blob.
    pub(super) fn head(&self) -> Arc<[u8]> {
        Arc::clone(&self.head)
    }

    /// The size of the archive in bytes.
    pub(super) fn size(&self) -> u64 {
        self.head.len() as u64 + self.content.size()
    }

    /// The digest and size of the archive.
    pub(super) fn part(&self) -> Result<BlobSummary, CacheError> {
        let size = self.size();
        if self.head.is_empty() {
            return Ok(BlobSummary { digest: self.content.digest().clone(), size });
        }
        let mut hasher = HashingWriter::new(io::sink());
        let copied = self.read().and_then(|mut layer| io::copy(&mut layer, &mut hasher));
        copied.map_err(|_| self.damaged())?;
        let (_, digest, _) = hasher.finish();
        Ok(BlobSummary { digest, size })
    }

    /// The digest and size of the archive, if all blobs of the entry are undamaged and belong to one chart.
    pub(super) fn whole(&self) -> Option<BlobSummary> {
        let pushed = self.pushed.iter().flat_map(|pushed| [&pushed.manifest, &pushed.config]);
        let mut small = pushed.chain(&self.provenance).chain(&self.origin);
        // The digest of a package is that of its content blob, so that blob is read to verify it.
        if !small.all(CachedBlob::is_whole) || (self.head.is_empty() && !self.content.is_whole()) {
            return None;
        }
        let archive = self.part().ok()?;
        self.disagreement(&archive).ok()?.is_none().then_some(archive)
    }

    /// Where the manifest that the entry keeps contradicts the entry, if it does. `archive` is the digest and size of
    /// the chart archive.
    pub(super) fn disagreement(&self, archive: &BlobSummary) -> Result<Option<&'static str>, CacheError> {
        let unreadable = Some("its manifest cannot be read as that of a chart");
        if let Some(PushedParts { manifest, config }) = &self.pushed {
            let Ok(ManifestDocument::Manifest(document)) = ManifestDocument::parse(&manifest.bytes()?, "")
            else {
                return Ok(unreadable);
            };
            let Ok(ChartManifest::Whole { config: c, chart, provenance: p, .. }) =
                ChartManifest::new(&document)
            else {
                return Ok(unreadable);
            };
            if chart.size != archive.size || !self.is_called(&chart.digest, archive) {
                return Ok(Some("its content is not what its manifest names"));
            }
            if c.digest != *config.digest() {
                return Ok(Some("its config is not what its manifest names"));
            }
            if p.as_ref().map(|p| &p.digest) != self.provenance.as_ref().map(CachedBlob::digest) {
                return Ok(Some("its provenance file is not what its manifest names"));
            }
        }
        if let Some(origin) = &self.origin {
            let manifest = self.pushed.as_ref().map(|pushed| pushed.manifest.digest());
            match ManifestDocument::parse(&origin.bytes()?, "") {
                Ok(ManifestDocument::Index(index)) => {
                    if manifest.is_some_and(|m| index.manifests.iter().all(|child| child.digest != *m)) {
                        return Ok(Some("its manifest is none that its index names"));
                    }
                }
                Ok(ManifestDocument::Manifest(_)) => {}
                Err(_) => return Ok(unreadable),
            }
        }
        Ok(None)
    }

    /// Whether the archive has this digest, which may be of another algorithm than SHA-256.
    fn is_called(&self, digest: &Digest, archive: &BlobSummary) -> bool {
        if digest.algorithm() == archive.digest.algorithm() {
            return *digest == archive.digest;
        }
        let read =
            |layer| io::copy(&mut VerifiedReader::new(layer, digest.clone(), archive.size), &mut io::sink());
        self.read().and_then(read).is_ok()
    }

    /// The damaged blob, if reading the archive or the provenance file failed because of one.
    pub(super) fn blame(&self) -> Option<CacheError> {
        let damaged = [&self.content].into_iter().chain(&self.provenance).find(|blob| !blob.is_whole())?;
        Some(CacheError::Damaged { digest: damaged.digest().clone() })
    }

    pub(super) fn damaged(&self) -> CacheError {
        CacheError::Damaged { digest: self.content.digest().clone() }
    }

    pub(super) fn summary(&self) -> Summary {
        let part = |blob: &CachedBlob| BlobSummary { digest: blob.digest().clone(), size: blob.size() };
        Summary {
            name: self.metadata.name.clone(),
            version: self.metadata.version.clone(),
            meta: self.meta.clone(),
            content: part(&self.content),
            provenance: self.provenance.as_ref().map(part),
        }
    }
}
