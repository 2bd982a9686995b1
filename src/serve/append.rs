//! What one request brings of a blob or a manifest.
//!
//! It counts once all of it has come. Until then the upload is as long as it was before: what came of a request that broke
//! off, or that the disk had no room for, is cut off at once, and the request can be sent again.

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

/// What has come of an upload so far. Its file goes with it, unless it becomes content.
#[derive(Debug)]
pub(super) struct Received {
    /// An upload of which nothing has come has no file.
    path: Option<TempPath>,
    size: u64,
    hasher: Hasher,
    /// When a request was last at it.
    touched: Instant,
    /// How many bytes all uploads have together.
    total: Arc<AtomicU64>,
}

impl Received {
    /// Nothing yet. What comes is counted in `total` as long as it is kept.
    pub(super) fn nothing(total: &Arc<AtomicU64>) -> Self {
        let total = Arc::clone(total);
        Self { path: None, size: 0, hasher: Hasher::sha256(), touched: Instant::now(), total }
    }

    /// How many bytes there are.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// When a request was last at it.
    pub(super) fn touched(&self) -> Instant {
        self.touched
    }

    /// Opens its file for more, or makes one.
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
/// It travels into the work that ends it: also if the request is given up meanwhile, no other one gets at the upload.
#[derive(Debug)]
pub(super) struct Append {
    upload: OwnedMutexGuard<Option<Received>>,
    file: File,
    size: u64,
    hasher: Hasher,
}

/// Everything that came, of which it is known what it is. The file goes with it, unless it is kept.
#[derive(Debug)]
pub(super) struct Complete {
    /// The content, in a file that has another name yet.
    pub(super) file: File,
    /// That name.
    pub(super) path: TempPath,
    /// What it is.
    pub(super) digest: Digest,
    /// How long it is.
    pub(super) size: u64,
}

impl Append {
    /// Goes on with an upload whose file was opened.
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

    /// How many bytes the upload has, with those that this request added.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Announces the digest that is expected in the end: with nothing received yet, it need not be read twice.
    pub(super) fn announce(&mut self, digest: &Digest) {
        if self.size == 0 {
            self.hasher = digest.hasher();
        }
    }

    /// Adds the next bytes: all of them, or none if it fails.
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

    /// Cuts off what is beyond so many bytes. Where that fails, the file is as long as it is until the next request.
    fn cut(&mut self, size: u64) {
        let cut = self.file.set_len(size).and_then(|()| self.file.seek(SeekFrom::Start(size)));
        if let Err(error) = cut {
            log::warn!("cannot shorten {}: {error}", self.path().display());
        }
    }

    /// Makes what came part of the upload.
    pub(super) fn accept(mut self) {
        if let Some(received) = self.upload.as_mut() {
            received.total.fetch_add(self.size - received.size, Ordering::Relaxed);
            received.size = self.size;
            received.hasher = self.hasher.clone();
        }
    }

    /// Ends the upload: everything that came is content, with the digest that was `provided` if one was.
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
    /// Cuts off the bytes that were not accepted. If none were accepted yet, the file goes, too.
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

/// For chunks that came before it was known that they would be wanted by another algorithm than SHA-256.
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
