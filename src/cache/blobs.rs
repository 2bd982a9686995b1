//! Blobs on their way into the cache. Content before name: a blob that has its name is complete and verified.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::NamedTempFile;

use super::follow::{Follow, Growth};
use super::{Cache, CacheError};
use crate::digest::{Digest, Hasher};
use crate::disk::{self, At as _, PathError};

/// A blob that is being written, under a temporary name in the cache's own file system.
#[derive(Debug)]
pub struct BlobWriter {
    file: NamedTempFile,
    hasher: Hasher,
    size: u64,
}

/// A blob whose content is complete, without its name yet.
#[derive(Debug)]
pub struct StagedBlob {
    pub(super) path: StagedPath,
    digest: Digest,
    size: u64,
    /// Whether its content will outlive a power cut.
    lasts: bool,
}

#[derive(Debug)]
pub(super) enum StagedPath {
    /// Gone when it is dropped. With a lock on it, so that it is known to be in use.
    Temporary { path: tempfile::TempPath, file: Arc<File> },
    /// With the lock on it.
    Partial { path: PathBuf, file: Arc<File> },
    /// It has its name.
    InPlace,
}

impl BlobWriter {
    pub(super) fn new(cache: &Cache, hasher: Hasher) -> Result<Self, CacheError> {
        let scratch = cache.scratch()?;
        let file = temporary(&scratch)?;
        Ok(Self { file, hasher, size: 0 })
    }

    /// Ends the blob and tells its digest.
    pub fn finish(self) -> Result<StagedBlob, CacheError> {
        let (file, path) = self.file.into_parts();
        seal(&file).at("write", &path)?;
        let path = StagedPath::Temporary { path, file: Arc::new(file) };
        Ok(StagedBlob { path, digest: self.hasher.finish(), size: self.size, lasts: false })
    }
}

/// A temporary file of our own, with a lock on it: whoever tidies up takes those without one for left behind.
pub(super) fn temporary(scratch: &Path) -> Result<NamedTempFile, PathError> {
    loop {
        let file = tempfile::Builder::new().prefix("blob-").tempfile_in(scratch).at("write into", scratch)?;
        if disk::occupy(file.as_file(), file.path()) {
            return Ok(file);
        }
    }
}

/// Read-only from here on.
fn seal(file: &File) -> io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o444))
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = disk::uninterrupted(|| self.file.write(bytes))?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl StagedBlob {
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
        Ok(File::open(self.path()).at("read", self.path())?)
    }

    pub(super) fn path(&self) -> &Path {
        match &self.path {
            StagedPath::Temporary { path, .. } => path,
            StagedPath::Partial { path, .. } => path,
            StagedPath::InPlace => Path::new(""),
        }
    }

    /// Makes its content last now, for whoever has the time before it gets its name.
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
        let (StagedPath::Temporary { file, .. } | StagedPath::Partial { file, .. }) = &self.path else {
            return None;
        };
        let (file, path) = (Arc::clone(file), self.path().to_path_buf());
        Some(Box::new(move || file.sync_all().at("write", &path)))
    }

    /// Gives it its name, replacing a damaged blob, or whatever else may have it.
    pub(super) fn persist(mut self, to: &Path) -> Result<(), PathError> {
        match std::mem::replace(&mut self.path, StagedPath::InPlace) {
            StagedPath::Temporary { path, file: _locked } => {
                disk::rename_over(&path, to).at("write", to)?;
                path.keep().map_err(|e| e.error).at("write", to).map(drop)
            }
            StagedPath::Partial { path, file: _locked } => disk::rename_over(&path, to).at("write", to),
            StagedPath::InPlace => Ok(()),
        }
    }
}

/// What is not put in place is not needed after all. A finished download is read-only: left behind, it would be in the
/// way of the next one.
impl Drop for StagedBlob {
    fn drop(&mut self) {
        if let StagedPath::Partial { path, .. } = &self.path {
            remove(path);
        }
    }
}

/// Left-overs are collected by age; one more is no failure of the command.
fn remove(path: &Path) {
    if let Err(e) = fs::remove_file(path) {
        log::debug!("cannot remove {}: {e}", path.display());
    }
}

/// A download, which may go on where an earlier process stopped. Its file is named by the digest that it will have;
/// whoever holds the lock on it writes it, and another process that wants the same at the same time starts a file of
/// its own.
#[derive(Debug)]
pub struct PartialBlob {
    file: Arc<File>,
    path: StagedPath,
    digest: Digest,
    hasher: Hasher,
    size: u64,
    growth: Growth,
}

