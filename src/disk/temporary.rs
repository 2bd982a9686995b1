//! Temporary files and directories: they have names of their own until they are complete.
//!
//! A process that is killed leaves them behind, and the next one that writes to the same place removes them. In the
//! cache they are in a directory of their own. Beside files of the user their names must be such that nothing else is
//! taken for one of them.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat, openat};

use super::directory::Directory;
use super::files::uninterrupted;
use super::kind::FileKind;
use super::path_error::{AtPath as _, PathError};
use crate::digest::Digest;

/// How the names of our temporary files begin where other files are beside them.
pub const PREFIX: &str = ".helm-oci-";

/// How many hexadecimal digits each of the two parts after the prefix has.
const DIGITS: usize = 16;

/// How old something must be to count as left behind where files cannot be locked: older than any command runs.
const LOCKLESS_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A text of digits, letters and dashes that differs from that of every other call, also in other threads and
/// processes.
pub fn unique() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{:x}-{:x}-{:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed), now)
}

/// A temporary name for a file that will be called `target` in the same directory: the prefix, random-looking digits,
/// and a checksum of these digits and `target`. Names that only look alike, and those made for another target, are
/// recognised by the checksum.
pub fn temporary_name(target: &OsStr) -> String {
    let digits = Digest::of(unique().as_bytes()).hex()[..DIGITS].to_owned();
    format!("{PREFIX}{digits}-{}", check(&digits, target))
}

fn check(digits: &str, target: &OsStr) -> String {
    let text = [b"helm-oci, temporary\0", digits.as_bytes(), b"\0", target.as_encoded_bytes()].concat();
    Digest::of(&text).hex()[..DIGITS].to_owned()
}

/// Whether [`temporary_name`] has made this name for `target`.
fn is_temporary_name(name: &OsStr, target: &OsStr) -> bool {
    let parts = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split_once('-'));
    parts.is_some_and(|(digits, end)| {
        digits.len() == DIGITS
            && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            && end == check(digits, target)
    })
}

/// A file with a temporary name, locked while it is in use. Dropping this removes the file, unless it was renamed to
/// its place, or is to stay so that the next process can continue it.
#[derive(Debug)]
pub struct Temporary {
    directory: Arc<Directory>,
    name: OsString,
    file: Arc<File>,
    stays: bool,
}

impl Temporary {
    /// Makes an empty file with mode 0600. `name` must return another name each time it is called, and is called until
    /// one is free.
    pub fn new(directory: &Arc<Directory>, name: impl Fn() -> String) -> io::Result<Self> {
        Self::made(directory, name, |name| directory.create(name))
    }

    /// Makes an empty file as [`Self::new`] does, but with the mode 0666 less the umask.
    pub fn shared(directory: &Arc<Directory>, name: impl Fn() -> String) -> io::Result<Self> {
        Self::made(directory, name, |name| directory.create_shared(name))
    }

    fn made(
        directory: &Arc<Directory>,
        name: impl Fn() -> String,
        create: impl Fn(&OsStr) -> io::Result<File>,
    ) -> io::Result<Self> {
        loop {
            let name = OsString::from(name());
            let file = match create(&name) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                file => Arc::new(file?),
            };
            let temporary = Self { directory: Arc::clone(directory), name, file, stays: false };
            if occupy(&*temporary.file, directory, &temporary.name) {
                return Ok(temporary);
            }
        }
    }

    /// Takes over an existing file called `name`, which the caller has opened as `file` and locked. It stays when this
    /// is dropped.
    pub fn existing(directory: &Arc<Directory>, name: &str, file: File) -> Self {
        Self { directory: Arc::clone(directory), name: name.into(), file: Arc::new(file), stays: true }
    }

    /// The open file.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Opens the file once more, to read it from its beginning.
    pub fn open(&self) -> Result<File, PathError> {
        let file = self.directory.file(&self.name)?;
        file.map(|(file, _)| file).ok_or(io::ErrorKind::NotFound.into()).at("read", &self.path())
    }

    /// The path that the file has now.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    /// Sets whether the file stays when this is dropped.
    pub fn stay(&mut self, stays: bool) {
        self.stays = stays;
    }

    /// Renames the file to `name` in the directory `to`. Anything that has that name is replaced.
    pub fn persist(mut self, to: &Directory, name: &OsStr) -> io::Result<()> {
        self.directory.rename_over(&self.name, to, name)?;
        self.stays = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.stays
            && let Err(error) = self.directory.remove(&self.name)
        {
            // What is left behind is collected later, so this is not a failure of the command.
            log::debug!("cannot remove {}: {error}", self.path().display());
        }
    }
}

