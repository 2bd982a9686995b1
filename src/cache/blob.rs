//! Opens the blobs of the cache to read them.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use super::error::CacheError;
use super::layout;
use crate::digest::{Algorithm, Digest, VerifiedReader};
use crate::disk::{Directory, Foreign, PathError, read_at};
use crate::limits::MAX_MANIFEST;

const BUFFER: usize = 64 << 10;

/// The directories of blobs. That of SHA-256, where almost all blobs are, is kept open.
pub(super) struct Blobs<'a> {
    root: &'a Directory,
    sha256: Option<Directory>,
}

impl<'a> Blobs<'a> {
    /// The blobs of the cache at `root`. If their directory cannot be opened, the error comes when a blob is asked for.
    pub(super) fn new(root: &'a Directory) -> Self {
        Self { root, sha256: root.below(layout::blobs(Algorithm::Sha256)).ok().flatten() }
    }

    /// Calls `work` with the directory in which the blob should be. An error if there is no such directory.
    fn with<T>(
        &self,
        digest: &Digest,
        work: impl FnOnce(&Directory) -> Result<T, CacheError>,
    ) -> Result<T, CacheError> {
        if let (Algorithm::Sha256, Some(directory)) = (digest.algorithm(), &self.sha256) {
            return work(directory);
        }
        match self.root.below(layout::blobs(digest.algorithm()))? {
            Some(directory) => work(&directory),
            None => Err(CacheError::Missing(digest.clone())),
        }
    }

    /// Opens a blob. Anything but a regular file, such as a symbolic link, counts as damaged.
    pub(super) fn open(&self, digest: &Digest) -> Result<CachedBlob, CacheError> {
        self.with(digest, |directory| match directory.file(digest.hex()) {
            Ok(Some((file, size))) => Ok(CachedBlob { file: Arc::new(file), digest: digest.clone(), size }),
            Ok(None) => Err(CacheError::Missing(digest.clone())),
            Err(error) if Foreign::in_error(&error).is_some() => {
                Err(CacheError::Damaged { digest: digest.clone() })
            }
            Err(error) => Err(error.into()),
        })
    }

    /// The size of a blob in bytes.
    pub(super) fn size(&self, digest: &Digest) -> Result<u64, CacheError> {
        self.with(digest, |directory| match directory.size(digest.hex()) {
            Ok(Some(size)) => Ok(size),
            Ok(None) => Err(CacheError::Damaged { digest: digest.clone() }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(CacheError::Missing(digest.clone())),
            Err(source) => {
                let path = directory.path().join(digest.hex());
                Err(PathError { verb: "read", path, source }.into())
            }
        })
    }
}

/// A blob of the cache, open to be read. It can be read to its end even if it is removed in the meantime.
#[derive(Debug)]
pub struct CachedBlob {
    file: Arc<File>,
    digest: Digest,
    size: u64,
}

impl CachedBlob {
    /// The size of the blob in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest of the blob.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Reads the blob from its start, and checks it: if it is damaged, reading ends with an error and not with the end
    /// of file.
    pub fn read(&self) -> io::Result<VerifiedReader<impl Read + use<>>> {
        let file = BufReader::with_capacity(self.in_one_go(), self.read_unverified());
        Ok(VerifiedReader::new(file, self.digest.clone(), self.size))
    }

    /// Reads the blob as it is, unchecked: for a caller that checks something larger, which the blob is a part of.
    pub fn read_unverified(&self) -> impl Read + use<> {
        FromStart { file: Arc::clone(&self.file), at: 0 }
    }

    /// The whole content of a small blob: metadata, a config or a manifest. An error if it is damaged, or larger than 4
    /// MiB, which no such blob is. A cache that comes from elsewhere may hold anything.
    pub fn bytes(&self) -> Result<Vec<u8>, CacheError> {
        if self.size > MAX_MANIFEST {
            return Err(CacheError::Damaged { digest: self.digest.clone() });
        }
        let mut bytes = Vec::with_capacity(self.in_one_go());
        match self.read().and_then(|mut reader| reader.read_to_end(&mut bytes)) {
            Ok(_) => Ok(bytes),
            Err(_) => Err(CacheError::Damaged { digest: self.digest.clone() }),
        }
    }

    /// The size of the read buffer: for a small blob its size and a little more, so that one read reaches the end.
    fn in_one_go(&self) -> usize {
        usize::try_from(self.size).unwrap_or(BUFFER).saturating_add(64).min(BUFFER)
    }

    /// Reads the blob, and returns whether it has the right digest and size.
    pub fn is_whole(&self) -> bool {
        self.read().and_then(|mut reader| io::copy(&mut reader, &mut io::sink())).is_ok()
    }
}

/// A reader of a shared file with a position of its own.
struct FromStart {
    file: Arc<File>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
