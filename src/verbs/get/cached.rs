//! Lists the charts of the cache that are in a place of a registry, for an index.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::address::{RegistryPlace, url};
use super::error::{GetError, missed};
use crate::cache::Cache;
use crate::chart::Metadata;
use crate::limits::{HeldBudget, MAX_CONFIG};
use crate::reference::{Reference, Repository, Tag};

/// How many bytes of memory a chart takes besides its text, including the allocator's overhead.
const CHART: usize = 400;
/// How many bytes of memory a value of its metadata takes at most, in its three forms: typed, JSON and text.
const VALUE: u64 = 300;

/// A chart of the cache.
pub(super) struct Cached {
    /// Its name and version; `None` if it cannot be read.
    pub(super) chart: Option<(String, String)>,
    /// Its reference.
    pub(super) reference: Reference,
}

/// The charts of a place, sorted by name and version; of several with the same name and version, the first.
pub(super) struct CachedCharts<'a> {
    charts: Vec<Cached>,
    _held: HeldBudget<'a>,
}

impl<'a> CachedCharts<'a> {
    /// Finds the charts of a place.
    pub(super) fn of(cache: &'a Cache, place: &RegistryPlace) -> Result<Self, GetError> {
        let mut held = cache.budget().hold(0)?;
        let (mut references, mut is_room) = (Vec::new(), Ok(()));
        cache.each_reference(missed, |reference| {
            if is_room.is_ok() && place.holds(&reference) {
                is_room = held.grow((CHART + 2 * reference.to_string().len()) as u64);
                references.push(reference);
            }
        })?;
        is_room?;
        references.sort_by_cached_key(ToString::to_string);
        let mut charts = Vec::with_capacity(references.len());
        for reference in references {
            let chart = match cache.find(&reference) {
                Ok(stored) => {
                    held.grow((stored.entry.name.len() + stored.entry.version.len()) as u64)?;
                    Some((stored.entry.name, stored.entry.version))
                }
                // A broken chart must not hide the others.
                Err(error) => {
                    log::warn!(target: "oci", "{reference}: {error}");
                    None
                }
            };
            charts.push(Cached { chart, reference });
        }
        charts.sort_by(|a, b| a.chart.cmp(&b.chart));
        Ok(Self { charts, _held: held })
    }

    /// The repositories of the charts, some more than once.
    pub(super) fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.charts.iter().map(|cached| &cached.reference.repository)
    }

    /// The names of the charts, some more than once.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.charts.iter().filter_map(|cached| Some(cached.chart.as_ref()?.0.as_str()))
    }

    /// The charts of one name, ordered by version.
    pub(super) fn called(&self, name: &str) -> &[Cached] {
        let key = |cached: &Cached| cached.chart.as_ref().map(|(name, _)| name.as_str()).cmp(&Some(name));
        let start = self.charts.partition_point(|cached| key(cached).is_lt());
        let end = self.charts.partition_point(|cached| key(cached).is_le());
        &self.charts[start..end]
    }

    /// The tags of a repository that the cache has, even if their charts cannot be read.
    pub(super) fn tags(&self, repository: &Repository) -> HashSet<&Tag> {
        let here = self.charts.iter().map(|cached| &cached.reference);
        here.filter(|reference| reference.repository == *repository && reference.digest.is_none())
            .filter_map(|reference| reference.tag.as_ref())
            .collect()
    }
}

/// The entry of a chart in an index.
pub(super) fn entry(cache: &Cache, reference: &Reference) -> Result<Value, GetError> {
    let (stored, parts) = cache.open(reference)?;
    let meta = parts.meta;
    // The cache may come from elsewhere and contain anything.
    let mut held = cache.budget().hold(meta.size().min(4 * MAX_CONFIG))?;
    let meta = meta.bytes()?;
    let values = meta.iter().filter(|byte| b",:[{".contains(byte)).count() as u64;
    held.grow(3 * meta.len() as u64 + values * VALUE)?;
    let metadata = Metadata::from_meta(&meta, &stored.entry.name, &stored.entry.version)?;
    let mut entry: Map<String, Value> = serde_json::from_slice(&metadata.to_config()?)?;
    let created = humantime::format_rfc3339_seconds(stored.created).to_string();
    entry.insert("urls".to_owned(), json!([url(reference, &metadata.name, &metadata.version)]));
    entry.insert("created".to_owned(), created.into());
    Ok(entry.into())
}
