//! The cache in a directory, and how to open it. Everything in it is found from the open directory without following
//! symbolic links (see [`Directory`]).

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

/// The content of the file that stands for a chart's name and version.
pub(super) const PROPERTIES: &[u8] = b"-";

/// The cache in a directory.
#[derive(Debug)]
pub struct Cache {
    path: PathBuf,
    pub(super) scratch: Scratch,
    budget: Budget,
}

impl Cache {
    /// The cache at `root`. The directory need not exist yet, and may be a symbolic link.
    pub fn new(root: PathBuf) -> Self {
        Self { path: root, scratch: Scratch::default(), budget: Budget::default() }
    }

    /// How much memory may still be used for documents that are read into the cache or from it. A command opens one
    /// cache, so this is the budget of the command.
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// The path of the cache's directory, as it was given.
    pub fn root(&self) -> &Path {
        &self.path
    }

    /// Opens the cache's directory; None if it does not exist.
    pub(super) fn open_root(&self) -> Result<Option<Directory>, PathError> {
        Directory::open(self.path.clone())
    }

    /// Opens the cache's directory, and makes it if it does not exist.
    pub(super) fn make_root(&self) -> Result<Arc<Directory>, PathError> {
        let mut unsynced = Unsynced::default();
        let root = Directory::make_at(&self.path, &mut unsynced)?;
        unsynced.sync()?;
        Ok(root)
    }

    /// The path of a directory for temporary files. It is in the cache's file system, so files can be renamed into
    /// their places.
    pub fn scratch(&self) -> Result<PathBuf, CacheError> {
        Ok(self.scratch.directory(&self.path)?.path().to_path_buf())
    }

    /// Starts a new blob, which gets a SHA-256 digest.
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

    /// Starts the download of a blob, or continues one that was interrupted.
    pub fn download(&self, digest: &Digest) -> Result<PartialBlob, CacheError> {
        PartialBlob::new(&self.scratch.directory(&self.path)?, digest)
    }

    /// Opens a blob. Anything but a regular file in its place, such as a symbolic link, counts as damaged.
    pub fn blob(&self, digest: &Digest) -> Result<CachedBlob, CacheError> {
        match self.open_root()? {
            Some(root) => Blobs::new(&root).open(digest),
            None => Err(CacheError::Missing(digest.clone())),
        }
    }

    /// Opens the blobs of an entry. An error if one of them is missing.
    pub fn parts(&self, entry: &CacheEntry) -> Result<EntryParts, CacheError> {
        match self.open_root()? {
            Some(root) => parts(&root, entry),
            None => Err(CacheError::Missing(entry.meta.clone())),
        }
    }

    /// Whether the file that stands for the name and version of the entry's chart is in its place.
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

/// Whether the file that stands for a chart's name and version is in its place, and has the right content.
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
