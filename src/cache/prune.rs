//! Removing entries by their age and size: all of them are read once, under the lock under which some of them go.

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

/// All entries of a cache, with what is to be known of them to say which ones go.
#[derive(Debug, Default)]
pub struct Aging {
    /// The entries, in no order.
    pub entries: Vec<Aged>,
    /// The sizes of the blobs that they need, in bytes, by path below the root. A blob that is missing has none.
    pub sizes: HashMap<String, u64>,
}

/// An entry with its age.
#[derive(Debug)]
pub struct Aged {
    /// What it is called.
    pub reference: Reference,
    /// What it stands for, or why it cannot be used.
    pub entry: Result<CacheEntry, CacheError>,
    /// When it was last used, to the day.
    pub used: SystemTime,
    /// The blobs that it needs, each once, as paths below the root.
    pub blobs: Vec<String>,
}

impl Cache {
    /// Removes the entries whose numbers `choose` returns, then everything that no entry needs any more, and says how many
    /// bytes of blobs that was. Without a time to `wait` for other processes nothing is removed, and it is what that would be.
    /// An entry of which it is not known what it needs is an error before anything goes.
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

    /// How many bytes all blobs have, needed or not. Nothing else is looked at.
    pub fn size(&self) -> Result<u64, CacheError> {
        let Some(root) = self.open_root()? else { return Ok(0) };
        blob_bytes(&root)
    }
}

/// The entries of a directory, by name.
fn look(root: &Directory, surveyed: &SurveyedHolder) -> Result<Vec<(OsString, Aged)>, CacheError> {
    let Some(holder) = Holder::open(root, &surveyed.path)? else { return Ok(Vec::new()) };
    let mut found = Vec::with_capacity(surveyed.entries.len());
    for (name, links) in &surveyed.entries {
        let path = || holder.directory().path().join(name);
        // Gone meanwhile, where only looks are taken.
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
