//! Changes to what is in an open directory. No change goes through a symbolic link: if a name is one, the link itself
//! is removed or replaced, and not what it leads to.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, Timespec, Timestamps, flock, fsync, futimens, mkdirat, openat,
    renameat, symlinkat, unlinkat, utimensat,
};
use rustix::io::{Errno, retry_on_intr};

use super::directory::Directory;
use super::files::uninterrupted;
use super::kind::FileKind;
use super::lasting::Unsynced;
use super::path_error::{AtPath as _, PathError};

/// How many levels of directories are removed at most. Each level takes an open file; no directory of ours has three
/// levels.
const DEEPEST: usize = 64;

impl Directory {
    /// Opens the directory at a path that the user has given. It and the directories above it are made if they are
    /// missing, and noted in `unsynced`.
    pub fn make_at(path: &Path, unsynced: &mut Unsynced) -> Result<Arc<Self>, PathError> {
        if let Some(directory) = Self::open(path.to_path_buf())? {
            return Ok(Arc::new(directory));
        }
        unsynced.make_dirs(path)?;
        Ok(Arc::new(Self::open_existing(path.to_path_buf())?))
    }

    /// Opens a directory below this one. It and those on the way are made if they are missing, and noted in `unsynced`.
    /// A symbolic link on the way is an error.
    pub fn make(
        self: &Arc<Self>,
        path: impl AsRef<Path>,
        unsynced: &mut Unsynced,
    ) -> Result<Arc<Self>, PathError> {
        let path = path.as_ref();
        if let Some(directory) = self.below(path)? {
            return Ok(Arc::new(directory));
        }
        let mut last = Arc::clone(self);
        for name in self.steps(path)? {
            let next = match last.child(name)? {
                Some(child) => child,
                None => {
                    match last.make_directory(name) {
                        // Another process was faster.
                        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                        result => result.at("create directory", &last.path().join(name))?,
                    }
                    unsynced.add(&last);
                    let gone = || io::ErrorKind::NotFound.into();
                    last.child(name)?.ok_or_else(gone).at("create directory", &last.path().join(name))?
                }
            };
            last = Arc::new(next);
        }
        Ok(last)
    }

    /// Makes a directory, with the mode that the umask leaves. An error if the name exists.
    pub fn make_directory(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(mkdirat(self, name.as_ref(), Mode::RWXU | Mode::RWXG | Mode::RWXO)?)
    }

