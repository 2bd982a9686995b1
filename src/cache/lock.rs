//! The cache's lock. Commands hold it shared while they find or store things that belong together, and exclusively
//! while garbage is collected. It is advisory, belongs to the whole process, and ends with it.
//!
//! It is not held while content is transferred: a download goes to a temporary file, and needs the lock only to be put
//! in place. An open blob can be read to its end even after it was removed.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use super::error::CacheError;
use crate::disk::{AtPath as _, Directory, uninterrupted};

const LOCK: &str = "lock";
const GATE: &str = "gate";

/// The names of the files that are locked.
pub(super) const FILES: [&str; 2] = [LOCK, GATE];

/// Holds the lock until it is dropped. `None` if there is nothing to lock: the cache cannot be written, so it does not
/// change either.
#[derive(Debug)]
pub(super) struct CacheLock {
    _file: Option<File>,
}

/// Takes the lock to find things. Works for a cache that cannot be written. If the lock file is something else than a
/// file, nothing is locked: no process can store or remove anything then.
pub(super) fn read(root: &Directory) -> CacheLock {
    match root.file(LOCK) {
        Ok(Some((file, _))) => shared(root, file),
        _ => CacheLock { _file: None },
    }
}

/// Takes the lock to put things in place. It is shared, too.
pub(super) fn write(root: &Directory) -> Result<CacheLock, CacheError> {
    Ok(shared(root, root.open_or_create(LOCK, "lock")?))
}

/// Takes the lock to remove things. An error if the file system has no locks: nothing could be removed safely there.
pub(super) fn exclusive(root: &Directory) -> Result<CacheLock, CacheError> {
    // Processes that come later wait at the gate until we are done. Without it, a stream of readers could keep us out
    // forever.
    let gate = root.open_or_create(GATE, "lock")?;
    uninterrupted(|| gate.lock()).at("lock", root.path())?;
    let file = root.open_or_create(LOCK, "lock")?;
    uninterrupted(|| file.lock()).at("lock", root.path())?;
    Ok(CacheLock { _file: Some(file) })
}

/// Takes the lock to remove things, or fails if other processes hold it for longer than `wait`.
pub(super) fn exclusive_within(root: &Directory, wait: Duration) -> Result<CacheLock, CacheError> {
    let until = Instant::now() + wait;
    let gate = root.open_or_create(GATE, "lock")?;
    let file = root.open_or_create(LOCK, "lock")?;
    for file in [&gate, &file] {
        if !locked_by(file, until).at("lock", root.path())? {
            return Err(CacheError::InUse(wait));
        }
    }
    Ok(CacheLock { _file: Some(file) })
}

/// Takes an exclusive lock on a file. Returns false if that was not possible until then.
fn locked_by(file: &File, until: Instant) -> io::Result<bool> {
    const PAUSE: Duration = Duration::from_millis(20);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Ok(false),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Waits until every process that has put a blob in place has also written the entry that needs it. Does not wait on a
/// file system without locks.
pub(super) fn wait_for_writers(root: &Directory) {
    if let Err(error) = exclusive(root) {
        log::debug!("{error}: not waiting for writers");
    }
}

fn shared(root: &Directory, file: File) -> CacheLock {
    let gate = root.file(GATE).ok().flatten();
    let passed = gate.as_ref().map_or(Ok(()), |(gate, _)| uninterrupted(|| gate.lock_shared()));
    if let Err(e) = passed.and_then(|()| uninterrupted(|| file.lock_shared())) {
        // Some network file systems have no locks. Names are replaced atomically even there, and nothing is collected
        // without locks, so it is safe to go on.
        log::warn!("{} cannot be locked: {e}", root.path().display());
    }
    CacheLock { _file: Some(file) }
}
