//! A directory that stays open while much in it is looked at. A cache of thousands of entries has tens of thousands of
//! links, and a chart may have thousands of files: found from the root each time, most of the work would be to find the
//! directory again.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, SeekFrom, Stat, openat, readlinkat, seek, statat};
use rustix::io::retry_on_intr;

use super::{At as _, PathError};

/// An open directory.
#[derive(Debug)]
pub struct Directory {
    directory: OwnedFd,
    path: PathBuf,
    /// Whether its names have been asked for.
    read: bool,
}

/// A name in a directory.
#[derive(Debug)]
pub struct Named {
    /// The name, without the directory's.
    pub name: OsString,
    /// Whether it is a directory, and no link to one.
    pub is_directory: bool,
    /// Whether it is a symbolic link.
    pub is_link: bool,
}

/// What a name leads to, behind all links.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is a file, and no fifo or device.
    pub is_file: bool,
    /// In bytes.
    pub size: u64,
}

impl Named {
    /// Whether it is one that `ls` leaves out.
    pub fn is_hidden(&self) -> bool {
        self.name.as_encoded_bytes().starts_with(b".")
    }
}

impl Directory {
    /// Opens the directory at `path`.
    pub fn open_existing(path: PathBuf) -> Result<Self, PathError> {
        let directory = open(CWD, &path).at("read", &path)?;
        Ok(Self { directory, path, read: false })
    }

    /// Opens the directory at `path`, if there is one.
    pub fn open(path: PathBuf) -> Result<Option<Self>, PathError> {
        match open(CWD, &path) {
            Ok(directory) => Ok(Some(Self { directory, path, read: false })),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e).at("read", &path),
        }
    }

    /// Opens the directory that `name` is, or leads to.
    pub fn below(&self, name: &OsStr) -> Result<Option<Self>, PathError> {
        let path = || self.path.join(name);
        match open(self.directory.as_fd(), Path::new(name)) {
            Ok(directory) => Ok(Some(Self { directory, path: path(), read: false })),
            Err(e) if is_absent(&e) => Ok(None),
            Err(e) => Err(e).at("read", &path()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All that is in it, in no order.
    pub fn names(&mut self) -> Result<Vec<Named>, PathError> {
        if std::mem::replace(&mut self.read, true) {
            seek(&self.directory, SeekFrom::Start(0)).map_err(io::Error::from).at("read", &self.path)?;
        }
        let mut names = Vec::new();
        let mut take = |name: &CStr, kind: FileType| -> io::Result<()> {
            let name = OsStr::from_bytes(name.to_bytes());
            if name == "." || name == ".." {
                return Ok(());
            }
            let kind = match kind {
                // Some file systems do not say.
                FileType::Unknown => FileType::from_raw_mode(self.stat(Path::new(name))?.st_mode),
                kind => kind,
            };
            let (is_directory, is_link) = (kind == FileType::Directory, kind == FileType::Symlink);
            names.push(Named { name: name.to_owned(), is_directory, is_link });
            Ok(())
        };
        read(&self.directory, &mut take).at("read", &self.path)?;
        Ok(names)
    }

    /// Where the link at `path`, below this directory, leads.
    pub fn link(&self, path: &Path) -> io::Result<PathBuf> {
        let target = readlinkat(&self.directory, path, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// When what is at `path`, below this directory, was last written.
    pub fn modified(&self, path: &Path) -> io::Result<SystemTime> {
        let stat = self.stat(path)?;
        let (seconds, nanoseconds) = (u64::try_from(stat.st_mtime), u32::try_from(stat.st_mtime_nsec));
        let since = Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0));
        Ok(SystemTime::UNIX_EPOCH + since)
    }

    /// The size of the file called `name`; nothing if that is something else.
    pub fn size(&self, name: &str) -> io::Result<Option<u64>> {
        let stat = self.stat(Path::new(name))?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(u64::try_from(stat.st_size).ok().filter(|_| is_file))
    }

    /// What `name` leads to.
    pub fn status(&self, name: &OsStr) -> io::Result<Status> {
        let stat = statat(&self.directory, name, AtFlags::empty())?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let (is_directory, is_file) = (kind == FileType::Directory, kind == FileType::RegularFile);
        Ok(Status { is_directory, is_file, size: u64::try_from(stat.st_size).unwrap_or(0) })
    }

    fn stat(&self, path: &Path) -> io::Result<Stat> {
        Ok(statat(&self.directory, path, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

fn open(from: BorrowedFd<'_>, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(retry_on_intr(|| openat(from, path, flags, Mode::empty()))?)
}

/// Hands over each name, with what is known of its kind.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn read(directory: &OwnedFd, take: &mut dyn FnMut(&CStr, FileType) -> io::Result<()>) -> io::Result<()> {
    // Enough for a few hundred names, and none of it has to be allocated or cleared.
    let mut buffer = [std::mem::MaybeUninit::uninit(); 16 << 10];
    let mut names = rustix::fs::RawDir::new(directory, &mut buffer);
    while let Some(entry) = names.next() {
        match entry {
            Ok(entry) => take(entry.file_name(), entry.file_type())?,
            Err(rustix::io::Errno::INTR) => {}
            // It was removed meanwhile.
            Err(rustix::io::Errno::NOENT) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn read(directory: &OwnedFd, take: &mut dyn FnMut(&CStr, FileType) -> io::Result<()>) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        take(entry.file_name(), entry.file_type())?;
    }
    Ok(())
}

/// Nothing is there, or no directory.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
