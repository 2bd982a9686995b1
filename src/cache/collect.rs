//! Garbage collection: removes what no entry needs. It runs under the exclusive lock, so that no command can have put a
//! blob in place whose entry is not written yet.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::error::CacheError;
use super::holder::{Holder, Links, LookedUpEntry};
use super::root::PROPERTIES;
use super::walk::{Holders, Unreadable};
use super::{layout, prepared, scratch, written};
use crate::causes::chain;
use crate::digest::Algorithm;
use crate::disk::{Directory, FileKind, Foreign, Named, PathError};
use crate::threads::on_all_cores;

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Sha256, Algorithm::Sha512];

/// What all entries of a cache need. Each entry is read once.
pub(super) struct Survey {
    /// The directories of entries.
    pub(super) holders: Vec<SurveyedHolder>,
    /// Empty directories, as paths relative to the root.
    empty: Vec<PathBuf>,
    /// The first error because of which it is unknown what some entries need.
    pub(super) doubt: Option<CacheError>,
}

/// A directory of entries, as it was read.
#[derive(Default)]
pub(super) struct SurveyedHolder {
    /// The path of the directory, relative to the root.
    pub(super) path: PathBuf,
    /// All names in the directory.
    names: Vec<Named>,
    /// The names of the entries, and their links.
    pub(super) entries: Vec<(OsString, Links)>,
}

impl Survey {
    /// Reads all entries of the cache at `root`. The caller holds the exclusive lock.
    pub(super) fn of(root: &Directory) -> Result<Self, CacheError> {
        Self::read(root, true)
    }

    /// Reads all entries of the cache at `root` without the exclusive lock. Entries may be replaced while they are
    /// read.
    pub(super) fn look(root: &Directory) -> Result<Self, CacheError> {
        Self::read(root, false)
    }

    fn read(root: &Directory, alone: bool) -> Result<Self, CacheError> {
        let found = Holders::all(root)?;
        let unreadable = found.unreadable.into_iter().find(Unreadable::may_hold_entries);
        let mut doubt = unreadable.map(|unreadable| unreadable.error);
        let mut holders = Vec::with_capacity(found.paths.len());
        for surveyed in on_all_cores(&found.paths, |path| SurveyedHolder::of(root, path, alone)) {
            match surveyed {
                Ok(surveyed) => holders.push(surveyed),
                Err(error) => doubt = doubt.or(Some(error)),
            }
        }
        Ok(Self { holders, empty: found.empty, doubt })
    }

    /// The blobs and chart files that the entries need, as paths relative to the root.
    fn needed(&self) -> HashSet<String> {
        let entries = self.holders.iter().flat_map(|holder| &holder.entries);
        entries.flat_map(|(_, links)| written::needs(&links.links)).collect()
    }

    /// The size in bytes of all blobs that no entry needs.
    pub(super) fn unneeded(&self, root: &Directory) -> Result<u64, CacheError> {
        bytes_but(root, &self.needed())
    }

    /// Removes what no entry needs, and what killed commands have left behind. Returns the size in bytes of the removed
    /// blobs. If it is unknown what some entry needs, nothing is removed, and a warning is logged.
    pub(super) fn sweep(self, root: &Directory) -> Result<u64, CacheError> {
        if let Some(error) = self.doubt {
            log::warn!("nothing was collected: {}", chain(&error));
            return Ok(0);
        }
        let mut empty = self.empty.clone();
        for (holder, cleared) in self.holders.iter().zip(on_all_cores(&self.holders, |h| h.clear(root))) {
            if cleared? {
                empty.push(holder.path.clone());
            }
        }
        let needed = self.needed();
        // The blobs come first, as there are more of them than of anything else. Directories with other names than ours
        // are not touched.
        let mut directories: Vec<_> = blob_directories().into();
        let charts = unless_foreign(children(root, layout::CHARTS))?.unwrap_or_default();
        directories
            .extend(charts.iter().map(|chart| format!("{}/{chart}/{}", layout::CHARTS, layout::VERSIONS)));
        let all = on_all_cores(&directories, |directory| sweep(root, directory, &needed, true));
        let mut bytes = 0;
        for (directory, swept) in directories.iter().zip(all) {
            let Some(swept) = unless_foreign(swept)? else { continue };
            if !directory.starts_with(layout::CHARTS) {
                bytes += swept.bytes;
            } else if swept.left == 0 {
                remove_empty(root, Path::new(directory), 2);
            }
        }
        for path in empty {
            // Then the directories above it that held nothing else. This stops at the first one that is in use.
            remove_empty(root, &path, path.components().count() - 1);
        }
        unless_foreign(scratch::clear(root))?;
        Ok(bytes)
    }
}

impl SurveyedHolder {
    /// Reads the entries of the directory at `path`, relative to the root.
    fn of(root: &Directory, path: &Path, alone: bool) -> Result<Self, CacheError> {
        let path = path.to_path_buf();
        let Some(mut holder) = Holder::open(root, &path)? else {
            return Ok(Self { path, ..Self::default() });
        };
        let names = holder.names()?;
        let mut entries = Vec::new();
        for name in names.iter().filter(|named| !named.is_hidden()).map(|named| &named.name) {
            let looked = if alone { holder.look_alone(name)? } else { holder.look(name)? };
            match looked {
                // A link to nowhere needs no blobs, and neither does a file in the place of an entry.
                LookedUpEntry::Absent | LookedUpEntry::Else(_) => {}
                doubtful @ LookedUpEntry::Doubtful(_) => drop(holder.understand(name, doubtful)?),
                LookedUpEntry::Entry(links) => entries.push((name.clone(), links)),
            }
        }
        Ok(Self { path, names, entries })
    }