    /// Makes a file and opens it to read and write, with mode 0600. An error if the name exists.
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create_with(name.as_ref(), Mode::RUSR | Mode::WUSR)
    }

    /// Makes a file and opens it to read and write, with the mode 0666 less the umask. An error if the name exists.
    pub fn create_shared(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create_with(name.as_ref(), Mode::from_raw_mode(0o666))
    }

    fn create_with(&self, name: &OsStr, mode: Mode) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(retry_on_intr(|| openat(self, name, flags, mode))?.into())
    }

    /// Opens the file called `name` to write or to lock it, and makes an empty one if there is none. The content of an
    /// existing file is left as it is. `verb` says in the error what was tried.
    pub fn open_or_create(&self, name: impl AsRef<OsStr>, verb: &'static str) -> Result<File, PathError> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mode = Mode::from_raw_mode(0o666);
        let name = name.as_ref();
        match retry_on_intr(|| openat(self, name, flags, mode)) {
            Ok(file) => {
                let file = File::from(file);
                self.check_file(&file, name)?;
                Ok(file)
            }
            Err(error) => Err(self.foreign(name, FileKind::File, verb, error.into())),
        }
    }

    /// Makes a symbolic link called `name` with this target text.
    pub fn make_link(&self, text: impl AsRef<Path>, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(symlinkat(text.as_ref(), self, name.as_ref())?)
    }

    /// Renames `from`, in this directory, over `name` in the directory `to`. If that is a directory, it is removed with
    /// all that is in it. Where the system can exchange two names, `name` exists at every moment, and several processes
    /// may do the same at once.
    pub fn rename_over(&self, from: &OsStr, to: &Self, name: &OsStr) -> io::Result<()> {
        match renameat(self, from, to, name) {
            Ok(()) => return Ok(()),
            Err(Errno::ISDIR) => {}
            Err(error) => return Err(error.into()),
        }
        if self.exchange(from, to, name).is_ok() {
            if let Err(e) = self.remove_all(from) {
                log::debug!("{e}: {}", e.source);
            }
            return Ok(());
        }
        to.remove_all(name).map_err(|error| error.source)?;
        Ok(renameat(self, from, to, name)?)
    }

    /// Exchanges two names in one step. A directory cannot be renamed over one that is not empty, and this leaves no
    /// moment in which a name is missing. Not every system and file system supports it.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub fn exchange(&self, one: &OsStr, to: &Self, other: &OsStr) -> io::Result<()> {
        use rustix::fs::{RenameFlags, renameat_with};
        Ok(renameat_with(self, one, to, other, RenameFlags::EXCHANGE)?)
    }

    /// Fails: this system cannot exchange two names.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub fn exchange(&self, _: &OsStr, _: &Self, _: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Renames `from` in this directory to `name` in the directory `to`, replacing a file there.
    pub fn rename(&self, from: &OsStr, to: &Self, name: &OsStr) -> io::Result<()> {
        Ok(renameat(self, from, to, name)?)
    }

    /// Removes a name of anything but a directory. Returns whether the name existed.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        match unlinkat(self, name.as_ref(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the directory called `name`. An error if it is not empty.
    pub fn remove_empty(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(unlinkat(self, name.as_ref(), AtFlags::REMOVEDIR)?)
    }

    /// Removes a name, and everything below it if it is a directory's. A name that does not exist is no error.
    pub fn remove_all(&self, name: impl AsRef<OsStr>) -> Result<(), PathError> {
        self.remove_deep(name.as_ref(), 0)
    }

    fn remove_deep(&self, name: &OsStr, depth: usize) -> Result<(), PathError> {
        let path = || self.path().join(name);
        let error = match self.remove(name) {
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        if self.kind(name).at("remove", &path())? != Some(FileKind::Directory) {
            return Err(error).at("remove", &path());
        }
        if depth == DEEPEST {
            return Err(io::Error::other("it is nested too deeply")).at("remove", &path());
        }
        let Some(mut directory) = self.child(name)? else { return Ok(()) };
        for named in directory.names()? {
            directory.remove_deep(&named.name, depth + 1)?;
        }
        match self.remove_empty(name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result.at("remove", &path()),
        }
    }

    /// Syncs the directory, so that the names in it outlive a power cut. Without this, the system may forget a rename,
    /// even if the content of the file is synced.
    pub fn sync(&self) -> Result<(), PathError> {
        match uninterrupted(|| Ok(fsync(self)?)) {
            // Some file systems (FUSE, CIFS) cannot sync a directory, and report one of these two errors.
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            result => result.at("sync", self.path()),
        }
    }

    /// Waits for an exclusive lock on the directory, and holds it until this `Directory` is dropped or the process
    /// ends.
    pub fn take_turn(&self) -> io::Result<()> {
        uninterrupted(|| Ok(flock(self, FlockOperation::LockExclusive)?))
    }

    /// Sets the modification time of the directory, which [`Self::time`] reads. It changes when a name is added or
    /// removed.
    pub fn set_time(&self, time: SystemTime) -> io::Result<()> {
        Ok(futimens(self, &timestamps(time))?)
    }

    /// Sets the modification time of the entry `name`, which [`Self::modified`] reads. If it is a symbolic link, the
    /// time of the link itself.
    pub fn set_time_of(&self, name: &OsStr, time: SystemTime) -> io::Result<()> {
        Ok(utimensat(self, name, &timestamps(time), AtFlags::SYMLINK_NOFOLLOW)?)
    }
}

fn timestamps(time: SystemTime) -> Timestamps {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    let time = Timespec {
        tv_sec: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: since.subsec_nanos().into(),
    };
    Timestamps { last_access: time, last_modification: time }
}
