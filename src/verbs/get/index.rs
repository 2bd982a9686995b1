//! Writes the index.yaml of a part of a registry: what the cache has there, and what the registry has, if it can be
//! reached.
//!
//! Helm requests an index without saying which chart it needs, and registries have no index. So the tags of
//! repositories are listed, and the repositories are taken from the catalog, which many registries do not show.
//!
//! The index is written chart by chart, each as soon as the tags of its repository are known, so that only the tags of
//! one repository are in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufWriter, Write};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::address::{RegistryPlace, url};
use super::cached::{self, Cached, CachedCharts};
use super::error::GetError;
use super::versions::Versions;
use crate::cache::Cache;
use crate::causes::chain;
use crate::reference::{Reference, Repository, Tag};
use crate::registry::{Client, RegistryError};
use crate::yaml_text;

/// From how many repositories of the catalog the tags are requested at most. That suits the charts of a team, and not
/// those of a whole company.
const MAX_ASKED: usize = 64;

/// Writes the index of a place to `out`.
pub(super) fn write(
    cache: &Cache,
    client: &Client,
    place: &RegistryPlace,
    out: &mut dyn Write,
) -> Result<(), GetError> {
    let cached = CachedCharts::of(cache, place)?;
    let mut registry = RemoteWords { client, place, cached: &cached, is_reachable: true };
    // The place may itself be the repository of a chart; otherwise it contains repositories.
    let mut of_place = Versions::new(cache.budget())?;
    let only = place.prefix.as_ref().filter(|prefix| registry.list(prefix, &mut of_place));
    let repositories = if only.is_some() { BTreeSet::new() } else { registry.repositories() };
    let mut of_place = only.map(|only| (last_part(only), of_place));

    let mut names: BTreeMap<&str, Vec<&Repository>> = cached.names().map(|name| (name, Vec::new())).collect();
    for repository in only.into_iter().chain(&repositories) {
        // The chart's name is the last part of its repository, as `helm push` makes it.
        names.entry(last_part(repository)).or_default().push(repository);
    }
    let mut index = WordsIndex::begin(out)?;
    for (name, repositories) in names {
        let versions = match of_place.take_if(|(only, _)| *only == name) {
            Some((_, versions)) => versions,
            None => {
                let mut versions = Versions::new(cache.budget())?;
                for repository in repositories {
                    registry.list(repository, &mut versions);
                }
                versions
            }
        };
        if versions.left_out() > 0 {
            let (newest, older) = (versions.len(), versions.left_out());
            log::warn!(
                target: "oci",
                "{name} has more versions than can be listed: the {newest} newest are, {older} older ones are not"
            );
        }
        index.chart(cache, place, name, cached.called(name), &versions)?;
    }
    index.end()
}

/// The last part of a repository's name, which is the chart's name.
fn last_part(repository: &Repository) -> &str {
    repository.as_str().rsplit('/').next().unwrap_or_default()
}

impl RegistryPlace {
    /// Whether a repository is this place or directly below it: as with `oci://`, one part more and no deeper.
    pub(super) fn holds(&self, reference: &Reference) -> bool {
        reference.host == self.host
            && match &self.prefix {
                Some(prefix) if *prefix == reference.repository => true,
                _ => self.is_parent_of(&reference.repository),
            }
    }

    fn is_parent_of(&self, repository: &Repository) -> bool {
        let parent = repository.as_str().rsplit_once('/').map(|(parent, _)| parent);
        parent == self.prefix.as_ref().map(Repository::as_str)
    }
}

/// What the registry lists for a place. If it lists nothing, that is no error: the index then has what the cache has.
struct RemoteWords<'a> {
    client: &'a Client,
    place: &'a RegistryPlace,
    cached: &'a CachedCharts<'a>,
    is_reachable: bool,
}

