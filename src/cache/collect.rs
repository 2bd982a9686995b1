//! Garbage collection: what no entry needs goes. The caller holds the lock exclusively, so no command is between
//! putting a blob in place and writing the entry that needs it.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::walk::Holders;
use super::{Cache, CacheError, entries, scratch};
use crate::disk::{Directory, Named, PathError, remove_all};
use crate::threads::on_all_cores;

pub(super) fn collect(cache: &Cache) -> Result<(), CacheError> {
    let root = &cache.root;
    let holders = Holders::of(root, Path::new("refs"), true)?;
    let found: Result<Vec<_>, _> =
        on_all_cores(&holders.paths, |holder| look_into(root, holder)).into_iter().collect();
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            // What it needs is not known, so everything stays; the reference that was asked for is gone all the same.
            log::warn!("nothing was collected: {error}");
            return Ok(());
        }
    };
    let empty = holders.paths.iter().zip(&found).filter(|(_, found)| found.is_empty).map(|(path, _)| path);
    let empty: Vec<_> = holders.empty.iter().chain(empty).collect();
    let mut needed = HashSet::with_capacity(found.iter().map(|found| found.needed.len()).sum());
    found.iter().for_each(|found| needed.extend(found.needed.iter().map(String::as_str)));
    // The blobs first: there are more of them than of anything else.
    let mut directories: Vec<_> = names(root, "blobs")?.iter().map(|kind| format!("blobs/{kind}")).collect();
    directories.extend(names(root, "charts")?.iter().map(|chart| format!("charts/{chart}/versions")));
    let swept = on_all_cores(&directories, |directory| sweep(root, directory, &needed));
    for (directory, left) in directories.iter().zip(swept) {
        if left? == 0 && directory.starts_with("charts/") {
            let versions = root.join(directory);
            prune(&versions);
            versions.parent().map(prune);
        }
    }
    for path in empty {
        // And what held nothing else. The first one that is in use is the last.
        let up = path.ancestors().take_while(|path| *path != Path::new("refs"));
        up.map(|path| root.join(path)).take_while(|path| prune(path)).for_each(drop);
    }
    Ok(scratch::clear(root)?)
}

/// What is in a directory of entries.
struct Contents {
    /// What the entries need, as paths below the root.
    needed: Vec<String>,
    is_empty: bool,
}

/// Looks what the entries of a directory need, and removes what a killed command has left there.
fn look_into(root: &Path, holder: &Path) -> Result<Contents, PathError> {
    let mut needed = Vec::new();
    let Some(mut tags) = Directory::open(root.join(holder))? else {
        return Ok(Contents { needed, is_empty: false });
    };
    let names = tags.names()?;
    for Named { name, .. } in names.iter().filter(|named| !named.is_hidden()) {
        entries::needs(&tags, name, &mut needed)?;
    }
    let litter = entries::litter(&tags, &names);
    litter.iter().try_for_each(|path| remove_all(path))?;
    Ok(Contents { needed, is_empty: names.len() == litter.len() })
}

/// Removes the files of a directory, below the root, that nobody needs. Tells how many are left.
fn sweep(root: &Path, directory: &str, needed: &HashSet<&str>) -> Result<usize, PathError> {
    let mut left = 0;
    for name in names(root, directory)? {
        let path = format!("{directory}/{name}");
        if needed.contains(path.as_str()) {
            left += 1;
        } else {
            remove_all(&root.join(path))?;
        }
    }
    Ok(left)
}

/// The names in a directory below the root. None of ours is no text.
fn names(root: &Path, directory: &str) -> Result<Vec<String>, PathError> {
    let Some(mut directory) = Directory::open(root.join(directory))? else { return Ok(Vec::new()) };
    Ok(directory.names()?.into_iter().filter_map(|named| named.name.into_string().ok()).collect())
}

/// Removes a directory if it is empty; if not, it is in use.
fn prune(directory: &Path) -> bool {
    fs::remove_dir(directory).is_ok()
}
