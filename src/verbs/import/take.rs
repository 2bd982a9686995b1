//! One chart package into the cache, as a pull takes it in.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};

use super::{Import, ImportError, Taken};
use crate::cache::{CacheError, StagedBlob};
use crate::chart::{self, Metadata};
use crate::digest::{Digest, VerifiedReader};
use crate::disk::{self, At as _};
use crate::limits::{MAX_CHART, MAX_PROVENANCE};
use crate::manifest::ManifestError;
use crate::reference::{Prefix, Reference, Tag};
use crate::verbs::layer::Layer;
use crate::verbs::push::planned_manifest;
use crate::verbs::save::{Packed, finish};
use crate::verbs::{SaveError, staged};

/// A package that was read, checked, and written beside the cache.
pub(super) struct Package {
    pub(super) metadata: Metadata,
    /// All of it.
    archive: StagedBlob,
    /// What is behind the head that we write. A package that somebody else made has none.
    content: Option<StagedBlob>,
    provenance: Option<StagedBlob>,
}

impl Package {
    /// Its digest.
    pub(super) fn digest(&self) -> &Digest {
        self.archive.digest()
    }
}

impl Import<'_> {
    /// Reads a package, and its provenance file. Where a digest is given, it must be that.
    pub(super) fn read(
        &self,
        package: (File, Option<&Digest>),
        provenance: Option<(File, Option<&Digest>)>,
    ) -> Result<Package, ImportError> {
        let archive = self.copy(package, MAX_CHART)?;
        let metadata = chart::inspect(archive.open()?, self.cache.budget())?;
        let provenance = provenance.map(|file| self.copy(file, MAX_PROVENANCE)).transpose()?;
        let root = self.cache.root();
        let head = chart::split(BufReader::new(archive.open()?), self.cache.budget()).at("read", root)?;
        let content = match head {
            None => None,
            Some(head) => {
                let mut rest = archive.open()?;
                rest.seek(SeekFrom::Start(head)).at("read", root)?;
                let mut content = self.cache.write_blob()?;
                io::copy(&mut rest, &mut content).at("write into", root)?;
                Some(content.finish()?)
            }
        };
        Ok(Package { metadata, archive, content, provenance })
    }

    fn copy(&self, (file, digest): (File, Option<&Digest>), limit: u64) -> Result<StagedBlob, ImportError> {
        let mut from = file.take(limit + 1);
        let mut to = self.cache.write_blob()?;
        let mut buffer = vec![0; 64 << 10];
        let mut size = 0;
        loop {
            let read = disk::uninterrupted(|| from.read(&mut buffer)).at("read", self.cache.root())?;
            if read == 0 {
                break;
            }
            size += read as u64;
            if size > limit {
                return Err(ImportError::TooLarge(limit >> 20));
            }
            to.write_all(&buffer[..read]).at("write into", self.cache.root())?;
        }
        let blob = to.finish()?;
        match digest {
            // Of another algorithm, what was written has another digest: it is read once more.
            Some(digest) if digest.algorithm() != blob.digest().algorithm() => {
                let mut reader = VerifiedReader::new(blob.open()?, digest.clone(), blob.size());
                io::copy(&mut reader, &mut io::sink()).map_err(|_| ImportError::Damaged(digest.clone()))?;
                Ok(blob)
            }
            Some(digest) if digest != blob.digest() => Err(ImportError::Damaged(digest.clone())),
            _ => Ok(blob),
        }
    }

    /// Puts a package into the cache under this reference, unless that stands for it already, or for another chart.
    pub(super) fn put(&self, reference: &Reference, package: Package) -> Result<Taken, ImportError> {
        if let Some(there) = self.there(reference, &package)? {
            return Ok(there);
        }
        let Package { metadata, archive, content, provenance } = package;
        let chart = staged(&archive);
        let is_package = content.is_none();
        let content = content.unwrap_or(archive);
        let packed = Packed {
            content: staged(&content),
            chart,
            source: None,
            package: is_package,
            provenance: provenance.as_ref().map(staged),
            blobs: std::iter::once(content).chain(provenance).collect(),
            missing: Vec::new(),
        };
        let saved = finish(self.cache, reference.clone(), &metadata, packed, self.options.epoch);
        let saved = saved.map_err(|error| match error {
            SaveError::Json(error) => ImportError::Json(error),
            SaveError::Cache(error) => ImportError::Cache(error),
            SaveError::Chart(error) => ImportError::Chart(error),
            SaveError::Disk(error) => ImportError::Disk(error),
            _ => ImportError::Differs(reference.clone()),
        })?;
        Ok(Taken { manifest: saved.manifest.digest, was_there: false })
    }

    /// The same package under this reference in the cache, if it is there. What is damaged there is as if it were not.
    fn there(&self, reference: &Reference, package: &Package) -> Result<Option<Taken>, ImportError> {
        let (stored, parts) = match self.cache.open(reference) {
            Ok(found) => found,
            Err(error @ (CacheError::Disk(_) | CacheError::Foreign(_))) => return Err(error.into()),
            Err(_) => return Ok(None),
        };
        let Ok(layer) = Layer::of(stored.entry, parts) else { return Ok(None) };
        let Some(archive) = layer.whole() else { return Ok(None) };
        if archive.digest == *package.digest() {
            let manifest = planned_manifest(&layer).ok_or(ManifestError::Neither)?;
            return Ok(Some(Taken { manifest, was_there: true }));
        }
        match self.options.force {
            true => Ok(None),
            false => Err(ImportError::Differs(reference.clone())),
        }
    }
}

/// The reference of a chart that brings none: its name below the prefix, with its version as the tag.
pub(super) fn below(prefix: &Prefix, metadata: &Metadata) -> Result<Reference, ImportError> {
    let reference = prefix.with_name(&metadata.name)?;
    Ok(reference.with_tag(Tag::of_version(&metadata.version)?))
}
