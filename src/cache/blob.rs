//! Blobs of the cache, open for reading.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;

use super::{CacheError, layout};
use crate::digest::{Digest, VerifiedReader};
use crate::disk::{At as _, open_file};

const BUFFER: usize = 64 << 10;

/// A blob that was found, open for reading: it can be read to its end even when it is removed meanwhile.
#[derive(Debug)]
pub struct Blob {
    file: Arc<File>,
    digest: Digest,
    size: u64,
}

impl Blob {
    /// Opens a blob. It must be a regular file: a link here would be somebody's trick.
    pub(super) fn open(root: &Path, digest: &Digest) -> Result<Self, CacheError> {
        let path = root.join(layout::blob(digest));
        match open_file(&path) {
            Ok(Some((file, size))) => Ok(Self { file: Arc::new(file), digest: digest.clone(), size }),
            Ok(None) => Err(CacheError::Damaged { digest: digest.clone() }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(CacheError::Missing(digest.clone())),
            Err(e) => Err(e).at("read", &path).map_err(Into::into),
        }
    }

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
        let file = FromStart { file: Arc::clone(&self.file), at: 0 };
        let file = BufReader::with_capacity(self.in_one_go(), file);
        Ok(VerifiedReader::new(file, self.digest.clone(), self.size))
    }

    /// Reads all of it. For small blobs: metadata, configs, manifests.
    pub fn bytes(&self) -> Result<Vec<u8>, CacheError> {
        let mut bytes = Vec::with_capacity(self.in_one_go());
        match self.read().and_then(|mut reader| reader.read_to_end(&mut bytes)) {
            Ok(_) => Ok(bytes),
            Err(_) => Err(CacheError::Damaged { digest: self.digest.clone() }),
        }
    }

    /// How much of it is read at once: if it is small all of it, with room for its end to be seen.
    fn in_one_go(&self) -> usize {
        usize::try_from(self.size).unwrap_or(BUFFER).saturating_add(64).min(BUFFER)
    }

    /// Whether it is what its name says.
    pub fn is_whole(&self) -> bool {
        self.read().and_then(|mut reader| io::copy(&mut reader, &mut io::sink())).is_ok()
    }
}

/// A file that others read as well, each from where they are.
struct FromStart {
    file: Arc<File>,
    at: u64,
}

impl Read for FromStart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
