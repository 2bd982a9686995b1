//! Files and directories on their way to their place, under names of their own until they are complete.
//!
//! A process that is killed leaves them behind, and the next one that does the same takes them away. In the cache they lie in
//! a directory of their own; beside files of the user there are names among which nothing else must be taken for ours.

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

/// How the names of our own temporary files begin, where they lie among what is not ours.
pub const PREFIX: &str = ".helm-oci-";

/// So many hexadecimal digits has each of the two parts of such a name that follow.
const DIGITS: usize = 16;

/// Where there are no locks, what is older than any command belongs to none.
const LOCKLESS_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A text that no other process and no other thread uses: digits and dashes.
pub fn unique() -> String {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    format!("{:x}-{:x}-{:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed), now)
}

/// A name for what will be called `target` in the same directory: the prefix, digits that are others each time, and a check
/// of these digits and the target. So a name that only looks alike is not ours, nor is one that was left on the way to
/// something else.
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

/// A file under a temporary name, with a lock on it while it is in use. It goes when this is dropped, unless it has got its
/// place, or stays for the next process to go on with.
#[derive(Debug)]
pub struct Temporary {
    directory: Arc<Directory>,
    name: OsString,
    file: Arc<File>,
    stays: bool,
}

impl Temporary {
    /// Makes an empty one. `name` gives another name each time.
    pub fn new(directory: &Arc<Directory>, name: impl Fn() -> String) -> io::Result<Self> {
        Self::made(directory, name, |name| directory.create(name))
    }

    /// The same for a file that everyone may read and write whom the umask lets.
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

    /// One that was there: `file`, called `name`, which has its lock. It stays.
    pub fn existing(directory: &Arc<Directory>, name: &str, file: File) -> Self {
        Self { directory: Arc::clone(directory), name: name.into(), file: Arc::new(file), stays: true }
    }

    /// The file itself.
    pub fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Opens it anew, to be read from its beginning.
    pub fn open(&self) -> Result<File, PathError> {
        let file = self.directory.file(&self.name)?;
        file.map(|(file, _)| file).ok_or(io::ErrorKind::NotFound.into()).at("read", &self.path())
    }

    /// Where it is now.
    pub fn path(&self) -> PathBuf {
        self.directory.path().join(&self.name)
    }

    /// Whether it is to be there when this is dropped.
    pub fn stay(&mut self, stays: bool) {
        self.stays = stays;
    }

    /// Renames it to `name` in `to`. Anything that has that name already is replaced.
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
            // Left-overs are collected; one more is no failure of the command.
            log::debug!("cannot remove {}: {error}", self.path().display());
        }
    }
}

/// Puts a file of these bytes, which its owner alone may read, in the place of another: whole or not at all. What was
/// left behind beside it by a process that died while it did the same goes. `lasting` says that it must outlive a power cut.
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

/// Keeps the owner of a file that is replaced, so that a command that root runs in a user's home leaves the file to that user
/// (docker/cli, configfile/file_unix.go). Other users cannot do that, and need not.
fn keep_owner(path: &Path, file: &File) {
    if let Ok(old) = fs::metadata(path)
        && let Err(error) = std::os::unix::fs::fchown(file, Some(old.uid()), Some(old.gid()))
    {
        log::debug!("{}: its owner is not kept: {error}", path.display());
    }
}

/// Removes what processes that died have left in a directory of the user on the way to `target`: what has a name that we
/// have made for it, is of the right kind, belongs to us or to whom `target` belongs, has no other name, is not in use, and
/// `is_litter` agrees about. That it cannot is no failure: the next one tries again.
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

/// Whether `name` belongs to who runs this, or to whom `target` beside it belongs, and is a directory or a file with no
/// other name.
fn is_our_own(directory: &Directory, name: &OsStr, target: &OsStr) -> bool {
    let Ok(stat) = directory.stat(name) else { return false };
    let owner = stat.st_uid;
    let beside = || directory.stat(target).is_ok_and(|target| target.st_uid == owner);
    let is_directory = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
    (owner == rustix::process::geteuid().as_raw() || beside()) && (is_directory || stat.st_nlink == 1)
}

/// Marks a temporary file or directory that was just made as in use, as long as `file` is open: by a lock, which dies
/// with its process. Whether it is ours: before it had its lock, somebody may have taken it for left behind.
pub fn occupy(file: &impl AsFd, directory: &Directory, name: &OsStr) -> bool {
    match uninterrupted(|| Ok(flock(file, FlockOperation::LockExclusive)?)) {
        Ok(()) => is_at(file, directory, name),
        Err(e) => {
            // No locks here, then: what is left behind goes when it is old.
            log::debug!("{} cannot be locked: {e}", directory.path().join(name).display());
            true
        }
    }
}

/// Whether a temporary file or directory was left behind by a process that died. Its lock is ours then, so that two do not
/// tidy up the same. Anything else, a symbolic link too, was not.
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

/// How long ago something was changed; nothing if that is in the future.
pub fn age(directory: &Directory, name: &OsStr) -> Option<Duration> {
    let modified = directory.modified(name).ok().flatten()?;
    SystemTime::now().duration_since(modified).ok()
}

/// Whether an open file is still what its name stands for.
pub fn is_at(file: &impl AsFd, directory: &Directory, name: &OsStr) -> bool {
    let here = directory.stat(name);
    matches!((fstat(file), here), (Ok(a), Ok(b)) if (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino))
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What is in a directory, with the text of each file.
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
        // Any digit changed, and any cut short.
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
        // Of our names, but no file, or one that has another name as well, or one in use.
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
