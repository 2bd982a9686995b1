//! Open directories. Names in them are looked up from the open directory, not from the root of the file system.
//!
//! This serves two ends. It is fast: a cache of thousands of entries has tens of thousands of links, and a chart may
//! have thousands of files, so most of the work would be to find the directory again. And it is safe: no step from an
//! open directory follows a symbolic link (`O_NOFOLLOW`), so a directory that somebody else has filled cannot lead to a
//! place outside of it.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, readlinkat, statat};
use rustix::io::{Errno, retry_on_intr};

use super::kind::{FileKind, Foreign};
use super::path_error::{AtPath as _, PathError};

/// An open directory. Names passed to its methods must be single names: neither `..` nor anything with a `/`.
#[derive(Debug)]
pub struct Directory {
    directory: OwnedFd,
    path: PathBuf,
    /// Whether its names have been read, so that reading them again has to start over.
    pub(super) read: bool,
}

/// What a name leads to after all symbolic links are followed.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Whether it is a directory.
    pub is_directory: bool,
    /// Whether it is a regular file, and not a fifo or a device.
    pub is_file: bool,
    /// The size in bytes.
    pub size: u64,
}

impl AsFd for Directory {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.directory.as_fd()
    }
}

impl Directory {
    fn new(directory: OwnedFd, path: PathBuf) -> Self {
        Self { directory, path, read: false }
    }

    /// Opens the directory at `path`, which the user has given: symbolic links in it are followed.
    pub fn open_existing(path: PathBuf) -> Result<Self, PathError> {
        let directory = open(CWD, &path, OFlags::empty()).at("read", &path)?;
        Ok(Self::new(directory, path))
    }

    /// Opens the directory at `path`, following symbolic links; None if nothing is there.
    pub fn open(path: PathBuf) -> Result<Option<Self>, PathError> {
        match open(CWD, &path, OFlags::empty()) {
            Ok(directory) => Ok(Some(Self::new(directory, path))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e).at("read", &path),
        }
    }

    /// Opens a directory some steps below this one; None if a name on the way does not exist. Each step must be a
    /// directory itself: anything else, such as a symbolic link, is the error [`Foreign`].
    pub fn below(&self, path: impl AsRef<Path>) -> Result<Option<Self>, PathError> {
        let path = path.as_ref();
        let names = self.steps(path)?;
        if let [name] = names[..] {
            return self.child(name);
        }
        if let Some(found) = open_without_links(self.as_fd(), path) {
            return Ok(found.map(|directory| Self::new(directory, self.path.join(path))));
        }
        // Step by step: where the system cannot do it in one call, and to find out which step fails.
        let mut last: Option<Self> = None;
        for name in names {
            match last.as_ref().unwrap_or(self).child(name)? {
                Some(child) => last = Some(child),
                None => return Ok(None),
            }
        }
        Ok(last)
    }

