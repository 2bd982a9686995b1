//! Finds entries by their references, and lists them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::blob::Blobs;
use super::entry::{CacheEntry, EntryParts, Stored};
use super::error::CacheError;
use super::holder::{FoundEntry, Holder};
use super::root::{Cache, parts};
use super::walk::{Holders, Unreadable};
use super::{layout, lock};
use crate::disk::{Directory, Named, PathError};
use crate::reference::Reference;
use crate::threads::on_all_cores;

/// How many names of a directory are looked at. Each tag has two. Without a limit a command would be slower the more
/// there are.
const NAMES: usize = 256;
/// How many entries are read, besides that of the reference itself.
const SIBLINGS: usize = 8;

/// What a listing of the cache has found.
#[derive(Debug, Default)]
pub struct Listing {
    /// Every entry of the cache, sorted by reference.
    pub entries: Vec<ListedEntry>,
    /// Directories that may hold more entries, but cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// An entry of a listing, or what is wrong with it.
#[derive(Debug)]
pub struct ListedEntry {
    /// The reference of the entry.
    pub reference: Reference,
    /// The entry and the size of its content in bytes, or why it cannot be used.
    pub found: Result<(Stored, u64), CacheError>,
}

impl Cache {
    /// Finds the entry that `reference` names. With a tag, it is the entry under that tag; if there is a digest too,
    /// its manifest must have that. With a digest alone, it may be any entry of the repository.
    pub fn find(&self, reference: &Reference) -> Result<Stored, CacheError> {
        let path = entry_path(reference)?;
        let Some(root) = self.open_root()? else { return Err(CacheError::NotFound(reference.clone())) };
        let _lock = lock::read(&root);
        find_at(&root, reference, &path)
    }

    /// Finds the entry that `reference` names, as [`Cache::find`] does, and opens its blobs. An error if one of them is
    /// missing. The blobs are checked only when they are read.
    pub fn open(&self, reference: &Reference) -> Result<(Stored, EntryParts), CacheError> {
        let path = entry_path(reference)?;
        let Some(root) = self.open_root()? else { return Err(CacheError::NotFound(reference.clone())) };
        let _lock = lock::read(&root);
        let stored = find_at(&root, reference, &path)?;
        let parts = parts(&root, &stored.entry)?;
        Ok((stored, parts))
    }

    /// Some entries of the repository that `reference` names: that of `reference` itself first, then up to eight
    /// others, newest first. Not all tags are looked at, and entries that cannot be read are left out.
    pub fn siblings(&self, reference: &Reference) -> Vec<CacheEntry> {
        let Ok(Some(root)) = self.open_root() else { return Vec::new() };
        let _lock = lock::read(&root);
        let own = layout::entry(reference);
        let (mut first, mut others, mut holders) = (None, Vec::new(), Vec::new());
        for path in layout::entries(reference) {
            let Ok(Some(mut holder)) = Holder::open(&root, &path) else { continue };
            for named in holder.some_names(NAMES).unwrap_or_default() {
                if holder.reference(&named.name).is_none() || own.as_ref() == Some(&path.join(&named.name)) {
                    continue;
                }
                // The time of the link, which is made anew with each entry.
                let Ok(Some(written)) = holder.directory().modified(&named.name) else { continue };
                others.push((written, holders.len(), named.name));
            }
            if let Some(own) = own.as_ref().filter(|own| own.parent() == Some(&path)) {
                first = own.file_name().map(|name| (holders.len(), name.to_owned()));
            }
            holders.push(holder);
        }
        others.sort_by(|(a, ..), (b, ..)| b.cmp(a));
        let newest = others.into_iter().map(|(_, holder, name)| (holder, name)).take(SIBLINGS);
        let entry = |(holder, name): (usize, OsString)| Some(holders.get(holder)?.read(&name).ok()??.entry);
        first.into_iter().chain(newest).filter_map(entry).collect()
    }

