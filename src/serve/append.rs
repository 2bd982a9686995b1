//! The content that one request adds to an upload of a blob or a manifest.
//!
//! It counts only once all of it has come. Until then the upload keeps its former length: what came of a request that
//! broke off, or that the disk had no room for, is cut off at once, and the client can send the request again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tempfile::TempPath;
use tokio::sync::OwnedMutexGuard;

use super::refusal::RequestRefusal;
use super::store::RegistryStore;
use crate::digest::{Digest, Hasher};
use crate::disk::{AtPath, PathError, make_read_only};

/// What an upload has received so far. Its file is deleted with it, unless it becomes content.
#[derive(Debug)]
pub(super) struct Received {
    /// The file; `None` if nothing has been received.
    path: Option<TempPath>,
    size: u64,
    hasher: Hasher,
    /// When a request last worked on it.
    touched: Instant,
    /// How many bytes all uploads have together.
    total: Arc<AtomicU64>,
}

impl Received {
    /// An upload that has received nothing. Its bytes are counted in `total` as long as it exists.
    pub(super) fn nothing(total: &Arc<AtomicU64>) -> Self {
        let total = Arc::clone(total);
        Self { path: None, size: 0, hasher: Hasher::sha256(), touched: Instant::now(), total }
    }

    /// How many bytes it has received.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// When a request last worked on it.
    pub(super) fn touched(&self) -> Instant {
        self.touched
    }

    /// Opens its file at the end of what was received, or creates one.
    pub(super) fn open(&mut self, store: &RegistryStore) -> Result<File, PathError> {
        if let Some(path) = &self.path {
            let path: &Path = path;
            let mut file = OpenOptions::new().read(true).write(true).open(path).at("open", path)?;
            file.set_len(self.size).at("shorten", path)?;
            file.seek(SeekFrom::End(0)).at("write", path)?;
            return Ok(file);
        }
        let (file, path) = store.incoming()?.into_parts();
        self.path = Some(path);
        Ok(file)
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.total.fetch_sub(self.size, Ordering::Relaxed);
    }
}

/// What one request adds to an upload.
///
/// It is moved into the work that ends the upload, so that even if the request is cancelled meanwhile, no other request
/// gets at the upload.
#[derive(Debug)]
pub(super) struct Append {
    upload: OwnedMutexGuard<Option<Received>>,
    file: File,
    size: u64,
    hasher: Hasher,
}

/// A finished upload and its digest. The file is deleted with it, unless the store keeps it.
#[derive(Debug)]
pub(super) struct Complete {
    /// The content, in a file that still has a temporary name.
    pub(super) file: File,
    /// The temporary name.
    pub(super) path: TempPath,
    /// The digest of the content.
    pub(super) digest: Digest,
    /// The size of the content in bytes.
    pub(super) size: u64,
}

impl Append {
    /// Continues an upload whose file was opened. `BlobUploadUnknown` if the upload has ended.
    pub(super) fn new(
        upload: OwnedMutexGuard<Option<Received>>,
        opened: Option<File>,
    ) -> Result<Self, RequestRefusal> {
        let (Some(received), Some(file)) = (upload.as_ref(), opened) else {
            return Err(RequestRefusal::BlobUploadUnknown);
        };
        let (size, hasher) = (received.size, received.hasher.clone());
        Ok(Self { upload, file, size, hasher })
    }

    /// How many bytes the upload has, including those of this request.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Announces the digest that the content should have. If nothing has been received yet, the content need not be
    /// read again to compute it.
    pub(super) fn announce(&mut self, digest: &Digest) {
        if self.size == 0 {
            self.hasher = digest.hasher();
        }
    }

    /// Adds all of these bytes, or none if that fails.
    pub(super) fn write(&mut self, piece: &[u8]) -> Result<(), PathError> {
        if let Err(error) = self.file.write_all(piece) {
            self.cut(self.size);
            return Err(error).at("write", self.path());
        }
        self.hasher.update(piece);
        self.size += piece.len() as u64;
        Ok(())
    }

    fn path(&self) -> &Path {
        self.upload.as_ref().and_then(|received| received.path.as_deref()).unwrap_or(Path::new("an upload"))
    }

    /// Shortens the file to `size` bytes. If that fails, the file keeps its length until the next request opens it.
    fn cut(&mut self, size: u64) {
        let cut = self.file.set_len(size).and_then(|()| self.file.seek(SeekFrom::Start(size)));
        if let Err(error) = cut {
            log::warn!("cannot shorten {}: {error}", self.path().display());
        }
    }

    /// Makes the bytes of this request part of the upload.
    pub(super) fn accept(mut self) {
        if let Some(received) = self.upload.as_mut() {
            received.total.fetch_add(self.size - received.size, Ordering::Relaxed);
            received.size = self.size;
            received.hasher = self.hasher.clone();
        }
    }

    /// Ends the upload and computes the digest of its content: by the algorithm of `provided` if there is one. An error
    /// if it differs from `provided`.
    pub(super) fn complete(mut self, provided: Option<&Digest>) -> Result<Complete, RequestRefusal> {
        let received = self.upload.take();
        let Some(path) = received.and_then(|mut received| received.path.take()) else {
            return Err(RequestRefusal::BlobUploadUnknown);
        };
        let mut file = self.file.try_clone().at("open", &path)?;
        let mut digest = self.hasher.clone().finish();
        if let Some(provided) = provided {
            if digest.algorithm() != provided.algorithm() {
                digest = digest_again(&mut file, provided.hasher()).at("read", &path)?;
            }
            if digest != *provided {
                return Err(RequestRefusal::DigestMismatch { provided: provided.clone(), found: digest });
            }
        }
        make_read_only(&file).at("set the mode of", &path)?;
        Ok(Complete { file, path, digest, size: self.size })
    }
}

impl Drop for Append {
    /// Cuts off the bytes that were not accepted. If the upload has no accepted bytes, its file is deleted.
    fn drop(&mut self) {
        let Some(received) = self.upload.as_mut() else { return };
        received.touched = Instant::now();
        match received.size {
            0 => received.path = None,
            size if size == self.size => {}
            size => self.cut(size),
        }
    }
}

/// Computes the digest again, for chunks that came before the client named an algorithm other than SHA-256.
fn digest_again(file: &mut File, mut hasher: Hasher) -> io::Result<Digest> {
    file.seek(SeekFrom::Start(0))?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}