    /// Opens the directory called `name`; None if there is none.
    pub(super) fn child(&self, name: &OsStr) -> Result<Option<Self>, PathError> {
        match open(self.as_fd(), Path::new(name), OFlags::NOFOLLOW) {
            Ok(directory) => Ok(Some(Self::new(directory, self.path.join(name)))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(self.foreign(name, FileKind::Directory, "read", e)),
        }
    }

    /// Opens this directory once more. The two handles have separate positions, so reading names through one does not
    /// affect the other.
    pub fn again(&self) -> Result<Self, PathError> {
        let directory = open(self.as_fd(), Path::new("."), OFlags::empty()).at("read", &self.path)?;
        Ok(Self::new(directory, self.path.clone()))
    }

    /// Opens the file called `name` to read it, and returns it with its size in bytes; None if there is none. If `name`
    /// is anything but a regular file, that is the error [`Foreign`].
    pub fn file(&self, name: impl AsRef<OsStr>) -> Result<Option<(File, u64)>, PathError> {
        let name = name.as_ref();
        self.name(name)?;
        // O_NONBLOCK: opening a fifo does not wait for a writer.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        match retry_on_intr(|| openat(self, name, flags, Mode::empty())) {
            Ok(file) => {
                let file = File::from(file);
                let size = self.check_file(&file, name)?;
                Ok(Some((file, size)))
            }
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.foreign(name, FileKind::File, "read", error.into())),
        }
    }

    /// The size in bytes of an open file that was found as `name`. An error if it is not a regular file.
    pub(super) fn check_file(&self, file: &File, name: &OsStr) -> Result<u64, PathError> {
        let stat = fstat(file).map_err(io::Error::from).at("read", &self.path.join(name))?;
        match FileKind::of(FileType::from_raw_mode(stat.st_mode)) {
            FileKind::File => Ok(u64::try_from(stat.st_size).unwrap_or(0)),
            found => Err(Foreign { found, wanted: FileKind::File }.at(&self.path.join(name))),
        }
    }

    /// Makes the error for `name`, which could not be opened as `wanted`: a [`Foreign`] if it is something else, else
    /// `error`.
    pub(super) fn foreign(
        &self,
        name: &OsStr,
        wanted: FileKind,
        verb: &'static str,
        error: io::Error,
    ) -> PathError {
        let path = self.path.join(name);
        match self.kind(name) {
            Ok(Some(found)) if found != wanted => Foreign { found, wanted }.at(&path),
            _ => PathError { verb, path, source: error },
        }
    }

    /// Splits `path` into its names. An error if it is empty or has `..`, `.` at its start or `/` at its start.
    pub(super) fn steps<'a>(&self, path: &'a Path) -> Result<Vec<&'a OsStr>, PathError> {
        let name = |component| match component {
            Component::Normal(name) => Some(name),
            _ => None,
        };
        let names: Option<Vec<_>> = path.components().map(name).collect();
        names.filter(|names| !names.is_empty()).ok_or_else(|| self.no_name(path))
    }

    /// An error if `name` is not a single name: empty, `.`, `..`, or with a `/`.
    pub(super) fn name(&self, name: &OsStr) -> Result<(), PathError> {
        match name.as_encoded_bytes() {
            b"" | b"." | b".." => Err(self.no_name(Path::new(name))),
            bytes if bytes.contains(&b'/') => Err(self.no_name(Path::new(name))),
            _ => Ok(()),
        }
    }

    fn no_name(&self, path: &Path) -> PathError {
        PathError { verb: "use", path: self.path.join(path), source: io::ErrorKind::InvalidInput.into() }
    }

    /// The path under which the directory was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The target text of the symbolic link called `name`; None if `name` is not a link, or does not exist.
    pub fn link(&self, name: impl AsRef<OsStr>) -> Result<Option<PathBuf>, PathError> {
        let name = name.as_ref();
        self.name(name)?;
        match readlinkat(self, name, Vec::new()) {
            Ok(target) => Ok(Some(OsString::from_vec(target.into_bytes()).into())),
            Err(Errno::NOENT | Errno::INVAL) => Ok(None),
            Err(error) => Err(io::Error::from(error)).at("read", &self.path.join(name)),
        }
    }

    /// What kind of file `name` is, without following a link; None if it does not exist.
    pub fn kind(&self, name: impl AsRef<OsStr>) -> io::Result<Option<FileKind>> {
        match self.stat(name.as_ref()) {
            Ok(stat) => Ok(Some(FileKind::of(FileType::from_raw_mode(stat.st_mode)))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The modification time of the entry `name`, without following a link; None if it does not exist.
    pub fn modified(&self, name: impl AsRef<OsStr>) -> io::Result<Option<SystemTime>> {
        match self.stat(name.as_ref()) {
            Ok(stat) => Ok(Some(time(&stat))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// The modification time of the directory: when a name in it was last added or removed, or the time that
    /// [`Self::set_time`] set.
    pub fn time(&self) -> Result<SystemTime, PathError> {
        Ok(time(&fstat(self).map_err(io::Error::from).at("read", &self.path)?))
    }

    /// The size in bytes of the file called `name`; None if that is not a regular file. An error if it does not exist.
    pub fn size(&self, name: &str) -> io::Result<Option<u64>> {
        let stat = self.stat(OsStr::new(name))?;
        let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        Ok(u64::try_from(stat.st_size).ok().filter(|_| is_file))
    }

    /// What `name` leads to after all symbolic links are followed.
    pub fn status(&self, name: &OsStr) -> io::Result<Status> {
        let stat = statat(&self.directory, name, AtFlags::empty())?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        let (is_directory, is_file) = (kind == FileType::Directory, kind == FileType::RegularFile);
        Ok(Status { is_directory, is_file, size: u64::try_from(stat.st_size).unwrap_or(0) })
    }

    pub(super) fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        Ok(statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

pub(super) fn time(stat: &Stat) -> SystemTime {
    let (seconds, nanoseconds) = (u64::try_from(stat.st_mtime), u32::try_from(stat.st_mtime_nsec));
    SystemTime::UNIX_EPOCH + Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

fn open(from: BorrowedFd<'_>, path: &Path, more: OFlags) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | more;
    Ok(retry_on_intr(|| openat(from, path, flags, Mode::empty()))?)
}

/// Opens a directory several steps below in one call, without following links (openat2, Linux 5.6 and later). The inner
/// None means that a step does not exist. The outer None means any other failure, so nothing is known: the system may
/// lack the call.
#[cfg(target_os = "linux")]
fn open_without_links(from: BorrowedFd<'_>, path: &Path) -> Option<Option<OwnedFd>> {
    use rustix::fs::{ResolveFlags, openat2};
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
    match retry_on_intr(|| openat2(from, path, flags, Mode::empty(), resolve)) {
        Ok(directory) => Some(Some(directory)),
        Err(Errno::NOENT) => Some(None),
        Err(_) => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_without_links(_: BorrowedFd<'_>, _: &Path) -> Option<Option<OwnedFd>> {
    None
}
