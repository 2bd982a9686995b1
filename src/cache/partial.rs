//! Blobs that are being downloaded, which may take more than one process.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use super::error::CacheError;
use super::follow::{Follow, Growth};
use super::staged::{StagedBlob, temporary};
use crate::digest::{Digest, Hasher};
use crate::disk::{
    AtPath as _, Directory, Foreign, PathError, Temporary, has_one_name, is_at, left_behind, make_writable,
    uninterrupted,
};

/// The ending of the name of a download that another process can continue.
pub(super) const SUFFIX: &str = ".partial";

/// A download, which may continue where an earlier process stopped. Its file is named after the digest that the blob
/// should have. The process that has the lock on it writes it; another one that wants the same blob at the same time
/// uses a file of its own.
#[derive(Debug)]
pub struct PartialBlob {
    file: Temporary,
    digest: Digest,
    hasher: Hasher,
    size: u64,
    growth: Growth,
}

impl PartialBlob {
    pub(super) fn new(scratch: &Arc<Directory>, digest: &Digest) -> Result<Self, CacheError> {
        let name = format!("{}-{}{SUFFIX}", digest.algorithm().name(), digest.hex());
        let file = match claim(scratch, &name)? {
            Some(file) => Temporary::existing(scratch, &name, file),
            None => temporary(scratch)?,
        };
        let (digest, hasher, growth) = (digest.clone(), digest.hasher(), Growth::default());
        let mut partial = Self { file, digest, hasher, size: 0, growth };
        partial.rehash()?;
        partial.growth.reaches(partial.size);
        Ok(partial)
    }

    fn file(&self) -> &File {
        self.file.file()
    }

    fn path(&self) -> PathBuf {
        self.file.path()
    }

    /// Hashes what the file holds already, and leaves the file's position at its end.
    fn rehash(&mut self) -> Result<(), CacheError> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match uninterrupted(|| self.file().read(&mut buffer)).at("read", &self.path())? {
                0 => return Ok(()),
                read => {
                    self.hasher.update(&buffer[..read]);
                    self.size += read as u64;
                }
            }
        }
    }

    /// How many bytes are there so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The digest that the blob should have.
    pub fn wanted(&self) -> &Digest {
        &self.digest
    }

    /// The digest of the bytes that are there so far.
    pub fn digest_so_far(&self) -> Digest {
        self.hasher.clone().finish()
    }

    /// The digest of the bytes that are there so far followed by those of `rest`.
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

    /// A handle by which others can read the bytes that have come, and wait for more.
    pub fn follow(&self) -> Follow {
        self.growth.follow(Arc::clone(self.file.file()))
    }

    /// Removes the bytes that are there, and starts over.
    pub fn restart(&mut self) -> io::Result<()> {
        use io::Seek as _;
        self.growth.begins_anew();
        self.file().set_len(0)?;
        self.file().rewind()?;
        (self.hasher, self.size) = (self.digest.hasher(), 0);
        Ok(())
    }

    /// Ends the download. An error if the bytes do not have the digest that was asked for; they are removed then.
    pub fn finish(self) -> Result<StagedBlob, CacheError> {
        let found = self.digest_so_far();
        if found != self.digest {
            let digest = self.digest.clone();
            self.discard();
            return Err(CacheError::Damaged { digest });
        }
        let staged = StagedBlob::new(self.file, found, self.size)?;
        self.growth.is_complete();
        Ok(staged)
    }

    /// Removes a download that will not be continued.
    pub fn discard(mut self) {
        self.file.stay(false);
    }
}

impl Write for PartialBlob {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = uninterrupted(|| self.file().write(bytes))?;
        self.hasher.update(&bytes[..written]);
        self.size += written as u64;
        self.growth.reaches(self.size);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Opens and locks the file of a download. None if another process has it, if it is not a file, or if it has a second
/// name: writing would change something else.
fn claim(scratch: &Directory, name: &str) -> Result<Option<File>, PathError> {
    for _ in 0..8 {
        let file = match scratch.open_or_create(name, "write") {
            Err(error) if Foreign::in_error(&error).is_some() => return Ok(None),
            Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => {
                match reopened(scratch, OsStr::new(name)) {
                    Some(true) => continue,
                    Some(false) => return Ok(None),
                    // There is no such file, so it is the directory that cannot be written.
                    None => return Err(error),
                }
            }
            file => file?,
        };
        if !has_one_name(&file) {
            return Ok(None);
        }
        match file.try_lock() {
            Err(_) => return Ok(None),
            // Between opening and locking, the process before may have finished it and made it a blob: writing to it
            // would damage that.
            Ok(()) if is_at(&file, scratch, OsStr::new(name)) => return Ok(Some(file)),
            Ok(()) => {}
        }
    }
    Ok(None)
}

/// Makes the read-only file of a finished download writable again, if the process that finished it died before it
/// renamed the file. Returns whether that was so; None if there is no such file.
fn reopened(scratch: &Directory, name: &OsStr) -> Option<bool> {
    scratch.kind(name).ok().flatten()?;
    let file = left_behind(scratch, name).filter(has_one_name);
    Some(file.is_some_and(|file| make_writable(&file).is_ok()))
}