    /// Lists all entries, sorted by reference. A broken entry is listed with its error, and so is a directory that
    /// cannot be read.
    pub fn list(&self) -> Result<Listing, CacheError> {
        let Some(root) = self.open_root()? else { return Ok(Listing::default()) };
        let _lock = lock::read(&root);
        let blobs = Blobs::new(&root);
        let list = |path: &PathBuf| -> Result<Vec<ListedEntry>, PathError> {
            let sized = |reference: &Reference, found: FoundEntry| {
                let FoundEntry { entry, created, .. } = found;
                let size = blobs.size(&entry.content)?;
                let others = entry.blobs().filter(|digest| **digest != entry.content);
                others.map(|digest| blobs.size(digest)).try_for_each(|size| size.map(drop))?;
                Ok((Stored { reference: reference.clone(), entry, created }, size))
            };
            let mut listed = Vec::new();
            let Some(mut holder) = Holder::open(&root, path)? else { return Ok(listed) };
            for named in holder.names()? {
                let Some(reference) = holder.reference(&named.name) else { continue };
                // None: it was removed since the directory was read.
                if let Some(found) = holder.read(&named.name).transpose() {
                    let found = found.and_then(|found| sized(&reference, found));
                    listed.push(ListedEntry { reference, found });
                }
            }
            Ok(listed)
        };
        let holders = Holders::all(&root)?;
        let mut listing = Listing { entries: Vec::new(), unreadable: holders.unreadable };
        for (path, listed) in holders.paths.iter().zip(on_all_cores(&holders.paths, list)) {
            match listed {
                Ok(listed) => listing.entries.extend(listed),
                Err(error) => listing.unreadable.push(Unreadable::new(path, error)),
            }
        }
        listing.entries.sort_by_cached_key(|listed| listed.reference.to_string());
        listing.unreadable.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }

    /// The references of all entries, sorted. The entries themselves are not read. `missed` is called for each
    /// directory that cannot be read.
    pub fn references(&self, missed: impl Fn(&Unreadable)) -> Result<Vec<Reference>, CacheError> {
        let mut references = Vec::new();
        self.each_reference(missed, |reference| references.push(reference))?;
        references.sort_by_cached_key(ToString::to_string);
        Ok(references)
    }

    /// Calls `take` with the reference of each entry, in no particular order. `missed` is called for each directory
    /// that cannot be read.
    pub fn each_reference(
        &self,
        missed: impl Fn(&Unreadable),
        mut take: impl FnMut(Reference),
    ) -> Result<(), CacheError> {
        let Some(root) = self.open_root()? else { return Ok(()) };
        let _lock = lock::read(&root);
        let holders = Holders::all(&root)?;
        holders.unreadable.iter().for_each(&missed);
        for path in holders.paths {
            let names = Holder::open(&root, &path).and_then(|holder| match holder {
                Some(mut holder) => holder.names(),
                None => Ok(Vec::new()),
            });
            match names {
                Ok(names) => {
                    let reference = |named: &Named| layout::reference(&path.join(&named.name));
                    names.iter().filter_map(reference).for_each(&mut take);
                }
                Err(error) => missed(&Unreadable::new(&path, error)),
            }
        }
        Ok(())
    }
}

/// The path of a reference's entry, relative to the root.
pub(super) fn entry_path(reference: &Reference) -> Result<PathBuf, CacheError> {
    layout::entry(reference).ok_or_else(|| CacheError::NoTag(reference.clone()))
}

/// Finds the entry of the cache at `root` that `reference` names, as [`Cache::find`] does. The caller holds the lock.
pub(super) fn find(root: &Directory, reference: &Reference) -> Result<Stored, CacheError> {
    find_at(root, reference, &entry_path(reference)?)
}

fn find_at(root: &Directory, reference: &Reference, path: &Path) -> Result<Stored, CacheError> {
    if let Some(FoundEntry { entry, created, .. }) = read_entry(root, path)? {
        let stored = Stored { reference: reference.clone(), entry, created };
        return match &reference.digest {
            Some(digest) if !stored.entry.is_manifest(digest) => Err(CacheError::OtherDigest {
                reference: reference.clone(),
                found: stored.entry.pushed.map(|pushed| pushed.manifest),
            }),
            _ => Ok(stored),
        };
    }
    let (None, Some(digest)) = (&reference.tag, &reference.digest) else {
        return Err(CacheError::NotFound(reference.clone()));
    };
    // `name@digest` may name what `pull name:tag` has brought.
    let holders = Holders::of(root, &layout::repository(reference), false)?;
    for path in holders.paths {
        let Some(mut holder) = Holder::open(root, &path)? else { continue };
        for named in holder.names()? {
            let Some(other) = holder.reference(&named.name) else { continue };
            if let Ok(Some(FoundEntry { entry, created, .. })) = holder.read(&named.name)
                && entry.is_manifest(digest)
            {
                return Ok(Stored { reference: other, entry, created });
            }
        }
    }
    match holders.unreadable.into_iter().next() {
        Some(unreadable) => Err(unreadable.error),
        None => Err(CacheError::NotFound(reference.clone())),
    }
}

/// Reads the entry at `path`, relative to the root; None if there is none.
pub(super) fn read_entry(root: &Directory, path: &Path) -> Result<Option<FoundEntry>, CacheError> {
    let (Some(holder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
    Holder::open(root, holder)?.map_or(Ok(None), |holder| holder.read(name))
}