    /// Removes the entries with these names. What they alone needed stays until [`Survey::sweep`].
    pub(super) fn remove(&mut self, root: &Directory, gone: &HashSet<OsString>) -> Result<(), CacheError> {
        let Some(directory) = root.below(&self.path)? else { return Ok(()) };
        for name in gone {
            prepared::unlink(&directory, name)?;
        }
        directory.sync()?;
        self.forget(gone);
        // Directories of links that were removed as entries have got other names.
        self.names = directory.again()?.names()?;
        Ok(())
    }

    /// Treats these entries as removed, without removing them.
    pub(super) fn forget(&mut self, gone: &HashSet<OsString>) {
        self.entries.retain(|(name, _)| !gone.contains(name));
    }

    /// Removes the directories of links that no entry uses: those that killed commands have left, and those of removed
    /// entries. Returns whether the directory is empty then.
    fn clear(&self, root: &Directory) -> Result<bool, CacheError> {
        let used =
            |(name, links): &(OsString, Links)| Some((name.to_str()?.to_owned(), links.directory.clone()?));
        let used: HashMap<_, _> = self.entries.iter().filter_map(used).collect();
        let litter: Vec<_> = prepared::litter(&self.names, |name| used.get(name).cloned()).collect();
        if let Some(directory) = root.below(&self.path)? {
            for name in &litter {
                directory.remove_all(name)?;
            }
        }
        Ok(self.names.len() == litter.len())
    }
}

/// Turns the error about something that is not the cache's into a warning and None. That is left as it is, and the rest
/// is cleaned up.
fn unless_foreign<T>(result: Result<T, PathError>) -> Result<Option<T>, PathError> {
    match result {
        Err(error) if Foreign::in_error(&error).is_some() => {
            log::warn!("{}", chain(&error));
            Ok(None)
        }
        result => result.map(Some),
    }
}

/// The names of the directories in the directory at `path`, relative to the root. Names that are not UTF-8 are left
/// out: the cache makes none.
fn children(root: &Directory, path: &str) -> Result<Vec<String>, PathError> {
    let Some(mut directory) = root.below(path)? else { return Ok(Vec::new()) };
    let names = directory.names()?.into_iter().filter(|named| named.kind == FileKind::Directory);
    Ok(names.filter_map(|named| named.name.into_string().ok()).collect())
}

fn blob_directories() -> [String; 2] {
    ALGORITHMS.map(|algorithm| format!("{}/{}", layout::BLOBS, algorithm.name()))
}

/// The size in bytes of all blobs.
pub(super) fn blob_bytes(root: &Directory) -> Result<u64, CacheError> {
    bytes_but(root, &HashSet::new())
}

/// The size in bytes of all blobs that are not in `needed`.
fn bytes_but(root: &Directory, needed: &HashSet<String>) -> Result<u64, CacheError> {
    let mut bytes = 0;
    for directory in blob_directories() {
        let swept = unless_foreign(sweep(root, &directory, needed, false))?;
        bytes += swept.map_or(0, |swept| swept.bytes);
    }
    Ok(bytes)
}

/// The result of sweeping a directory.
struct Swept {
    /// How many names the directory still has.
    left: usize,
    /// The size in bytes of the files that were removed, or would be.
    bytes: u64,
}

/// Removes everything in the directory at `path` that is not in `needed`. With `remove` false it only computes what
/// that would be. Paths are relative to the root.
fn sweep(root: &Directory, path: &str, needed: &HashSet<String>, remove: bool) -> Result<Swept, PathError> {
    let mut swept = Swept { left: 0, bytes: 0 };
    let Some(mut directory) = root.below(path)? else { return Ok(swept) };
    for named in directory.names()? {
        let Some(name) = named.name.to_str() else { continue };
        // Files of charts have one byte. Larger ones in their place are not ours.
        let is_ours = |size: Option<u64>| {
            path.starts_with(layout::BLOBS) || size.is_some_and(|size| size <= PROPERTIES.len() as u64)
        };
        if needed.contains(&format!("{path}/{name}")) {
            swept.left += 1;
            continue;
        }
        let size = directory.size(name).ok().flatten();
        if !is_ours(size) {
            swept.left += 1;
            continue;
        }
        if remove {
            directory.remove_all(name)?;
        }
        swept.bytes += size.unwrap_or(0);
    }
    Ok(swept)
}

/// Removes the directory at `path`, relative to the root, and those above it, at most `most` in all, as long as they
/// are empty. One that is not empty is in use. One that is missing may have been removed by a command that was killed
/// before it removed those above.
fn remove_empty(root: &Directory, path: &Path, most: usize) {
    for path in path.ancestors().take(most) {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return };
        let Ok(parent) = root.below(parent) else { return };
        match parent.map_or(Ok(()), |parent| parent.remove_empty(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return,
            Ok(()) | Err(_) => {}
        }
    }
}
