//! An entry of the cache as one chart archive: what is exported and what is pushed.

use std::io::{self, Cursor, Read};

use super::{Part, Summary};
use crate::cache::{Blob, Cache, CacheError, Stored};
use crate::chart::{self, Metadata};
use crate::digest::HashingWriter;
use crate::reference::Reference;

/// An entry whose blobs are open.
pub(super) struct Layer {
    pub(super) stored: Stored,
    pub(super) metadata: Metadata,
    /// What comes before the content: Chart.yaml's member, or nothing in a package.
    head: Vec<u8>,
    meta: Part,
    content: Blob,
    pub(super) provenance: Option<Blob>,
    pub(super) pushed: Option<(Blob, Blob)>,
    pub(super) origin: Option<Blob>,
}

impl Layer {
    /// Opens the entry that `reference` names.
    pub(super) fn open(cache: &Cache, reference: &Reference) -> Result<Self, CacheError> {
        let (stored, blobs) = cache.open(reference)?;
        let mut blobs = blobs.into_iter();
        // Entry::blobs gives them in this order.
        let entry = &stored.entry;
        let missing = || CacheError::Missing(entry.meta.clone());
        let meta = blobs.next().ok_or_else(missing)?;
        let content = blobs.next().ok_or_else(missing)?;
        let provenance = if entry.provenance.is_some() { blobs.next() } else { None };
        let pushed = if entry.pushed.is_some() { blobs.next().zip(blobs.next()) } else { None };
        let origin = blobs.next();
        let damaged = || CacheError::Damaged { digest: meta.digest().clone() };
        let metadata =
            Metadata::from_meta(&meta.bytes()?, &entry.name, &entry.version).map_err(|_| damaged())?;
        let head = if entry.package { Vec::new() } else { chart::head(&metadata).map_err(|_| damaged())? };
        let meta = Part { digest: meta.digest().clone(), size: meta.size() };
        Ok(Self { stored, metadata, head, meta, content, provenance, pushed, origin })
    }

    /// Reads the chart archive. Its end is reached only if the cache's blobs are undamaged.
    pub(super) fn read(&self) -> io::Result<impl Read + use<>> {
        Ok(Cursor::new(self.head.clone()).chain(self.content.read()?))
    }

    /// The digest and size of the archive.
    pub(super) fn part(&self) -> Result<Part, CacheError> {
        let size = self.head.len() as u64 + self.content.size();
        if self.head.is_empty() {
            return Ok(Part { digest: self.content.digest().clone(), size });
        }
        let mut hasher = HashingWriter::new(io::sink());
        let copied = self.read().and_then(|mut layer| io::copy(&mut layer, &mut hasher));
        copied.map_err(|_| self.damaged())?;
        let (_, digest, _) = hasher.finish();
        Ok(Part { digest, size })
    }

    /// Whether all that it will be read from is undamaged.
    pub(super) fn is_whole(&self) -> bool {
        let pushed = self.pushed.iter().flat_map(|(manifest, config)| [manifest, config]);
        pushed.chain(&self.provenance).chain(&self.origin).chain([&self.content]).all(Blob::is_whole)
    }

    /// Reading the archive failed: because the cache is damaged?
    pub(super) fn blame(&self) -> Option<CacheError> {
        if self.content.is_whole() { None } else { Some(self.damaged()) }
    }

    pub(super) fn damaged(&self) -> CacheError {
        CacheError::Damaged { digest: self.content.digest().clone() }
    }

    pub(super) fn summary(&self) -> Summary {
        let part = |blob: &Blob| Part { digest: blob.digest().clone(), size: blob.size() };
        Summary {
            name: self.metadata.name.clone(),
            version: self.metadata.version.clone(),
            meta: self.meta.clone(),
            content: part(&self.content),
            provenance: self.provenance.as_ref().map(part),
        }
    }
}
