//! Blobs on their way from a registry, which may take more than one process to come.

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

/// How the name of a download ends that another process may go on with.
pub(super) const SUFFIX: &str = ".partial";

/// A download, which may go on where an earlier process stopped. Its file is named by the digest that it will have;
/// the process that holds the lock on it writes it, and another one that wants the same at the same time starts a file of
/// its own.
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

    /// Takes what the file holds already into the digest, and leaves the file's position at its end.
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

    /// A reader of the bytes that have come so far, which waits for more.
    pub fn follow(&self) -> Follow {
        self.growth.follow(Arc::clone(self.file.file()))
    }

    /// Throws away what is there.
    pub fn restart(&mut self) -> io::Result<()> {
        use io::Seek as _;
        self.growth.begins_anew();
        self.file().set_len(0)?;
        self.file().rewind()?;
        (self.hasher, self.size) = (self.digest.hasher(), 0);
        Ok(())
    }

    /// Ends the download. If the bytes do not have the digest that was asked for, they are thrown away: an error.
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

    /// Removes a download that will not be taken up again.
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

/// Opens and locks the partial download, unless somebody else has it, or it is something else: a file that has another name
/// as well is not written to.
fn claim(scratch: &Directory, name: &str) -> Result<Option<File>, PathError> {
    for _ in 0..8 {
        let file = match scratch.open_or_create(name, "write") {
            Err(error) if Foreign::in_error(&error).is_some() => return Ok(None),
            Err(error) if error.source.kind() == io::ErrorKind::PermissionDenied => {
                match reopened(scratch, OsStr::new(name)) {
                    Some(true) => continue,
                    Some(false) => return Ok(None),
                    // It is the directory that cannot be written into.
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
            // Between opening and locking, the one before may have finished and given the file its name: writing to
            // it now would damage a blob.
            Ok(()) if is_at(&file, scratch, OsStr::new(name)) => return Ok(Some(file)),
            Ok(()) => {}
        }
    }
    Ok(None)
}

/// A download that was finished is read-only: by somebody who is about to give it its name, or who died there. In the
/// second case it is made writable again, which is told; nothing is told where there is no such file.
fn reopened(scratch: &Directory, name: &OsStr) -> Option<bool> {
    scratch.kind(name).ok().flatten()?;
    let file = left_behind(scratch, name).filter(has_one_name);
    Some(file.is_some_and(|file| make_writable(&file).is_ok()))
}
