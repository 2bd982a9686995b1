//! Changing what is in an open directory. Like everything that is found from one, nothing is changed through a symbolic
//! link: what is removed or replaced is the name in this directory, whatever it stands for.

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

/// So deep are directories in one another that are removed. Each takes an open file, and none of ours is three deep.
const DEEPEST: usize = 64;

impl Directory {
    /// Opens the directory at a path that the user has given, and makes it, and those above it, where they are not there yet.
    pub fn make_at(path: &Path, unsynced: &mut Unsynced) -> Result<Arc<Self>, PathError> {
        if let Some(directory) = Self::open(path.to_path_buf())? {
            return Ok(Arc::new(directory));
        }
        unsynced.make_dirs(path)?;
        Ok(Arc::new(Self::open_existing(path.to_path_buf())?))
    }

    /// Opens a directory below this one, and makes it, and those on the way, where they are not there yet.
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
                        // Somebody else was faster.
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

    /// Makes a directory that was not there. Its mode is what the umask says.
    pub fn make_directory(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(mkdirat(self, name.as_ref(), Mode::RWXU | Mode::RWXG | Mode::RWXO)?)
    }

    /// Makes a file that was not there, for its owner alone.
    pub fn create(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create_with(name.as_ref(), Mode::RUSR | Mode::WUSR)
    }

    /// The same for a file that everyone may read and write whom the umask lets.
    pub fn create_shared(&self, name: impl AsRef<OsStr>) -> io::Result<File> {
        self.create_with(name.as_ref(), Mode::from_raw_mode(0o666))
    }

    fn create_with(&self, name: &OsStr, mode: Mode) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(retry_on_intr(|| openat(self, name, flags, mode))?.into())
    }

    /// Opens the file called `name` to write it, or to lock it, and makes one that is empty where there is none. Nothing of
    /// what is there is changed by that.
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

    /// Makes a symbolic link of this text.
    pub fn make_link(&self, text: impl AsRef<Path>, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(symlinkat(text.as_ref(), self, name.as_ref())?)
    }

    /// Renames `from`, in this directory, over `name` in the directory `to`, even if that is a directory, which then goes
    /// with all that is in it. There is no moment without either where the system can exchange the two, and several that do
    /// the same at once do not disturb each other.
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

    /// Puts each of two in the place of the other, at once: a directory cannot be renamed over one that is not empty, and
    /// there is no moment without either. Not every system and file system can.
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    pub fn exchange(&self, one: &OsStr, to: &Self, other: &OsStr) -> io::Result<()> {
        use rustix::fs::{RenameFlags, renameat_with};
        Ok(renameat_with(self, one, to, other, RenameFlags::EXCHANGE)?)
    }

    /// Not on this system.
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub fn exchange(&self, _: &OsStr, _: &Self, _: &OsStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Renames `from` in this directory to `name` in the directory `to`.
    pub fn rename(&self, from: &OsStr, to: &Self, name: &OsStr) -> io::Result<()> {
        Ok(renameat(self, from, to, name)?)
    }

    /// Removes a name that stands for anything but a directory. Whether it was there.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<bool> {
        match unlinkat(self, name.as_ref(), AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the directory called `name`, if it is empty.
    pub fn remove_empty(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(unlinkat(self, name.as_ref(), AtFlags::REMOVEDIR)?)
    }

    /// Removes a name, and if it stands for a directory everything in that. What is gone already is removed.
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

    /// Makes the names in it last: without this, a rename may be forgotten in a power cut although the file's content was
    /// synced.
    pub fn sync(&self) -> Result<(), PathError> {
        match uninterrupted(|| Ok(fsync(self)?)) {
            // Some file systems (FUSE, CIFS) cannot sync a directory, and say so in one of these ways.
            Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
            result => result.at("sync", self.path()),
        }
    }

    /// Keeps out all others who do the same, until this is dropped: a lock, which dies with its process.
    pub fn take_turn(&self) -> io::Result<()> {
        uninterrupted(|| Ok(flock(self, FlockOperation::LockExclusive)?))
    }

    /// Gives the directory a time: what [`Self::time`] tells until a name comes or goes.
    pub fn set_time(&self, time: SystemTime) -> io::Result<()> {
        Ok(futimens(self, &timestamps(time))?)
    }

    /// Gives what is called `name`, a link itself and not what it leads to, a time: what [`Self::modified`] tells until it is
    /// written.
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
