//! Removes entries of the cache by age, number and size.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime};

use crate::cache::{Aged, Aging, Cache, CacheEntry, CacheError};
use crate::causes::chain;
use crate::digest::Digest;
use crate::reference::{Glob, Reference};

/// What to remove. If neither an age nor a size is given, everything is removed that may be.
#[derive(Clone, Debug, Default)]
pub struct Pruning {
    /// Entries that were not used for this long are removed.
    pub older_than: Option<Duration>,
    /// The least recently used entries are removed until all blobs together have at most this many bytes.
    pub max_size: Option<u64>,
    /// This many most recently used entries of each repository stay.
    pub keep: Option<usize>,
    /// Only references that match this pattern may be removed.
    pub glob: Option<Glob>,
    /// Whether charts that were never pushed or pulled may be removed.
    pub unpushed: bool,
    /// References that stay.
    pub spared: HashSet<Reference>,
    /// If given, only these references may be removed.
    pub only: Option<HashSet<Reference>>,
}

/// The result of pruning, or of a dry run.
#[derive(Debug, Default)]
pub struct Pruned {
    /// The removed entries, the least recently used first.
    pub removed: Vec<PrunedEntry>,
    /// How many references stay.
    pub kept: usize,
    /// How many of them stay only because they were never pushed or pulled.
    pub unpushed: usize,
    /// References that cannot be used and stay, with the reason.
    pub broken: Vec<(Reference, String)>,
    /// How many bytes the blobs have that are still needed.
    pub left: u64,
    /// How many bytes the removed blobs had.
    pub reclaimed: u64,
}

/// A removed entry.
#[derive(Clone, Debug)]
pub struct PrunedEntry {
    /// Its reference.
    pub reference: Reference,
    /// The digest of its manifest, if it is known, by which it can be pulled again.
    pub digest: Option<Digest>,
    /// How many bytes of blobs only this entry needed.
    pub size: u64,
    /// When it was last used, to the day.
    pub used: SystemTime,
    /// Why it was removed.
    pub reason: PruneReason,
}

/// Why an entry goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PruneReason {
    /// It was not used for too long.
    Age,
    /// The cache is too large.
    Size,
    /// Its repository has enough entries.
    Number,
    /// It was selected without a limit of age or size.
    Asked,
}

/// Removes what `pruning` selects. `wait` is how long to wait for other processes; without it this is a dry run.
pub fn prune(cache: &Cache, pruning: &Pruning, wait: Option<Duration>) -> Result<Pruned, CacheError> {
    let mut pruned = Pruned::default();
    let reclaimed = cache.prune(wait, |aging| {
        let (chosen, found) = pruning.choose(aging, SystemTime::now());
        pruned = found;
        chosen
    })?;
    Ok(Pruned { reclaimed, ..pruned })
}

/// Removes the least recently used entries of a cache whose blobs have more than `limit` bytes, except `spared`. `None`
/// if it is within the limit, or if other processes are using it now.
pub fn keep_within(cache: &Cache, limit: u64, spared: &[Reference]) -> Result<Option<Pruned>, CacheError> {
    if cache.size()? <= limit {
        return Ok(None);
    }
    let spared = spared.iter().cloned().collect();
    let pruning = Pruning { max_size: Some(limit), spared, ..Pruning::default() };
    match prune(cache, &pruning, Some(Duration::ZERO)) {
        Err(CacheError::InUse(_)) => Ok(None),
        pruned => pruned.map(Some),
    }
}

impl Pruning {
    /// Whether it selects nothing by age, size, number or pattern.
    pub fn is_empty(&self) -> bool {
        self.older_than.is_none() && self.max_size.is_none() && self.keep.is_none() && self.glob.is_none()
    }

