//! The cache below one directory, and what every use of it begins with: opening that. Everything else is found from there,
//! by names that are directories and files themselves and no links (see [`Directory`]).

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::blob::{Blobs, CachedBlob};
use super::entry::{CacheEntry, EntryParts, PushedParts};
use super::error::CacheError;
use super::layout;
use super::partial::PartialBlob;
use super::scratch::Scratch;
use super::staged::{BlobWriter, StagedBlob};
use crate::digest::{Digest, Hasher};
use crate::disk::{AtPath as _, Directory, PathError, Unsynced, read_at};
use crate::limits::Budget;

/// What stands in a file of first-class properties.
pub(super) const PROPERTIES: &[u8] = b"-";

/// The cache below one directory.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    pub(super) scratch: Scratch,
    budget: Budget,
}

impl Cache {
    /// The cache at `root`, which need not exist yet, and may be a link to where it is.
    pub fn new(root: PathBuf) -> Self {
        Self { path: root, scratch: Scratch::default(), budget: Budget::default() }
    }

    /// What may still be held in memory of the documents that are read into the cache and out of it. A command opens one
    /// cache, so this is the command's budget.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Where it is.
    pub fn root(&self) -> &Path {
        &self.path
    }

    /// Its directory, if there is one.
    pub(super) fn open_root(&self) -> Result<Option<Directory>, PathError> {
        Directory::open(self.path.clone())
    }

    /// Its directory, made if there is none.
    pub(super) fn make_root(&self) -> Result<Arc<Directory>, PathError> {
        let mut unsynced = Unsynced::default();
        let root = Directory::make_at(&self.path, &mut unsynced)?;
        unsynced.sync()?;
        Ok(root)
    }

    /// A directory for temporary files, in the cache's file system, so that they can be renamed into place.
    pub fn scratch(&self) -> Result<PathBuf, CacheError> {
        Ok(self.scratch.directory(&self.path)?.path().to_path_buf())
    }

    /// Starts a new blob.
    pub fn write_blob(&self) -> Result<BlobWriter, CacheError> {
        BlobWriter::new(&self.scratch.directory(&self.path)?, Hasher::sha256())
    }

    /// Starts a new blob that should have this digest; it is hashed by that digest's algorithm.
    pub fn write_blob_of(&self, digest: &Digest) -> Result<BlobWriter, CacheError> {
        BlobWriter::new(&self.scratch.directory(&self.path)?, digest.hasher())
    }

    /// Stages these bytes as a blob, which must have this digest: SHA-256 or SHA-512, one of ours or a registry's.
    pub fn stage(&self, digest: &Digest, content: &[u8]) -> Result<StagedBlob, CacheError> {
        let mut blob = BlobWriter::new(&self.scratch.directory(&self.path)?, digest.hasher())?;
        blob.write_all(content).at("write into", &self.path)?;
        let blob = blob.finish()?;
        match blob.digest() == digest {
            true => Ok(blob),
            false => Err(CacheError::Damaged { digest: digest.clone() }),
        }
    }

    /// Starts, or goes on with, the download of a blob.
    pub fn download(&self, digest: &Digest) -> Result<PartialBlob, CacheError> {
        PartialBlob::new(&self.scratch.directory(&self.path)?, digest)
    }

    /// Opens a blob. It must be a regular file: a link here would be somebody's trick.
    pub fn blob(&self, digest: &Digest) -> Result<CachedBlob, CacheError> {
        match self.open_root()? {
            Some(root) => Blobs::new(&root).open(digest),
            None => Err(CacheError::Missing(digest.clone())),
        }
    }

    /// Opens the blobs of an entry. One that lacks a blob is an error.
    pub fn parts(&self, entry: &CacheEntry) -> Result<EntryParts, CacheError> {
        match self.open_root()? {
            Some(root) => parts(&root, entry),
            None => Err(CacheError::Missing(entry.meta.clone())),
        }
    }

    /// Whether the first-class properties of what an entry holds are where they belong.
    pub fn has_properties(&self, entry: &CacheEntry) -> bool {
        self.open_root()
            .is_ok_and(|root| root.is_some_and(|root| has_chart(&root, &entry.name, &entry.version)))
    }
}

/// Opens the blobs of an entry of the cache at `root`.
pub(super) fn parts(root: &Directory, entry: &CacheEntry) -> Result<EntryParts, CacheError> {
    let blobs = Blobs::new(root);
    let open = |digest: &Digest| blobs.open(digest);
    let pushed = entry.pushed.as_ref().map(|pushed| -> Result<_, CacheError> {
        Ok(PushedParts { manifest: open(&pushed.manifest)?, config: open(&pushed.config)? })
    });
    Ok(EntryParts {
        meta: open(&entry.meta)?,
        content: open(&entry.content)?,
        provenance: entry.provenance.as_ref().map(open).transpose()?,
        pushed: pushed.transpose()?,
        origin: entry.origin.as_ref().map(open).transpose()?,
    })
}

/// Whether the first-class properties of a chart are where they belong: a path with one byte at its end.
pub(super) fn has_chart(root: &Directory, name: &str, version: &str) -> bool {
    let path = layout::chart(name, version);
    let (Some(versions), Some(version)) = (path.parent(), path.file_name()) else { return false };
    let file = root.below(versions).ok().flatten().and_then(|versions| versions.file(version).ok().flatten());
    file.is_some_and(|(file, size)| {
        let mut content = [0; PROPERTIES.len()];
        size == content.len() as u64
            && read_at(&file, &mut content, 0).is_ok_and(|read| &content[..read] == PROPERTIES)
    })
}
