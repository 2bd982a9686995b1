//! The cache's lock: shared while a command finds or commits what belongs together, exclusive while garbage is
//! collected. It is advisory, of the whole process, and gone with it.
//!
//! It is not held while bytes travel: a download lands in a temporary file and needs the lock only to be put in
//! place, and an open blob can be read to its end after it was removed.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

use super::error::CacheError;
use crate::disk::{AtPath as _, Directory, uninterrupted};

const LOCK: &str = "lock";
const GATE: &str = "gate";

/// The files that are locked.
pub(super) const FILES: [&str; 2] = [LOCK, GATE];

/// Holds the lock until it is dropped. `None` where there is nothing to lock: a cache that cannot be written, and so does not
/// change under us.
#[derive(Debug)]
pub(super) struct CacheLock {
    _file: Option<File>,
}

/// For finding things. Works on a cache that cannot be written. Where the lock is something else than a file, it is as if
/// there were none: nothing can be put in place then, nor taken away.
pub(super) fn read(root: &Directory) -> CacheLock {
    match root.file(LOCK) {
        Ok(Some((file, _))) => shared(root, file),
        _ => CacheLock { _file: None },
    }
}

/// For putting things in place.
pub(super) fn write(root: &Directory) -> Result<CacheLock, CacheError> {
    Ok(shared(root, root.open_or_create(LOCK, "lock")?))
}

/// For taking things away. Fails where the file system has no locks: nothing could be collected safely there.
pub(super) fn exclusive(root: &Directory) -> Result<CacheLock, CacheError> {
    // Processes that come later wait at the gate until we are done; without it a stream of readers could keep us out for ever.
    let gate = root.open_or_create(GATE, "lock")?;
    uninterrupted(|| gate.lock()).at("lock", root.path())?;
    let file = root.open_or_create(LOCK, "lock")?;
    uninterrupted(|| file.lock()).at("lock", root.path())?;
    Ok(CacheLock { _file: Some(file) })
}

/// The same, if it is had within `wait`.
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

/// Whether the exclusive lock on a file was had by then.
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

/// Waits until every process that is between putting a blob in place and writing the entry that needs it has done both.
/// On a file system without locks it does not wait.
pub(super) fn wait_for_writers(root: &Directory) {
    if let Err(error) = exclusive(root) {
        log::debug!("{error}: not waiting for writers");
    }
}

fn shared(root: &Directory, file: File) -> CacheLock {
    let gate = root.file(GATE).ok().flatten();
    let passed = gate.as_ref().map_or(Ok(()), |(gate, _)| uninterrupted(|| gate.lock_shared()));
    if let Err(e) = passed.and_then(|()| uninterrupted(|| file.lock_shared())) {
        // Some network file systems have no locks. Names are still swapped atomically there, and without locks nothing
        // is ever collected, so it is safe to go on.
        log::warn!("{} cannot be locked: {e}", root.path().display());
    }
    CacheLock { _file: Some(file) }
}
