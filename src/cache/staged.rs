//! Blobs that are written into the cache. A blob gets its name only when it is complete and its digest is known.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::error::CacheError;
use crate::digest::{Digest, Hasher};
use crate::disk::{
    self, AtPath as _, Directory, PathError, Temporary, make_read_only, uninterrupted, unique,
};

/// How the names of temporary files of blobs begin.
pub(super) const PREFIX: &str = "blob-";

/// A blob that is being written, under a temporary name in the cache's own file system.
#[derive(Debug)]
pub struct BlobWriter {
    file: Temporary,
    hasher: Hasher,
    size: u64,
}

/// A blob that is complete but not in its place yet. Dropping this removes it.
#[derive(Debug)]
pub struct StagedBlob {
    file: Temporary,
    digest: Digest,
    size: u64,
    /// Whether the content is synced.
    lasts: bool,
}

impl BlobWriter {
    pub(super) fn new(scratch: &Arc<Directory>, hasher: Hasher) -> Result<Self, CacheError> {
        Ok(Self { file: temporary(scratch)?, hasher, size: 0 })
    }

    /// Ends the blob and computes its digest.
    pub fn finish(self) -> Result<StagedBlob, CacheError> {
        StagedBlob::new(self.file, self.hasher.finish(), self.size)
    }
}

/// Makes a temporary file and locks it: files without a lock are removed as left behind.
pub(super) fn temporary(scratch: &Arc<Directory>) -> Result<Temporary, PathError> {
    Temporary::new(scratch, || format!("{PREFIX}{}", unique())).at("write into", scratch.path())
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = uninterrupted(|| (&**self.file.file()).write(bytes))?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl StagedBlob {
    /// A blob of a complete file, which becomes read-only.
    pub(super) fn new(mut file: Temporary, digest: Digest, size: u64) -> Result<Self, CacheError> {
        // A blob that is not put in place is not needed. A finished download is read-only, so it would be in the way of
        // the next one.
        file.stay(false);
        make_read_only(file.file()).at("write", &file.path())?;
        Ok(Self { file, digest, size, lasts: false })
    }

    /// The digest of its content.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The size of the blob in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Opens the blob to read it from its start.
    pub fn open(&self) -> Result<File, CacheError> {
        Ok(self.file.open()?)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.file.path()
    }

    /// Syncs the content now, so that it need not be done when the blob gets its name. This is for callers that wait
    /// for something else meanwhile.
    pub fn lasting(mut self) -> Result<Self, CacheError> {
        self.sync().map_or(Ok(()), |sync| sync())?;
        self.lasts = true;
        Ok(self)
    }

    /// The sync of the content, or None if that was done. It must run before the blob gets its name: after a power cut
    /// there might be the name without the content.
    pub(super) fn sync(&self) -> Option<disk::Wait> {
        if self.lasts {
            return None;
        }
        let (file, path) = (Arc::clone(self.file.file()), self.path());
        Some(Box::new(move || file.sync_all().at("write", &path)))
    }

    /// Renames the blob to `name` in the directory `to`. Anything that has that name, such as a damaged blob, is
    /// replaced.
    pub(super) fn persist(self, to: &Directory, name: &std::ffi::OsStr) -> Result<(), PathError> {
        self.file.persist(to, name).at("write", &to.path().join(name))
    }
}
