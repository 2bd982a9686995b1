//! Removes entries by age and size. All entries are read once, under the same lock under which some are removed.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::collect::{Survey, SurveyedHolder, blob_bytes};
use super::entry::CacheEntry;
use super::error::CacheError;
use super::holder::Holder;
use super::root::Cache;
use super::{layout, lock, written};
use crate::disk::{AtPath as _, Directory};
use crate::reference::Reference;

/// All entries of a cache, with what is needed to choose those to remove.
#[derive(Debug, Default)]
pub struct Aging {
    /// The entries, in no particular order.
    pub entries: Vec<Aged>,
    /// The sizes in bytes of the blobs that the entries need, by their paths relative to the root. Missing blobs are
    /// left out.
    pub sizes: HashMap<String, u64>,
}

/// An entry with the time of its last use.
#[derive(Debug)]
pub struct Aged {
    /// The reference of the entry.
    pub reference: Reference,
    /// The entry, or why it cannot be used.
    pub entry: Result<CacheEntry, CacheError>,
    /// When it was last used, precise to a day.
    pub used: SystemTime,
    /// The blobs that it needs, each once, as paths relative to the root.
    pub blobs: Vec<String>,
}

impl Cache {
    /// Removes the entries whose places in [`Aging::entries`] `choose` returns, and everything that no entry needs any
    /// more. Returns the size in bytes of the removed blobs. If `wait` is None, nothing is removed, and the size is
    /// what would be; otherwise it is how long to wait for other processes. An error before anything is removed if it
    /// is unknown what some entry needs.
    pub fn prune(
        &self,
        wait: Option<Duration>,
        choose: impl FnOnce(&Aging) -> Vec<usize>,
    ) -> Result<u64, CacheError> {
        let Some(root) = self.open_root()? else {
            choose(&Aging::default());
            return Ok(0);
        };
        let (_lock, mut survey) = match wait {
            Some(wait) => (lock::exclusive_within(&root, wait)?, Survey::of(&root)?),
            None => (lock::read(&root), Survey::look(&root)?),
        };
        if let Some(doubt) = survey.doubt {
            return Err(doubt);
        }
        let (mut aging, mut places) = (Aging::default(), Vec::new());
        for (number, surveyed) in survey.holders.iter().enumerate() {
            for (name, aged) in look(&root, surveyed)? {
                aging.entries.push(aged);
                places.push((number, name));
            }
        }
        aging.sizes = sizes(&root, &aging.entries);
        let mut gone: HashMap<usize, HashSet<OsString>> = HashMap::new();
        for chosen in choose(&aging) {
            if let Some((number, name)) = places.get(chosen) {
                gone.entry(*number).or_default().insert(name.clone());
            }
        }
        drop((aging, places));
        for (number, names) in &gone {
            let Some(holder) = survey.holders.get_mut(*number) else { continue };
            match wait {
                Some(_) => holder.remove(&root, names)?,
                None => holder.forget(names),
            }
        }
        match wait {
            Some(_) => survey.sweep(&root),
            None => survey.unneeded(&root),
        }
    }

    /// The size in bytes of all blobs, whether entries need them or not.
    pub fn size(&self) -> Result<u64, CacheError> {
        let Some(root) = self.open_root()? else { return Ok(0) };
        blob_bytes(&root)
    }
}

/// The entries of a directory, with their names.
fn look(root: &Directory, surveyed: &SurveyedHolder) -> Result<Vec<(OsString, Aged)>, CacheError> {
    let Some(holder) = Holder::open(root, &surveyed.path)? else { return Ok(Vec::new()) };
    let mut found = Vec::with_capacity(surveyed.entries.len());
    for (name, links) in &surveyed.entries {
        let path = || holder.directory().path().join(name);
        // Removed meanwhile, which can happen if the lock is not exclusive.
        let Some(used) = holder.directory().modified(name).at("read", &path())? else { continue };
        let Some(reference) = holder.reference(name) else { continue };
        let mut blobs: Vec<_> =
            written::needs(&links.links).filter(|path| path.starts_with(layout::BLOBS)).collect();
        blobs.sort_unstable();
        blobs.dedup();
        let entry = holder.understood(name, links);
        found.push((name.clone(), Aged { reference, entry, used, blobs }));
    }
    Ok(found)
}

fn sizes(root: &Directory, entries: &[Aged]) -> HashMap<String, u64> {
    let (mut sizes, mut directories) = (HashMap::new(), HashMap::new());
    for path in entries.iter().flat_map(|aged| &aged.blobs) {
        if sizes.contains_key(path) {
            continue;
        }
        let Some((parent, name)) = path.rsplit_once('/') else { continue };
        let directory =
            directories.entry(parent).or_insert_with(|| root.below(Path::new(parent)).ok().flatten());
        if let Some(Ok(Some(size))) = directory.as_ref().map(|directory| directory.size(name)) {
            sizes.insert(path.clone(), size);
        }
    }
    sizes
}
