//! A directory that stays open while much in it is looked at. A cache of thousands of entries has tens of thousands of
//! links: found from the root each time, most of the work would be to find the directory again.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, readlinkat, statat};
use rustix::io::retry_on_intr;

use crate::disk::{At as _, PathError};

/// An open directory.
#[derive(Debug)]
pub(super) struct Directory {
    directory: Dir,
    path: PathBuf,
}

/// A name in a directory.
pub(super) struct Named {
    pub(super) name: OsString,
    /// Whether it is a directory, and no link to one.
    pub(super) is_directory: bool,
}

impl Named {
    /// Whether it is none that a reference can have.
    pub(super) fn is_hidden(&self) -> bool {
        self.name.as_encoded_bytes().starts_with(b".")
    }
}

impl Directory {
    /// Opens the directory at `path`, if there is one.
    pub(super) fn open(path: PathBuf) -> Result<Option<Self>, PathError> {
        match open(CWD, &path) {
            Ok(directory) => Ok(Some(Self { directory, path })),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e).at("read", &path),
        }
    }

    /// Opens the directory that `name` is, or leads to.
    pub(super) fn below(&self, name: &OsStr) -> Result<Option<Self>, PathError> {
        let path = || self.path.join(name);
        match self.fd().and_then(|fd| open(fd, Path::new(name))) {
            Ok(directory) => Ok(Some(Self { directory, path: path() })),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e).at("read", &path()),
        }
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All that is in it, in no order.
    pub(super) fn names(&mut self) -> Result<Vec<Named>, PathError> {
        let mut list = || -> io::Result<Vec<Named>> {
            let mut names = Vec::new();
            while let Some(entry) = self.directory.read() {
                let entry = entry?;
                let name = OsStr::from_bytes(entry.file_name().to_bytes());
                if name == "." || name == ".." {
                    continue;
                }
                let is_directory = match entry.file_type() {
                    FileType::Directory => true,
                    // Some file systems do not say.
                    FileType::Unknown => is_directory(&self.stat(Path::new(name))?),
                    _ => false,
                };
                names.push(Named { name: name.to_owned(), is_directory });
            }
            // For whoever asks again.
            self.directory.rewind();
            Ok(names)
        };
        list().at("read", &self.path)
    }

    /// Where the link at `path`, below this directory, leads.
    pub(super) fn link(&self, path: &Path) -> io::Result<PathBuf> {
        let target = readlinkat(self.fd()?, path, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// When what is at `path`, below this directory, was last written.
    pub(super) fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        let stat = self.stat(path)?;
        let (seconds, nanoseconds) = (u64::try_from(stat.st_mtime), u32::try_from(stat.st_mtime_nsec));
        let since = Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0));
        Ok(SystemTime::UNIX_EPOCH + since)
    }

    /// The size of the file called `name`; nothing if that is something else.
    pub(super) fn size(&self, name: &str) -> io::Result<Option<u64>> {
        let stat = self.stat(Path::new(name))?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(u64::try_from(stat.st_size).ok().filter(|_| is_file))
    }

    fn fd(&self) -> io::Result<BorrowedFd<'_>> {
        Ok(self.directory.fd()?)
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Ok(statat(self.fd()?, path, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

fn open(from: BorrowedFd<'_>, path: &Path) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(Dir::new(retry_on_intr(|| openat(from, path, flags, Mode::empty()))?)?)
}

fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

/// Nothing is there, or no directory.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