/// Writes a file of these bytes with mode 0600 in the place of an existing one, whole or not at all. Temporary files
/// that killed processes left beside it are removed. With `lasting`, the file is synced so that it outlives a power
/// cut.
pub fn replace(path: &Path, bytes: &[u8], lasting: bool) -> Result<(), PathError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput.into()).at("write", path)?;
    let mut directory = Directory::open_existing(parent.to_path_buf()).map_err(|error| PathError {
        verb: "write",
        path: path.to_path_buf(),
        ..error
    })?;
    clear_left_behind(&mut directory, name, FileKind::File, |_| true);
    let directory = Arc::new(directory);
    let temporary = Temporary::new(&directory, || temporary_name(name)).at("write", path)?;
    let mut file: &File = temporary.file();
    keep_owner(path, file);
    file.write_all(bytes).at("write", path)?;
    if lasting {
        file.sync_all().at("write", path)?;
    }
    temporary.persist(&directory, name).at("write", path)?;
    if lasting { directory.sync() } else { Ok(()) }
}

/// Gives the new file the owner of the one that it replaces, so that a file in a user's home stays that user's if root
/// runs the command (docker/cli, configfile/file_unix.go). Users other than root cannot change owners, and need not.
fn keep_owner(path: &Path, file: &File) {
    if let Ok(old) = fs::metadata(path)
        && let Err(error) = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()))
    {
        log::debug!("{}: its owner is not kept: {error}", path.display());
    }
}

/// Removes temporary files or directories that killed processes left in a directory of the user when they wrote
/// `target`. An entry is removed if [`temporary_name`] made its name for this target, it is of this kind, it belongs to
/// us or to the owner of `target`, it has no second name, it is not in use, and (a directory) `is_litter` agrees. If
/// that fails, the next command tries again.
pub fn clear_left_behind(
    directory: &mut Directory,
    target: &OsStr,
    kind: FileKind,
    is_litter: impl Fn(&Directory) -> bool,
) {
    let names = match directory.names() {
        Ok(names) => names,
        Err(error) => return log::debug!("{error}: {}", error.source),
    };
    let ours = |name: &OsStr| is_temporary_name(name, target);
    for name in names.into_iter().filter(|named| named.kind == kind && ours(&named.name)) {
        let name = name.name;
        if !is_our_own(directory, &name, target) {
            continue;
        }
        let Some(_lock) = left_behind(directory, &name) else { continue };
        let agreed = match kind {
            FileKind::Directory => {
                directory.child(&name).ok().flatten().is_some_and(|inside| is_litter(&inside))
            }
            _ => true,
        };
        if agreed && let Err(e) = directory.remove_all(&name) {
            log::debug!("{e}: {}", e.source);
        }
    }
}

/// Whether `name` belongs to the user who runs this, or to the owner of `target` beside it, and is a directory or a
/// file without a second name.
fn is_our_own(directory: &Directory, name: &OsStr, target: &OsStr) -> bool {
    let Ok(stat) = directory.stat(name) else { return false };
    let owner = stat.st_uid;
    let beside = || directory.stat(target).is_ok_and(|target| target.st_uid == owner);
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    (owner == rustix::process::geteuid().as_raw() || beside()) && (is_directory || stat.st_nlink == 1)
}

/// Locks a temporary file or directory that was just made, for as long as `file` is open. The lock ends with the
/// process. Returns false if another process removed it before it was locked, taking it for left behind.
pub fn occupy(file: &impl AsFd, directory: &Directory, name: &OsStr) -> bool {
    match uninterrupted(|| Ok(flock(file, FlockOperation::LockExclusive)?)) {
        Ok(()) => is_at(file, directory, name),
        Err(e) => {
            // The file system has no locks: what is left behind is removed when it is old.
            log::debug!("{} cannot be locked: {e}", directory.path().join(name).display());
            true
        }
    }
}

