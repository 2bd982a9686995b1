//! Garbage collection: what no entry needs goes. The caller holds the lock exclusively, so no command is between
//! putting a blob in place and writing the entry that needs it.

use std::collections::HashSet;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Cache, CacheError, entries};
use crate::disk::{At as _, PathError};

/// An interrupted download is kept for the next try of the same day.
const PARTIAL_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Other temporary files are locked by the command that writes them. Younger ones may not have got their lock yet.
const UNLOCKED_AGE: Duration = Duration::from_secs(60);
/// Where there are no locks, a file that is older than any command belongs to none.
const LOCKLESS_AGE: Duration = Duration::from_secs(24 * 60 * 60);

pub(super) fn collect(cache: &Cache) -> Result<(), CacheError> {
    let root = &cache.root;
    let mut needed = HashSet::new();
    let mut broken = None;
    cache.walk(Path::new("refs"), true, &mut |_, path| match entries::needs(root, path) {
        Ok(needs) => needed.extend(needs),
        Err(error) => broken = Some(error),
    })?;
    if let Some(error) = broken {
        // What it needs is not known, so everything stays; the reference that was asked for is gone all the same.
        log::warn!("nothing was collected: {error}");
        return Ok(());
    }
    for algorithm in children(&root.join("blobs"))? {
        sweep(root, &algorithm, &needed)?;
    }
    for chart in children(&root.join("charts"))? {
        let versions = chart.join("versions");
        sweep(root, &versions, &needed)?;
        prune(&versions);
        prune(&chart);
    }
    prune_empty(&root.join("refs"))?;
    Ok(clear_scratch(root)?)
}

/// Removes the files of a directory that nobody needs.
fn sweep(root: &Path, directory: &Path, needed: &HashSet<PathBuf>) -> Result<(), PathError> {
    for path in children(directory)? {
        if path.strip_prefix(root).is_ok_and(|below| !needed.contains(below)) {
            remove(&path)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), PathError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result.at("remove", path),
    }
}

fn children(directory: &Path) -> Result<Vec<PathBuf>, PathError> {
    let entries = match fs::read_dir(directory) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        result => result.at("read", directory)?,
    };
    entries.map(|entry| entry.map(|e| e.path()).at("read", directory)).collect()
}

/// Removes a directory if it is empty; if not, it is in use.
fn prune(directory: &Path) -> bool {
    fs::remove_dir(directory).is_ok()
}

/// Removes the directories below `directory` that hold nothing, hosts and repositories without tags.
fn prune_empty(directory: &Path) -> Result<(), PathError> {
    for path in children(directory)? {
        if fs::symlink_metadata(&path).is_ok_and(|m| m.is_dir()) && !prune(&path) {
            prune_empty(&path)?;
            prune(&path);
        }
    }
    Ok(())
}

/// Removes what commands that were killed have left behind. Needs no lock on the cache: none of it is anybody's.
pub(super) fn clear_scratch(root: &Path) -> Result<(), PathError> {
    for path in children(&root.join("tmp"))? {
        let modified = fs::symlink_metadata(&path).and_then(|m| m.modified());
        let age = modified.ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        let Some(age) = age else { continue };
        let partial = path.extension().is_some_and(|e| e == "partial");
        let limit = match File::open(&path).map(|file| file.try_lock()) {
            Err(_) | Ok(Err(TryLockError::WouldBlock)) => continue,
            Ok(Ok(())) if !partial => UNLOCKED_AGE,
            Ok(Ok(())) => PARTIAL_AGE,
            Ok(Err(TryLockError::Error(_))) => LOCKLESS_AGE,
        };
        if age > limit {
            remove(&path)?;
        }
    }
    Ok(())
}
