//! Garbage collection: what no entry needs goes. That is done under the exclusive lock, so that no command is between
//! putting a blob in place and writing the entry that needs it.

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

/// What all entries of a cache need, each read once.
pub(super) struct Survey {
    /// Directories that hold entries.
    pub(super) holders: Vec<SurveyedHolder>,
    /// Directories that hold nothing at all, below the root.
    empty: Vec<PathBuf>,
    /// Why it is not known what all entries need.
    pub(super) doubt: Option<CacheError>,
}

/// A directory of entries.
#[derive(Default)]
pub(super) struct SurveyedHolder {
    /// Below the root.
    pub(super) path: PathBuf,
    /// All that is in it.
    names: Vec<Named>,
    /// The entries, by name.
    pub(super) entries: Vec<(OsString, Links)>,
}

impl Survey {
    /// Reads all entries of the cache at `root`, whose exclusive lock the caller holds.
    pub(super) fn of(root: &Directory) -> Result<Self, CacheError> {
        Self::read(root, true)
    }

    /// The same without that lock, for a look: entries may be replaced while they are read.
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

    /// What the entries need, as paths below the root.
    fn needed(&self) -> HashSet<String> {
        let entries = self.holders.iter().flat_map(|holder| &holder.entries);
        entries.flat_map(|(_, links)| written::needs(&links.links)).collect()
    }

    /// How many bytes the blobs have that no entry needs.
    pub(super) fn unneeded(&self, root: &Directory) -> Result<u64, CacheError> {
        bytes_but(root, &self.needed())
    }

    /// Removes what no entry needs, and what killed commands have left. Says how many bytes of blobs that was. Where it is not
    /// known what an entry needs, everything stays, and there is a warning.
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
        // The blobs first: there are more of them than of anything else. In directories of other names is nothing of ours.
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
            // And what held nothing else. The first one that is in use is the last.
            remove_empty(root, &path, path.components().count() - 1);
        }
        unless_foreign(scratch::clear(root))?;
        Ok(bytes)
    }
}

impl SurveyedHolder {
    /// Reads the entries of the directory at `path`, below the root.
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
                // A link to nowhere needs nothing, and no more does a file that somebody has put here.
                LookedUpEntry::Absent | LookedUpEntry::Else(_) => {}
                doubtful @ LookedUpEntry::Doubtful(_) => drop(holder.understand(name, doubtful)?),
                LookedUpEntry::Entry(links) => entries.push((name.clone(), links)),
            }
        }
        Ok(Self { path, names, entries })
    }

    /// Removes the entries of these names. What only they needed stays until the survey is swept.
    pub(super) fn remove(&mut self, root: &Directory, gone: &HashSet<OsString>) -> Result<(), CacheError> {
        let Some(directory) = root.below(&self.path)? else { return Ok(()) };
        for name in gone {
            prepared::unlink(&directory, name)?;
        }
        directory.sync()?;
        self.forget(gone);
        // Directories that were entries have other names now.
        self.names = directory.again()?.names()?;
        Ok(())
    }

    /// Goes on as if these entries were not there.
    pub(super) fn forget(&mut self, gone: &HashSet<OsString>) {
        self.entries.retain(|(name, _)| !gone.contains(name));
    }

    /// Removes what killed commands have left, and what entries were that are removed. Says whether that was all.
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

/// The names of the directories in a directory below the root. None of ours is no text.
fn children(root: &Directory, path: &str) -> Result<Vec<String>, PathError> {
    let Some(mut directory) = root.below(path)? else { return Ok(Vec::new()) };
    let names = directory.names()?.into_iter().filter(|named| named.kind == FileKind::Directory);
    Ok(names.filter_map(|named| named.name.into_string().ok()).collect())
}

fn blob_directories() -> [String; 2] {
    ALGORITHMS.map(|algorithm| format!("{}/{}", layout::BLOBS, algorithm.name()))
}

/// How many bytes all blobs have.
pub(super) fn blob_bytes(root: &Directory) -> Result<u64, CacheError> {
    bytes_but(root, &HashSet::new())
}

/// How many bytes the blobs have but the needed ones.
fn bytes_but(root: &Directory, needed: &HashSet<String>) -> Result<u64, CacheError> {
    let mut bytes = 0;
    for directory in blob_directories() {
        let swept = unless_foreign(sweep(root, &directory, needed, false))?;
        bytes += swept.map_or(0, |swept| swept.bytes);
    }
    Ok(bytes)
}

/// What has become of a directory.
struct Swept {
    /// How many names are left.
    left: usize,
    /// How many bytes the files had that were removed, or would be.
    bytes: u64,
}

/// Removes what is in a directory, below the root, and is not needed; or only looks what that would be.
fn sweep(root: &Directory, path: &str, needed: &HashSet<String>, remove: bool) -> Result<Swept, PathError> {
    let mut swept = Swept { left: 0, bytes: 0 };
    let Some(mut directory) = root.below(path)? else { return Ok(swept) };
    for named in directory.names()? {
        let Some(name) = named.name.to_str() else { continue };
        // First-class properties are small. Whatever else lies among them is somebody's.
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

/// Removes so many directories, the one at `path` below the root and those above it, as long as they are empty: one that is
/// not is in use. One that is gone may have been removed by a command that was killed before it came to those above.
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