impl PartialBlob {
    pub(super) fn new(cache: &Cache, digest: &Digest) -> Result<Self, CacheError> {
        let scratch = cache.scratch()?;
        let path = scratch.join(format!("{}-{}.partial", digest.algorithm().name(), digest.hex()));
        let (file, path) = match claim(&path).at("write", &path)?.map(Arc::new) {
            Some(file) => (Arc::clone(&file), StagedPath::Partial { path, file }),
            None => {
                let (file, path) = temporary(&scratch)?.into_parts();
                let file = Arc::new(file);
                (Arc::clone(&file), StagedPath::Temporary { path, file })
            }
        };
        let (digest, hasher, growth) = (digest.clone(), digest.hasher(), Growth::default());
        let mut partial = Self { file, path, digest, hasher, size: 0, growth };
        partial.rehash()?;
        partial.growth.reaches(partial.size);
        Ok(partial)
    }

    /// Takes what the file holds already into the digest, and leaves the file's position at its end.
    fn rehash(&mut self) -> Result<(), CacheError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match disk::uninterrupted(|| (&*self.file).read(&mut buffer)).at("read", self.at())? {
                0 => return Ok(()),
                read => {
                    self.hasher.update(&buffer[..read]);
                    self.size += read as u64;
                }
            }
        }
    }

    fn at(&self) -> &Path {
        match &self.path {
            StagedPath::Temporary { path, .. } => path,
            StagedPath::Partial { path, .. } => path,
            StagedPath::InPlace => Path::new(""),
        }
    }

    /// How many bytes are there.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest that it will have.
    pub fn wanted(&self) -> &Digest {
        &self.digest
    }

    /// The digest of all that is there.
    pub fn digest_so_far(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// The digest that all that is there would have with `rest` behind it.
    pub fn digest_with(&self, mut rest: impl Read) -> io::Result<Digest> {
        let mut hasher = self.hasher.clone();
        let mut buffer = vec![0; 64 << 10];
        loop {
            match rest.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                read => hasher.update(&buffer[..read]),
            }
        }
    }

    /// For whoever wants to look at it while it is coming.
    pub fn follow(&self) -> Follow {
        self.growth.follow(Arc::clone(&self.file))
    }

    /// Throws away what is there.
    pub fn restart(&mut self) -> io::Result<()> {
        use io::Seek as _;
        self.growth.begins_anew();
        self.file.set_len(0)?;
        (&*self.file).rewind()?;
        (self.hasher, self.size) = (self.digest.hasher(), 0);
        Ok(())
    }

    /// Ends the download. What is not the content that was asked for is thrown away.
    pub fn finish(self) -> Result<StagedBlob, CacheError> {
        let found = self.digest_so_far();
        if found != self.digest {
            let path = self.at();
            fs::remove_file(path).at("remove", path)?;
            return Err(CacheError::Damaged { digest: self.digest });
        }
        seal(&self.file).at("write", Path::new("a downloaded blob"))?;
        self.growth.is_complete();
        Ok(StagedBlob { path: self.path, digest: found, size: self.size, lasts: false })
    }

    /// Ends a download that nobody will go on with.
    pub fn discard(self) {
        if let StagedPath::Partial { path, .. } = &self.path {
            remove(path);
        }
    }
}

impl Write for PartialBlob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = disk::uninterrupted(|| (&*self.file).write(bytes))?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        self.growth.reaches(self.size);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.file).flush()
    }
}

/// Opens and locks the partial download, unless somebody else has it.
fn claim(path: &Path) -> io::Result<Option<File>> {
    for _ in 0..8 {
        let file = match File::options().create(true).truncate(false).read(true).write(true).open(path) {
            Err(e) if e.kind() == io::ErrorKind::PermissionDenied && path.exists() => {
                if !reopened(path)? {
                    return Ok(None);
                }
                continue;
            }
            file => file?,
        };
        match file.try_lock() {
            Err(_) => return Ok(None),
            // Between opening and locking, the one before may have finished and given the file its name: writing to
            // it now would damage a blob.
            Ok(()) if disk::is_at(&file, path) => return Ok(Some(file)),
            Ok(()) => {}
        }
    }
    Ok(None)
}

/// A download that was finished is read-only: by somebody who is about to give it its name, or who died there. In the
/// second case it is made writable again.
fn reopened(path: &Path) -> io::Result<bool> {
    let Some(file) = disk::left_behind(path) else { return Ok(false) };
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    Ok(true)
}