/// Opens and locks a temporary file or directory if the process that made it is dead. The lock keeps two processes from
/// cleaning up the same thing. None if it is in use, or is anything else, such as a symbolic link.
pub fn left_behind(directory: &Directory, name: &OsStr) -> Option<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = File::from(openat(directory, name, flags, Mode::empty()).ok()?);
    let kind = FileKind::of(FileType::from_raw_mode(fstat(&file).ok()?.st_mode));
    if !matches!(kind, FileKind::File | FileKind::Directory) {
        return None;
    }
    let left = match file.try_lock() {
        Ok(()) => is_at(&file, directory, name),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => age(directory, name).is_some_and(|age| age > LOCKLESS_AGE),
    };
    left.then_some(file)
}

/// How long ago the entry was last modified; None if that is in the future, or if the entry does not exist.
pub fn age(directory: &Directory, name: &OsStr) -> Option<Duration> {
    let modified = directory.modified(name).ok().flatten()?;
    SystemTime::now().duration_since(modified).ok()
}

/// Whether `name` still leads to this open file.
pub fn is_at(file: &impl AsFd, directory: &Directory, name: &OsStr) -> bool {
    let here = directory.stat(name);
    matches!((fstat(file), here), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    /// The names in a directory, with the text of each file.
    fn all(directory: &Path) -> Vec<(PathBuf, Option<String>)> {
        let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let mut all: Vec<_> = entries.map(|path| (path.clone(), fs::read_to_string(path).ok())).collect();
        all.sort();
        all
    }

    #[test]
    fn names_are_ours_if_we_have_made_them() {
        let (config, other) = (OsStr::new("config.json"), OsStr::new("config.yaml"));
        let name = temporary_name(config);
        assert_ne!(name, temporary_name(config));
        assert!(is_temporary_name(OsStr::new(&name), config), "{name}");
        assert!(!is_temporary_name(OsStr::new(&name), other), "{name}");
        // Names in which one digit was changed, and names that were cut short.
        for at in PREFIX.len()..name.len() {
            let mut changed = name.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert!(!is_temporary_name(OsStr::from_bytes(&changed), config), "{changed:?}");
            assert!(!is_temporary_name(OsStr::new(&name[..at]), config), "{at}");
        }
    }

    #[test]
    fn what_was_left_on_the_way_to_a_file_goes_and_nothing_else() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        let own = || path(&temporary_name(OsStr::new("config.json")));
        fs::write(own(), "left behind").unwrap();
        fs::write(path("notes"), "mine").unwrap();
        for name in [".helm-oci-notes", ".helm-oci-", ".helm-oci-abc123", ".helm-oci-0123456789abcdef"] {
            fs::write(path(name), "mine").unwrap();
        }
        fs::write(path(&temporary_name(OsStr::new("other.json"))), "another's").unwrap();
        // These have our names, but one is no file, one has a second name, and one is in use.
        fs::create_dir(own()).unwrap();
        symlink("notes", own()).unwrap();
        fs::hard_link(path("notes"), own()).unwrap();
        let used = own();
        fs::write(&used, "in use").unwrap();
        let used = File::open(used).unwrap();
        used.lock().unwrap();
        let mut before = all(home.path());
        assert_eq!(before.iter().filter(|(_, text)| text.as_deref() == Some("left behind")).count(), 1);
        before.retain(|(_, text)| text.as_deref() != Some("left behind"));
        replace(&path("config.json"), b"new", true).unwrap();
        let mut after = all(home.path());
        after.retain(|(path, _)| path.file_name() != Some(OsStr::new("config.json")));
        assert_eq!(after, before);
        assert_eq!(fs::read(path("config.json")).unwrap(), b"new");
    }

    #[test]
    fn a_temporary_file_is_gone_unless_it_has_its_place() {
        let home = tempfile::tempdir().unwrap();
        let directory = Arc::new(Directory::open_existing(home.path().to_path_buf()).unwrap());
        let new = || Temporary::new(&directory, unique).unwrap();
        drop(new());
        assert_eq!(all(home.path()), []);
        new().persist(&directory, OsStr::new("a")).unwrap();
        let mut stays = new();
        let name = stays.path();
        stays.stay(true);
        drop(stays);
        assert_eq!(all(home.path()).len(), 2);
        assert!(name.exists());
    }
}