impl RemoteWords<'_> {
    /// Adds the tags of a repository that the cache does not have. Returns whether the registry could be asked.
    fn list(&mut self, repository: &Repository, versions: &mut Versions<'_>) -> bool {
        if !self.is_reachable {
            return false;
        }
        versions.begin(repository);
        // A tag that the cache has is skipped, as its chart is listed from there.
        let known = self.cached.tags(repository);
        let mut take = |tag: Tag| {
            if !known.contains(&tag) {
                versions.take(&tag);
            }
        };
        let listed = self.client.repository(&self.place.host, repository);
        let Err(error) = listed.and_then(|repository| repository.each_tag(&mut take)) else { return true };
        versions.give_up();
        self.failed(&error, &repository.to_string());
        false
    }

    /// The repositories of the place whose tags should be requested.
    fn repositories(&mut self) -> BTreeSet<Repository> {
        if !self.is_reachable {
            return BTreeSet::new();
        }
        let of_cache: BTreeSet<_> = self.cached.repositories().cloned().collect();
        let (mut found, mut count) = (BTreeSet::new(), 0_usize);
        let told = self.client.each_repository(&self.place.host, &mut |repository| {
            if self.place.is_parent_of(&repository) {
                count += 1;
                if found.len() <= MAX_ASKED {
                    found.insert(repository);
                }
            }
        });
        if let Err(error) = told {
            self.failed(&error, "there is no catalog");
            return of_cache;
        }
        found.extend(of_cache.iter().cloned());
        if found.len() <= MAX_ASKED {
            return found;
        }
        log::warn!(
            target: "oci",
            "there are {} charts in {}: only those in the cache are listed, so name the repository of the chart",
            count.max(found.len()),
            self.place.host
        );
        of_cache
    }

    fn failed(&mut self, error: &RegistryError, what: &str) {
        if error.is_unreachable() {
            self.is_reachable = false;
            log::warn!(target: "oci", "listing what is in the cache: {}", chain(error));
        } else {
            log::debug!("{what}: {error}");
        }
    }
}

/// An index that is being written.
struct WordsIndex<'a> {
    out: BufWriter<&'a mut dyn Write>,
    text: String,
    has_charts: bool,
}

impl<'a> WordsIndex<'a> {
    fn begin(out: &'a mut dyn Write) -> Result<Self, GetError> {
        let mut out = BufWriter::with_capacity(64 << 10, out);
        out.write_all(b"apiVersion: v1\n")?;
        Ok(Self { out, text: String::new(), has_charts: false })
    }

    /// Writes the versions of one chart, ordered by their text: those of the cache, and further ones of the registry.
    fn chart(
        &mut self,
        cache: &Cache,
        place: &RegistryPlace,
        name: &str,
        cached: &[Cached],
        versions: &Versions<'_>,
    ) -> Result<(), GetError> {
        let mut cached =
            cached.iter().filter_map(|one| Some((one.chart.as_ref()?.1.as_str(), &one.reference)));
        let mut listed = versions.in_order();
        let (mut one, mut other) = (cached.next(), listed.next());
        let mut last: Option<String> = None;
        loop {
            let (version, entry) = match (&one, &other) {
                (Some((version, reference)), listed)
                    if listed.as_ref().is_none_or(|(_, _, theirs)| *version <= theirs.as_str()) =>
                {
                    let version = (*version).to_owned();
                    let entry =
                        if last.as_ref() == Some(&version) { None } else { readable(cache, reference) };
                    one = cached.next();
                    (version, entry)
                }
                (_, Some((repository, tag, version))) => {
                    let version = version.clone();
                    let is_new = last.as_ref() != Some(&version);
                    let entry =
                        if is_new { in_registry(place, repository, tag, name, &version) } else { None };
                    other = listed.next();
                    (version, entry)
                }
                (_, None) => break,
            };
            if let Some(entry) = entry {
                self.version(name, last.is_none(), &entry)?;
                last = Some(version);
            }
        }
        Ok(())
    }

    fn version(&mut self, name: &str, is_first: bool, entry: &Value) -> Result<(), GetError> {
        self.text.clear();
        if !self.has_charts {
            self.has_charts = true;
            yaml_text::key(&mut self.text, 0, "entries");
        }
        if is_first {
            yaml_text::key(&mut self.text, 2, name);
        }
        yaml_text::item(&mut self.text, 2, entry);
        Ok(self.out.write_all(self.text.as_bytes())?)
    }

    fn end(mut self) -> Result<(), GetError> {
        self.text.clear();
        if !self.has_charts {
            yaml_text::entry(&mut self.text, 0, "entries", &json!({}));
        }
        let generated = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
        yaml_text::entry(&mut self.text, 0, "generated", &generated.into());
        self.out.write_all(self.text.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

/// The entry of a chart of the cache; `None`, with a warning, if it cannot be read.
fn readable(cache: &Cache, reference: &Reference) -> Option<Value> {
    cached::entry(cache, reference).map_err(|error| log::warn!(target: "oci", "{reference}: {error}")).ok()
}

/// The entry of a chart of which only the tag is known.
fn in_registry(
    place: &RegistryPlace,
    repository: &Repository,
    tag: &str,
    name: &str,
    version: &str,
) -> Option<Value> {
    let (host, repository) = (place.host.clone(), repository.clone());
    let reference = Reference { host, repository, tag: Some(tag.parse().ok()?), digest: None };
    let urls = [url(&reference, name, version)];
    Some(json!({ "apiVersion": "v2", "name": name, "version": version, "urls": urls }))
}
