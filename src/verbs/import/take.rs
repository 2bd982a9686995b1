//! Puts one chart package into the cache, in the form that a pull uses.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::PathBuf;

use super::outcome::{Import, ImportError, Taken};
use crate::cache::{CacheError, StagedBlob};
use crate::chart::{self, Metadata};
use crate::digest::{Digest, HashingReader};
use crate::disk::AtPath as _;
use crate::limits::{MAX_CHART, MAX_PROVENANCE};
use crate::manifest::ManifestError;
use crate::reference::{Prefix, Reference, Tag};
use crate::verbs::head::behind_the_head;
use crate::verbs::layer::Layer;
use crate::verbs::outcome::staged;
use crate::verbs::push::planned_manifest;
use crate::verbs::save::{PackedChart, SaveError, finish};

/// A package that was read and checked. Nothing is in the cache yet, because most packages of a repeated import are
/// there already.
pub(super) struct Package {
    pub(super) metadata: Metadata,
    file: File,
    path: PathBuf,
    digest: Digest,
    provenance: Option<Claimed>,
}

/// A file with its path, and the digest that it must have, if that is known.
pub(super) struct Claimed {
    pub(super) file: File,
    pub(super) path: PathBuf,
    pub(super) digest: Option<Digest>,
}

impl Package {
    /// The digest of the package.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl Import<'_> {
    /// Reads and checks a package. Its provenance file is read when it is put into the cache.
    pub(super) fn read(&self, package: Claimed, provenance: Option<Claimed>) -> Result<Package, ImportError> {
        let Claimed { mut file, path, digest: claimed } = package;
        if file.metadata().at("read", &path)?.len() > MAX_CHART {
            return Err(ImportError::TooLarge(MAX_CHART >> 20));
        }
        let mut reader = HashingReader::new(&file);
        let inspected = chart::inspect(&mut reader, self.cache.budget());
        let digest = reader.finish().at("read", &path)?;
        // A damaged file fails in many ways; the error should say that it is damaged.
        check(&mut file, &digest, claimed.as_ref())?;
        Ok(Package { metadata: inspected?, file, path, digest, provenance })
    }

    /// Copies a file into the cache's file system, and verifies it.
    fn copy(&self, from: &mut Claimed, limit: u64) -> Result<StagedBlob, ImportError> {
        let root = self.cache.root();
        from.file.rewind().at("read", &from.path)?;
        let mut to = self.cache.write_blob()?;
        let copied = io::copy(&mut (&from.file).take(limit + 1), &mut to).at("write into", root)?;
        if copied > limit {
            return Err(ImportError::TooLarge(limit >> 20));
        }
        let blob = to.finish()?;
        check(&mut from.file, blob.digest(), from.digest.as_ref())?;
        Ok(blob)
    }

    /// Puts a package into the cache under this reference, unless the cache has it there. An error if another chart is
    /// there, unless it may be replaced.
    pub(super) fn put(&self, reference: &Reference, package: Package) -> Result<Taken, ImportError> {
        if let Some(there) = self.there(reference, &package)? {
            return Ok(there);
        }
        let Package { metadata, file, path, digest, provenance } = package;
        // The file may have changed between check and copy, so the copy is verified.
        let archive = self.copy(&mut Claimed { file, path, digest: Some(digest) }, MAX_CHART)?;
        let provenance = provenance.map(|mut file| self.copy(&mut file, MAX_PROVENANCE)).transpose()?;
        let content = behind_the_head(self.cache, &archive)?;
        let chart = staged(&archive);
        let is_package = content.is_none();
        let content = content.unwrap_or(archive);
        let packed = PackedChart {
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

    /// The same package under this reference in the cache, if it is there. A damaged entry counts as absent.
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

/// Checks that a file with this SHA-256 has the digest that it is named by.
fn check(file: &mut File, digest: &Digest, claimed: Option<&Digest>) -> Result<(), ImportError> {
    let Some(claimed) = claimed else { return Ok(()) };
    let damaged = || ImportError::Damaged(claimed.clone());
    let is_right = match claimed.algorithm() == digest.algorithm() {
        true => claimed == digest,
        // The digest is of another algorithm: the file is read again.
        false => {
            let mut hasher = claimed.hasher();
            let read = file.rewind().and_then(|()| io::copy(file, &mut hasher));
            read.is_ok() && hasher.finish() == *claimed
        }
    };
    is_right.then_some(()).ok_or_else(damaged)
}

/// The reference for a chart without one of its own: its name below the prefix, with its version as the tag.
pub(super) fn below(prefix: &Prefix, metadata: &Metadata) -> Result<Reference, ImportError> {
    let reference = prefix.with_name(&metadata.name)?;
    Ok(reference.with_tag(Tag::of_version(&metadata.version)?))
}
