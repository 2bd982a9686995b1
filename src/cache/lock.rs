//! The cache's lock: shared while a command finds or commits what belongs together, exclusive while garbage is
//! collected. It is advisory, of the whole process, and gone with it.
//!
//! Nobody holds it while bytes travel: a download lands in a temporary file and needs the lock only to be put in
//! place, and an open blob can be read to its end after it was removed.

use std::fs::File;
use std::path::Path;

use super::CacheError;
use crate::disk::{At as _, make_dirs, uninterrupted};

/// Holds the lock until it is dropped. `None` where there is nothing to lock: no cache yet, or one that cannot be
/// written and so does not change under us.
#[derive(Debug)]
pub(super) struct Lock {
    _file: Option<File>,
}

/// For finding things. Works on a cache that cannot be written.
pub(super) fn read(root: &Path) -> Result<Lock, CacheError> {
    match File::open(root.join("lock")) {
        Ok(file) => shared(root, file),
        Err(_) => Ok(Lock { _file: None }),
    }
}

/// For putting things in place.
pub(super) fn write(root: &Path) -> Result<Lock, CacheError> {
    make_dirs(root)?;
    let file = open(root, "lock")?;
    shared(root, file)
}

/// For taking things away. Fails where the file system has no locks: nothing could be collected safely there.
pub(super) fn exclusive(root: &Path) -> Result<Lock, CacheError> {
    // Whoever waits at the gate waits for us; without it a stream of readers could keep us out for ever.
    let gate = open(root, "gate")?;
    uninterrupted(|| gate.lock()).at("lock", root)?;
    let file = open(root, "lock")?;
    uninterrupted(|| file.lock()).at("lock", root)?;
    Ok(Lock { _file: Some(file) })
}

fn shared(root: &Path, file: File) -> Result<Lock, CacheError> {
    let gate = File::open(root.join("gate"));
    let passed = gate.as_ref().map_or(Ok(()), |gate| uninterrupted(|| gate.lock_shared()));
    if let Err(e) = passed.and_then(|()| uninterrupted(|| file.lock_shared())) {
        // Some network file systems have no locks. Names are still swapped atomically there, and without locks nothing
        // is ever collected, so it is safe to go on.
        log::warn!("{} cannot be locked: {e}", root.display());
    }
    Ok(Lock { _file: Some(file) })
}

fn open(root: &Path, name: &str) -> Result<File, CacheError> {
    let path = root.join(name);
    Ok(File::options().create(true).truncate(false).write(true).open(&path).at("lock", &path)?)
}