    /// The indexes of the entries to remove, and the report.
    fn choose(&self, aging: &Aging, now: SystemTime) -> (Vec<usize>, Pruned) {
        let entries = &aging.entries;
        let mut order: Vec<_> = (0..entries.len()).collect();
        order.sort_by_cached_key(|i| (entries[*i].used, entries[*i].reference.to_string()));
        let kept = self.kept_by_number(entries, &order);
        let mut room = Room::of(aging);
        let mut pruned = Pruned::default();
        let mut chosen = Vec::new();
        // Each entry is reported once: as removed, or as unpushed.
        let mut decided = vec![false; entries.len()];
        let candidates: Vec<_> = order
            .iter()
            .copied()
            .filter(|i| self.is_asked_for(&entries[*i].reference) && !kept.contains(i))
            .collect();
        let age = |i: usize| now.duration_since(entries[i].used).unwrap_or_default();
        let by_age = |i: usize| match (self.older_than, self.max_size) {
            (Some(limit), _) => (age(i) > limit).then_some(PruneReason::Age),
            (None, Some(_)) => None,
            (None, None) if self.keep.is_some() => Some(PruneReason::Number),
            (None, None) => Some(PruneReason::Asked),
        };
        let by_size = |_| self.max_size.map(|_| PruneReason::Size);
        let rules: [&dyn Fn(usize) -> Option<PruneReason>; 2] = [&by_age, &by_size];
        for rule in rules {
            for &number in &candidates {
                let Some(reason) = rule(number).filter(|_| !decided[number]) else { continue };
                if reason == PruneReason::Size && self.max_size.is_none_or(|limit| room.bytes <= limit) {
                    break;
                }
                let aged = &entries[number];
                let Ok(entry) = &aged.entry else { continue };
                decided[number] = true;
                if !self.unpushed && entry.as_in_registry().is_none() {
                    pruned.unpushed += 1;
                    continue;
                }
                chosen.push(number);
                pruned.removed.push(PrunedEntry {
                    reference: aged.reference.clone(),
                    digest: pin(&aged.reference, entry),
                    size: room.without(aged),
                    used: aged.used,
                    reason,
                });
            }
        }
        let broken = order.iter().filter_map(|i| {
            let error = entries[*i].entry.as_ref().err()?;
            Some((entries[*i].reference.clone(), chain(error)))
        });
        pruned.broken = broken.collect();
        pruned.kept = entries.len() - chosen.len();
        pruned.left = room.bytes;
        (chosen, pruned)
    }

    fn is_asked_for(&self, reference: &Reference) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.matches(reference))
            && self.only.as_ref().is_none_or(|only| only.contains(reference))
            && !self.spared.contains(reference)
    }

    /// The indexes of the entries that `keep` protects. `order` has the least recently used first.
    fn kept_by_number(&self, entries: &[Aged], order: &[usize]) -> HashSet<usize> {
        let Some(keep) = self.keep else { return HashSet::new() };
        let mut counts: HashMap<_, usize> = HashMap::new();
        let mut kept = HashSet::new();
        for number in order.iter().rev() {
            let Aged { reference, .. } = &entries[*number];
            let count = counts.entry((&reference.host, &reference.repository)).or_default();
            *count += 1;
            if *count <= keep {
                kept.insert(*number);
            }
        }
        kept
    }
}

/// The digest that pins an entry: the one in its reference, or that of its manifest.
fn pin(reference: &Reference, entry: &CacheEntry) -> Option<Digest> {
    let manifest = || entry.pushed.as_ref().map(|pushed| pushed.manifest.clone());
    reference.digest.clone().or_else(manifest)
}

/// The size of the blobs that entries need, and how many entries need each.
struct Room<'a> {
    sizes: &'a HashMap<String, u64>,
    needing: HashMap<&'a str, usize>,
    bytes: u64,
}

impl<'a> Room<'a> {
    fn of(aging: &'a Aging) -> Self {
        let mut needing: HashMap<&str, usize> = HashMap::with_capacity(aging.sizes.len());
        for path in aging.entries.iter().flat_map(|aged| &aged.blobs) {
            *needing.entry(path).or_default() += 1;
        }
        Self { sizes: &aging.sizes, needing, bytes: aging.sizes.values().sum() }
    }

    /// Removes an entry, and returns how many bytes that frees.
    fn without(&mut self, aged: &Aged) -> u64 {
        let mut freed = 0;
        for path in &aged.blobs {
            let Some(count) = self.needing.get_mut(path.as_str()) else { continue };
            *count -= 1;
            if *count == 0 {
                freed += self.sizes.get(path).copied().unwrap_or(0);
            }
        }
        self.bytes -= freed;
        freed
    }
}

impl Pruned {
    /// The references that were removed.
    pub fn references(&self) -> HashSet<Reference> {
        self.removed.iter().map(|removed| removed.reference.clone()).collect()
    }
}
