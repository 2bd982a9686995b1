//! The local chart cache: content-addressed blobs, and references to them. No index file, no daemon.
//!
//! What every command relies on:
//! * blobs are put in place before the entry that needs them, so an entry never points at something absent;
//! * blobs and entries get their names by a rename, so a reader sees what is whole or nothing;
//! * blobs are hashed whenever they are read, so damage is noticed before it is used.

mod blobs;
mod collect;
mod entries;
mod layout;
mod lock;
mod siblings;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use blobs::{BlobWriter, PartialBlob, StagedBlob};
pub use entries::{Entry, Pushed};

use crate::digest::{Digest, VerifiedReader};
use crate::disk::{At as _, PathError, make_dirs, sync_dir};
use crate::reference::{Reference, ReferenceError, Tag};

/// The cache below one directory.
#[derive(Clone, Debug)]
pub struct Cache {
    root: PathBuf,
}

/// What may be wrong with the cache.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// No such entry.
    #[error("not in the cache")]
    NotFound(Reference),
    /// A reference that names no entry.
    #[error("the reference `{0}` has neither a tag nor a digest")]
    NoTag(Reference),
    /// The entry under the tag is of another manifest than the digest asked for.
    #[error("the cache has another chart under this tag: its manifest is {}", found.as_ref().map_or("not known yet".to_owned(), ToString::to_string))]
    OtherDigest {
        /// What was asked for.
        reference: Reference,
        /// What the tag stands for.
        found: Option<Digest>,
    },
    /// The chart's version cannot be a tag.
    #[error("the chart's version cannot be the tag")]
    Tag(#[from] ReferenceError),
    /// An entry that cannot be read.
    #[error("the cache entry {} is broken: {reason}", path.display())]
    BrokenEntry {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A blob that an entry needs is not there.
    #[error("blob {0} is missing from the cache")]
    Missing(Digest),
    /// A blob that is not what its name says.
    #[error("blob {digest} is damaged")]
    Damaged {
        /// Its name.
        digest: Digest,
    },
}

/// An entry with its reference and its age.
#[derive(Clone, Debug)]
pub struct Stored {
    /// What it is called.
    pub reference: Reference,
    /// What it stands for.
    pub entry: Entry,
    /// When it was written.
    pub created: SystemTime,
}

/// One line of a listing: an entry, or what is wrong with it.
#[derive(Debug)]
pub struct Listed {
    /// What it is called.
    pub reference: Reference,
    /// The entry and the size of its content, or why it cannot be used.
    pub found: Result<(Stored, u64), CacheError>,
}

/// A blob that was found, open for reading: it can be read to its end even when it is removed meanwhile.
#[derive(Debug)]
pub struct Blob {
    file: File,
    digest: Digest,
    size: u64,
}

impl Blob {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its digest.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Reads it from the start; the end is reached only if every byte is right.
    pub fn read(&self) -> io::Result<VerifiedReader<impl Read + use<>>> {
        use io::Seek as _;
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(VerifiedReader::new(file, self.digest.clone(), self.size))
    }

    /// Reads all of it. For small blobs: metadata, configs, manifests.
    pub fn bytes(&self) -> Result<Vec<u8>, CacheError> {
        let mut bytes = Vec::new();
        match self.read().and_then(|mut reader| reader.read_to_end(&mut bytes)) {
            Ok(_) => Ok(bytes),
            Err(_) => Err(CacheError::Damaged { digest: self.digest.clone() }),
        }
    }

    /// Whether it is what its name says.
    pub fn is_whole(&self) -> bool {
        self.read().and_then(|mut reader| io::copy(&mut reader, &mut io::sink())).is_ok()
    }
}

impl Cache {
    /// The cache at `root`, which need not exist yet.
    pub fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A directory for temporary files, in the cache's file system, so that they can be renamed into place.
    pub fn scratch(&self) -> Result<PathBuf, CacheError> {
        let path = self.root.join("tmp");
        make_dirs(&path)?;
        Ok(path)
    }

    /// Starts a new blob.
    pub fn write_blob(&self) -> Result<BlobWriter, CacheError> {
        BlobWriter::new(self)
    }

    /// Starts, or goes on with, the download of a blob.
    pub fn download(&self, digest: &Digest) -> Result<PartialBlob, CacheError> {
        PartialBlob::new(self, digest)
    }

    /// The entry that `reference` names: by its tag, whose manifest must then be the digest's if both are given, or by
    /// its digest, which may be that of any entry of the repository.
    pub fn find(&self, reference: &Reference) -> Result<Stored, CacheError> {
        let _lock = lock::read(&self.root)?;
        self.find_locked(reference)
    }

    fn find_locked(&self, reference: &Reference) -> Result<Stored, CacheError> {
        let path = layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        if let Some((entry, created)) = entries::read(&self.root, &path)? {
            let stored = Stored { reference: reference.clone(), entry, created };
            return match &reference.digest {
                Some(digest) if !stored.entry.is_manifest(digest) => Err(CacheError::OtherDigest {
                    reference: reference.clone(),
                    found: stored.entry.pushed.map(|pushed| pushed.manifest),
                }),
                _ => Ok(stored),
            };
        }
        let (None, Some(digest)) = (&reference.tag, &reference.digest) else {
            return Err(CacheError::NotFound(reference.clone()));
        };
        // `name@digest` after `pull name:tag`.
        let mut found = None;
        self.walk(&layout::repository(reference), false, &mut |other, path| {
            if found.is_none()
                && let Ok(Some((entry, created))) = entries::read(&self.root, path)
                && entry.is_manifest(digest)
            {
                found = Some(Stored { reference: other, entry, created });
            }
        })?;
        found.ok_or_else(|| CacheError::NotFound(reference.clone()))
    }

    /// The entry that `reference` names with its blobs, all open, in the order of [`Entry::blobs`]. An entry that lacks
    /// a blob is an error, and so is one of the wrong size for what reads it.
    pub fn open(&self, reference: &Reference) -> Result<(Stored, Vec<Blob>), CacheError> {
        let _lock = lock::read(&self.root)?;
        let stored = self.find_locked(reference)?;
        let blobs = stored.entry.blobs().map(|digest| self.blob(digest)).collect::<Result<_, _>>()?;
        Ok((stored, blobs))
    }

    /// Opens a blob. It must be a regular file: a link here would be somebody's trick.
    pub fn blob(&self, digest: &Digest) -> Result<Blob, CacheError> {
        let path = self.root.join(layout::blob(digest));
        match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(CacheError::Missing(digest.clone())),
            result if result.as_ref().is_ok_and(|m| !m.is_file()) => {
                return Err(CacheError::Damaged { digest: digest.clone() });
            }
            result => result.at("read", &path)?,
        };
        let file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(CacheError::Missing(digest.clone())),
            result => result.at("read", &path)?,
        };
        let size = file.metadata().at("read", &path)?.len();
        Ok(Blob { file, digest: digest.clone(), size })
    }

    /// Puts blobs in place and then the entry that needs them. Blobs that the entry needs beside those given must be
    /// in the cache; [`CacheError::Missing`] says which one is not any more.
    pub fn put(
        &self,
        reference: &Reference,
        entry: &Entry,
        blobs: Vec<StagedBlob>,
    ) -> Result<(), CacheError> {
        let path = layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        let _lock = lock::write(&self.root)?;
        for digest in entry.blobs() {
            if !blobs.iter().any(|blob| blob.digest() == digest) {
                self.blob(digest)?;
            }
        }
        let mut directories = Vec::new();
        for blob in blobs {
            let to = self.root.join(layout::blob(blob.digest()));
            // What is there and whole stays: nothing to sync then, and whoever has it mapped or open shares it.
            if self.blob(blob.digest()).is_ok_and(|there| there.size() == blob.size() && there.is_whole()) {
                continue;
            }
            blobs::make_parent(&to)?;
            blob.persist(&to)?;
            directories.extend(to.parent().map(Path::to_path_buf));
        }
        directories.dedup();
        directories.iter().try_for_each(|directory| sync_dir(directory))?;
        self.put_chart(&entry.name, &entry.version)?;
        entries::write(&self.root, &path, entry)?;
        if let Err(error) = collect::clear_scratch(&self.root) {
            // What was asked for is done.
            log::debug!("cannot tidy up: {error}");
        }
        Ok(())
    }

    /// Gives what `source` names another reference, whose tag defaults to the chart's version. Nothing is copied.
    pub fn tag(&self, source: &Reference, target: &Reference) -> Result<Stored, CacheError> {
        let stored = self.find(source)?;
        let tag = target.tag.clone().map_or_else(|| Tag::of_version(&stored.entry.version), Ok)?;
        let target = target.with_tag(tag);
        self.put(&target, &stored.entry, Vec::new())?;
        self.find(&target)
    }

    /// First-class properties are a path with one byte at its end.
    fn put_chart(&self, name: &str, version: &str) -> Result<(), PathError> {
        let path = self.root.join(layout::chart(name, version));
        if path.exists() {
            return Ok(());
        }
        blobs::make_parent(&path)?;
        fs::write(&path, "-").at("write", &path)?;
        path.parent().map_or(Ok(()), sync_dir)
    }

    /// All entries, sorted by reference. One that is broken is listed as such.
    pub fn list(&self) -> Result<Vec<Listed>, CacheError> {
        let _lock = lock::read(&self.root)?;
        let mut listed = Vec::new();
        self.walk(Path::new("refs"), true, &mut |reference, path| {
            let found = entries::read(&self.root, path).and_then(|found| {
                let (entry, created) = found.ok_or_else(|| CacheError::NotFound(reference.clone()))?;
                let size = self.size(&entry.content)?;
                for digest in entry.blobs() {
                    self.size(digest)?;
                }
                Ok((Stored { reference: reference.clone(), entry, created }, size))
            });
            // Removed between the listing of its directory and now.
            if !matches!(found, Err(CacheError::NotFound(_))) {
                listed.push(Listed { reference, found });
            }
        })?;
        listed.sort_by_cached_key(|l| l.reference.to_string());
        Ok(listed)
    }

    fn size(&self, digest: &Digest) -> Result<u64, CacheError> {
        let path = self.root.join(layout::blob(digest));
        match fs::symlink_metadata(&path) {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(CacheError::Missing(digest.clone())),
            Err(source) => Err(PathError { verb: "read", path, source }.into()),
        }
    }

    /// Removes entries, then everything that no entry needs any more. Says for each whether it was there.
    pub fn remove(&self, references: &[Reference]) -> Result<Vec<bool>, CacheError> {
        let path = |reference| layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()));
        let paths = references.iter().map(path).collect::<Result<Vec<_>, _>>()?;
        if !self.root.try_exists().at("read", &self.root)? {
            return Ok(vec![false; references.len()]);
        }
        let _lock = lock::exclusive(&self.root)?;
        // Before anything goes: what cannot be done for one reference is done for none.
        for reference in references.iter().filter(|r| r.tag.is_some() && r.digest.is_some()) {
            match self.find_locked(reference) {
                Ok(_) | Err(CacheError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let removed =
            paths.iter().map(|path| entries::remove(&self.root, path)).collect::<Result<Vec<_>, _>>()?;
        collect::collect(self)?;
        Ok(removed)
    }

    /// Calls `visit` with every entry below `path`; with the ones of repositories below that, too, if `deep`.
    fn walk(
        &self,
        path: &Path,
        deep: bool,
        visit: &mut dyn FnMut(Reference, &Path),
    ) -> Result<(), CacheError> {
        let at = self.root.join(path);
        let children = match fs::read_dir(&at) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            result => result.at("read", &at)?,
        };
        for child in children {
            let child = child.at("read", &at)?;
            let name = child.file_name();
            let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            let below = path.join(name);
            let is_dir = child.file_type().is_ok_and(|kind| kind.is_dir());
            if layout::holds_entries(name) && is_dir {
                self.walk_entries(&below, visit)?;
            } else if deep && is_dir {
                self.walk(&below, deep, visit)?;
            }
        }
        Ok(())
    }

    fn walk_entries(&self, path: &Path, visit: &mut dyn FnMut(Reference, &Path)) -> Result<(), CacheError> {
        let at = self.root.join(path);
        for child in fs::read_dir(&at).at("read", &at)? {
            let below = path.join(child.at("read", &at)?.file_name());
            if let Some(reference) = layout::reference(&below) {
                visit(reference, &below);
            }
        }
        Ok(())
    }
}

impl Entry {
    /// Whether this is what the registry calls by that digest.
    pub fn is_manifest(&self, digest: &Digest) -> bool {
        self.pushed.as_ref().is_some_and(|pushed| pushed.manifest == *digest)
            || self.origin.as_ref() == Some(digest)
    }
}
