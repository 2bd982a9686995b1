//! Blobs on their way into the cache. Content before name: a blob that has its name is complete and verified.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::error::CacheError;
use crate::digest::{Digest, Hasher};
use crate::disk::{
    self, AtPath as _, Directory, PathError, Temporary, make_read_only, uninterrupted, unique,
};

/// How the names of blobs begin that have no digest yet.
pub(super) const PREFIX: &str = "blob-";

/// A blob that is being written, under a temporary name in the cache's own file system.
#[derive(Debug)]
pub struct BlobWriter {
    file: Temporary,
    hasher: Hasher,
    size: u64,
}

/// A blob whose content is complete, without its name yet.
#[derive(Debug)]
pub struct StagedBlob {
    file: Temporary,
    digest: Digest,
    size: u64,
    /// Whether its content will outlive a power cut.
    lasts: bool,
}

impl BlobWriter {
    pub(super) fn new(scratch: &Arc<Directory>, hasher: Hasher) -> Result<Self, CacheError> {
        Ok(Self { file: temporary(scratch)?, hasher, size: 0 })
    }

    /// Ends the blob and tells its digest.
    pub fn finish(self) -> Result<StagedBlob, CacheError> {
        StagedBlob::new(self.file, self.hasher.finish(), self.size)
    }
}

/// A temporary file of our own, with a lock on it: tidying up takes files without one for left behind.
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
    /// The blob in a file that is complete, and read-only from here on.
    pub(super) fn new(mut file: Temporary, digest: Digest, size: u64) -> Result<Self, CacheError> {
        // What is not put in place is not needed after all. A finished download is read-only: left behind, it would be in
        // the way of the next one.
        file.stay(false);
        make_read_only(file.file()).at("write", &file.path())?;
        Ok(Self { file, digest, size, lasts: false })
    }

    /// The digest of its content.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads it.
    pub fn open(&self) -> Result<File, CacheError> {
        Ok(self.file.open()?)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.file.path()
    }

    /// Makes its content last now, and not only when it gets its name: for callers that wait for something else meanwhile.
    pub fn lasting(mut self) -> Result<Self, CacheError> {
        self.sync().map_or(Ok(()), |sync| sync())?;
        self.lasts = true;
        Ok(self)
    }

    /// Makes its content last. Without this it must not get its name: after a power cut there might be the name alone.
    pub(super) fn sync(&self) -> Option<disk::Wait> {
        if self.lasts {
            return None;
        }
        let (file, path) = (Arc::clone(self.file.file()), self.path());
        Some(Box::new(move || file.sync_all().at("write", &path)))
    }

    /// Gives it its name. Anything that has the name already, such as a damaged blob, is replaced.
    pub(super) fn persist(self, to: &Directory, name: &std::ffi::OsStr) -> Result<(), PathError> {
        self.file.persist(to, name).at("write", &to.path().join(name))
    }
}
