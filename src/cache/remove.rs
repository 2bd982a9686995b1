//! Removing entries, and garbage collection: what no entry needs goes. That is done under the exclusive lock, so that no
//! command is between putting a blob in place and writing the entry that needs it.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::find::{entry_path, find};
use super::holder::{Holder, Looked};
use super::root::PROPERTIES;
use super::walk::{Holders, Unreadable};
use super::{Cache, CacheError, layout, lock, prepared, scratch, written};
use crate::causes::chain;
use crate::digest::Algorithm;
use crate::disk::{Directory, Foreign, Kind, PathError};
use crate::reference::Reference;
use crate::threads::on_all_cores;

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

impl Cache {
    /// Removes entries, then everything that no entry needs any more. Says for each whether it was there.
    pub fn remove(&self, references: &[Reference]) -> Result<Vec<bool>, CacheError> {
        let paths = references.iter().map(entry_path).collect::<Result<Vec<_>, _>>()?;
        let Some(root) = self.open_root()? else { return Ok(vec![false; references.len()]) };
        let _lock = lock::exclusive(&root)?;
        // Before anything goes: what cannot be done for one reference is done for none.
        for reference in references.iter().filter(|r| r.tag.is_some() && r.digest.is_some()) {
            match find(&root, reference) {
                Ok(_) | Err(CacheError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let removed =
            paths.iter().map(|path| prepared::remove(&root, path)).collect::<Result<Vec<_>, _>>()?;
        collect(&root)?;
        Ok(removed)
    }

    /// Removes what no reference needs and what was left behind.
    pub fn clear(&self) -> Result<(), CacheError> {
        let Some(root) = self.open_root()? else { return Ok(()) };
        let _lock = lock::exclusive(&root)?;
        collect(&root)
    }
}

fn collect(root: &Directory) -> Result<(), CacheError> {
    let holders = Holders::all(root)?;
    let unreadable = holders.unreadable.into_iter().find(Unreadable::may_hold_entries);
    let mut doubt = unreadable.map(|unreadable| unreadable.error);
    let mut all = Vec::new();
    for contents in on_all_cores(&holders.paths, |path| look_into(root, path)) {
        match contents {
            Ok(contents) => all.push(contents),
            Err(error) => doubt = doubt.or(Some(error)),
        }
    }
    if let Some(error) = doubt {
        // What it needs is not known, so everything stays; the reference that was asked for is gone all the same.
        log::warn!("nothing was collected: {}", chain(&error));
        return Ok(());
    }
    let empty = holders.paths.iter().zip(&all).filter(|(_, found)| found.is_empty).map(|(path, _)| path);
    let empty: Vec<_> = holders.empty.iter().chain(empty).collect();
    let mut needed = HashSet::with_capacity(all.iter().map(|found| found.needed.len()).sum());
    all.iter().for_each(|found| needed.extend(found.needed.iter().map(String::as_str)));
    // The blobs first: there are more of them than of anything else. In directories of other names is nothing of ours.
    let mut directories: Vec<_> =
        ALGORITHMS.map(|algorithm| format!("{}/{}", layout::BLOBS, algorithm.name())).into();
    let charts = unless_foreign(children(root, layout::CHARTS))?.unwrap_or_default();
    directories.extend(charts.iter().map(|chart| format!("{}/{chart}/{}", layout::CHARTS, layout::VERSIONS)));
    let swept = on_all_cores(&directories, |directory| sweep(root, directory, &needed));
    for (directory, left) in directories.iter().zip(swept) {
        if unless_foreign(left)? == Some(0) && directory.starts_with(layout::CHARTS) {
            prune(root, Path::new(directory), 2);
        }
    }
    for path in empty {
        // And what held nothing else. The first one that is in use is the last.
        prune(root, path, path.components().count() - 1);
    }
    unless_foreign(scratch::clear(root))?;
    Ok(())
}

/// What is not the cache's is left as it is, and everything else is tidied up.
fn unless_foreign<T>(result: Result<T, PathError>) -> Result<Option<T>, PathError> {
    match result {
        Err(error) if Foreign::in_error(&error).is_some() => {
            log::warn!("{}", chain(&error));
            Ok(None)
        }
        result => result.map(Some),
    }
}

/// What is in a directory of entries.
#[derive(Default)]
struct Contents {
    /// What the entries need, as paths below the root.
    needed: Vec<String>,
    is_empty: bool,
}

/// Looks what the entries of a directory need, and removes what a killed command has left there.
fn look_into(root: &Directory, path: &Path) -> Result<Contents, CacheError> {
    let mut needed = Vec::new();
    let Some(mut holder) = Holder::open(root, path)? else { return Ok(Contents::default()) };
    let names = holder.names()?;
    let mut used = HashMap::new();
    for name in names.iter().filter(|named| !named.is_hidden()).map(|named| &named.name) {
        match holder.look_alone(name)? {
            // A link to nowhere needs nothing, and no more does a file that somebody has put here.
            Looked::Absent | Looked::Else(_) => {}
            doubtful @ Looked::Doubtful(_) => drop(holder.understand(name, doubtful)?),
            Looked::Entry(links) => {
                needed.extend(written::needs(&links.links));
                used.extend(name.to_str().zip(links.directory));
            }
        }
    }
    let litter: Vec<_> = prepared::litter(&names, |name| used.get(name).cloned()).collect();
    for name in &litter {
        holder.directory().remove_all(name)?;
    }
    Ok(Contents { needed, is_empty: names.len() == litter.len() })
}

/// The names of the directories in a directory below the root. None of ours is no text.
fn children(root: &Directory, path: &str) -> Result<Vec<String>, PathError> {
    let Some(mut directory) = root.below(path)? else { return Ok(Vec::new()) };
    let names = directory.names()?.into_iter().filter(|named| named.kind == Kind::Directory);
    Ok(names.filter_map(|named| named.name.into_string().ok()).collect())
}

/// Removes what is in a directory, below the root, and is not needed. Tells how much is left.
fn sweep(root: &Directory, path: &str, needed: &HashSet<&str>) -> Result<usize, PathError> {
    let mut left = 0;
    let Some(mut directory) = root.below(path)? else { return Ok(0) };
    for named in directory.names()? {
        let Some(name) = named.name.to_str() else { continue };
        let is_needed = || needed.contains(format!("{path}/{name}").as_str());
        // First-class properties are small. Whatever else lies among them is somebody's.
        let is_ours = || {
            path.starts_with(layout::BLOBS)
                || matches!(directory.size(name), Ok(Some(size)) if size <= PROPERTIES.len() as u64)
        };
        if is_needed() || !is_ours() {
            left += 1;
        } else {
            directory.remove_all(name)?;
        }
    }
    Ok(left)
}

/// Removes so many directories, the one at `path` below the root and those above it, as long as they are empty: one that is
/// not is in use.
fn prune(root: &Directory, path: &Path, most: usize) {
    for path in path.ancestors().take(most) {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
        let parent = root.below(parent).ok().flatten();
        if parent.is_none_or(|parent| parent.remove_empty(name).is_err()) {
            return;
        }
    }
}
