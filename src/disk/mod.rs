//! Files: errors that name their path, and writes that are whole or absent.

mod descriptors;
mod directory;
mod lasting;
mod put;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub use descriptors::allow_open_files;
pub use directory::{Directory, Named, Status};
pub use lasting::{Unsynced, Wait, at_once, in_background, make_dirs, sync_dir};
pub use put::put;

/// An I/O error and the path where it happened. A bare `io::Error` never travels on.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}", path.display())]
pub struct PathError {
    /// What was tried: `read`, `write`, …
    pub verb: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl PathError {
    /// Whether there is no space left on the disk, or none of what its user may have of it.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether a file would be larger than the system lets it be.
    pub fn is_too_large(&self) -> bool {
        self.source.kind() == io::ErrorKind::FileTooLarge
    }

    /// Whether too many files are open, in this process or on this machine.
    pub fn lacks_descriptors(&self) -> bool {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(&self.source), Some(Errno::MFILE | Errno::NFILE))
    }
}

/// Puts verb and path on an I/O error.
pub trait At<T> {
    /// `cannot <verb> <path>`
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { verb, path: path.to_path_buf(), source: bare(source) })
    }
}

/// The tempfile crate writes a path of its own into an error's text, `… (os error 30) at path "…"`: the temporary one,
/// which says nothing to anybody.
pub fn bare(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    let text = error.to_string();
    let number = text.split_once(" (os error ").and_then(|(_, rest)| rest.split_once(") at path "));
    number.and_then(|(number, _)| number.parse().ok()).map_or(error, io::Error::from_raw_os_error)
}

/// How the names of our own temporary files begin, where they lie among what is not ours.
pub const PREFIX: &str = ".helm-oci-";

/// Puts a file of these bytes, which nobody but its owner may read, in the place of another: whole or not at all. What
/// was left behind beside it by a process that died on the way goes. `lasting` says that it must outlive a power cut.
pub fn replace(path: &Path, bytes: &[u8], lasting: bool) -> Result<(), PathError> {
    let directory =
        path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = loop {
        // Made for its owner alone: mode 0600.
        let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(directory).at("write", path)?;
        if occupy(file.as_file(), file.path()) {
            break file;
        }
    };
    keep_owner(path, file.as_file());
    file.write_all(bytes).at("write", path)?;
    if lasting {
        file.as_file().sync_all().at("write", path)?;
    }
    file.persist(path).map_err(|e| e.error).at("write", path)?;
    clear_left_behind(directory, Path::is_file);
    if lasting { sync_dir(directory) } else { Ok(()) }
}

/// Whoever runs this as root in somebody's home does not take the file away from them (docker/cli, configfile/file_unix.go).
/// Nobody but root can, or needs to.
fn keep_owner(path: &Path, file: &File) {
    #[cfg(unix)]
    if let Ok(old) = fs::metadata(path) {
        use std::os::unix::fs::{MetadataExt as _, fchown};
        if let Err(error) = fchown(file, Some(old.uid()), Some(old.gid())) {
            log::debug!("{}: its owner is not kept: {error}", path.display());
        }
    }
    #[cfg(not(unix))]
    let _ = (path, file);
}

/// Removes our own temporary files and directories that are nobody's any more and that `is_litter` agrees about. That
/// it cannot is no failure: the next one tries again.
pub fn clear_left_behind(directory: &Path, is_litter: impl Fn(&Path) -> bool) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let path = entry.path();
        if is_litter(&path)
            && let Some(_lock) = left_behind(&path)
            && let Err(e) = remove_all(&path)
        {
            log::debug!("{e}: {}", e.source);
        }
    }
}

/// Removes what is at `path`, a directory with everything in it. What is gone already is removed.
pub fn remove_all(path: &Path) -> Result<(), PathError> {
    let removed = match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir_all(path),
        _ => fs::remove_file(path),
    };
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.at("remove", path),
    }
}

/// Puts each of two in the place of the other, at once: a directory cannot be renamed over one that is not empty, and
/// there is no moment without either. Not every system and file system can.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
    return Ok(rustix::fs::renameat_with(
        rustix::fs::CWD,
        one,
        rustix::fs::CWD,
        other,
        rustix::fs::RenameFlags::EXCHANGE,
    )?);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    Err(io::ErrorKind::Unsupported.into())
}

/// Renames `from` over `to`, even if that is a directory, which then goes. There is no moment without either where the
/// system can exchange the two, and several that do the same at once do not disturb each other.
pub fn rename_over(from: &Path, to: &Path) -> io::Result<()> {
    let Err(error) = fs::rename(from, to) else { return Ok(()) };
    if error.kind() != io::ErrorKind::IsADirectory {
        return Err(error);
    }
    if exchange(from, to).is_ok() {
        if let Err(e) = remove_all(from) {
            log::debug!("{e}: {}", e.source);
        }
        return Ok(());
    }
    match fs::remove_dir_all(to) {
        Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Err(e),
        // Gone, or replaced by somebody else meanwhile.
        _ => fs::rename(from, to),
    }
}

/// Opens a file to read it. The C library's own way asks the system twice.
pub fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let open = || Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?);
    uninterrupted(open).map(File::from)
}

/// Opens what is at `path` to read it, and tells its size, if that is a file: a link, a directory, a fifo is none.
pub fn open_file(path: &Path) -> io::Result<Option<(File, u64)>> {
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;
    // Without waiting for the other end of a fifo.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    match rustix::io::retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(file) => {
            let file = File::from(file);
            let metadata = file.metadata()?;
            Ok(metadata.is_file().then_some((file, metadata.len())))
        }
        Err(Errno::LOOP | Errno::NXIO) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tries again what a signal interrupted.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Marks a temporary file or directory that was just made as in use, as long as `file` is open: by a lock, which dies
/// with its process. Whether it is ours: before it had its lock, somebody may have taken it for left behind.
pub fn occupy(file: &File, path: &Path) -> bool {
    match uninterrupted(|| file.lock()) {
        Ok(()) => is_at(file, path),
        Err(e) => {
            // No locks here, then: what is left behind goes when it is old.
            log::debug!("{} cannot be locked: {e}", path.display());
            true
        }
    }
}

/// Where there are no locks, what is older than any command belongs to none.
const LOCKLESS_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether the temporary file or directory at `path` was left behind by a process that died. Its lock is ours then, so
/// that two do not tidy up the same.
pub fn left_behind(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    let left = match file.try_lock() {
        Ok(()) => is_at(&file, path),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => age(path).is_some_and(|age| age > LOCKLESS_AGE),
    };
    left.then_some(file)
}

/// How long ago something was changed; nothing if that is in the future.
pub fn age(path: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).and_then(|m| m.modified()).ok()?;
    SystemTime::now().duration_since(modified).ok()
}

/// Whether an open file is still what its path names.
pub fn is_at(file: &File, path: &Path) -> bool {
    let identity = |m: &fs::Metadata| (m.dev(), m.ino());
    matches!((&file.metadata(), &fs::symlink_metadata(path)), (Ok(a), Ok(b)) if identity(a) == identity(b))
}
