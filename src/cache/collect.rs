//! Garbage collection: what no entry needs goes. The caller holds the lock exclusively, so no command is between
//! putting a blob in place and writing the entry that needs it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Cache, CacheError, entries};
use crate::disk::{At as _, PathError};

/// An interrupted download is kept for the next try of the same day.
const PARTIAL_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// Other temporary files belong to a command that is still running, unless they are older than any command.
const TEMPORARY_AGE: Duration = Duration::from_secs(24 * 60 * 60);

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
    clear_scratch(&root.join("tmp"))?;
    Ok(())
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

fn clear_scratch(scratch: &Path) -> Result<(), PathError> {
    for path in children(scratch)? {
        let partial = path.extension().is_some_and(|e| e == "partial");
        let limit = if partial { PARTIAL_AGE } else { TEMPORARY_AGE };
        let modified = fs::symlink_metadata(&path).and_then(|m| m.modified());
        let age = modified.ok().and_then(|then| SystemTime::now().duration_since(then).ok());
        if age.is_some_and(|age| age > limit) {
            remove(&path)?;
        }
    }
    Ok(())
}
