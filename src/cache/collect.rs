//! Garbage collection: what no entry needs goes. The caller holds the lock exclusively, so no command is between
//! putting a blob in place and writing the entry that needs it.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Cache, CacheError, entries, layout};
use crate::disk::{self, At as _, PathError, remove_all};

/// An interrupted download is kept for the next try of the same day.
const PARTIAL_AGE: Duration = Duration::from_secs(24 * 60 * 60);

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
            remove_all(&path)?;
        }
    }
    Ok(())
}

pub(super) fn children(directory: &Path) -> Result<Vec<PathBuf>, PathError> {
    let entries = match disk::uninterrupted(|| fs::read_dir(directory)) {
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

/// Removes the directories below `directory` that hold nothing, hosts and repositories without tags, and those that
/// killed writers of entries have left.
fn prune_empty(directory: &Path) -> Result<(), PathError> {
    holders(directory, &mut |holder| {
        entries::litter(holder)?.iter().try_for_each(|litter| remove_all(litter))
    })?;
    prune_below(directory)
}

fn prune_below(directory: &Path) -> Result<(), PathError> {
    for path in directories(directory)? {
        if !prune(&path) && !is_holder(&path) {
            prune_below(&path)?;
            prune(&path);
        }
    }
    Ok(())
}

fn directories(directory: &Path) -> Result<Vec<PathBuf>, PathError> {
    let mut found = children(directory)?;
    found.retain(|path| fs::symlink_metadata(path).is_ok_and(|m| m.is_dir()));
    Ok(found)
}

/// Whether a directory below `refs` holds entries.
fn is_holder(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(layout::holds_entries)
}

/// Calls `visit` with every directory below `directory` that holds entries.
pub(super) fn holders(
    directory: &Path,
    visit: &mut dyn FnMut(&Path) -> Result<(), PathError>,
) -> Result<(), PathError> {
    for path in directories(directory)? {
        match is_holder(&path) {
            true => visit(&path)?,
            false => holders(&path, visit)?,
        }
    }
    Ok(())
}

/// Removes what commands that were killed have left behind. Needs no lock on the cache: none of it is anybody's.
pub(super) fn clear_scratch(root: &Path) -> Result<(), PathError> {
    for path in children(&root.join("tmp"))? {
        if let Some(_lock) = is_litter(&path) {
            remove_all(&path)?;
        }
    }
    Ok(())
}

/// Whether a temporary file is nobody's any more. With the lock that says so.
pub(super) fn is_litter(path: &Path) -> Option<fs::File> {
    let partial = path.extension().is_some_and(|e| e == "partial");
    if partial && disk::age(path).is_none_or(|age| age <= PARTIAL_AGE) {
        return None;
    }
    disk::left_behind(path)
}
