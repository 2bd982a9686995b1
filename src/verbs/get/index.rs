//! The index.yaml of a part of a registry: what the cache has there, and what the registry has, if it can be reached.
//!
//! Helm asks for an index without saying which chart it is looking for, and a registry has no index: what it has is
//! found by asking for the tags of a repository, and which repositories there are by asking for its catalog, which many
//! registries keep to themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::address::{Place, url};
use super::{GetError, missed};
use crate::cache::Cache;
use crate::causes::chain;
use crate::chart::Metadata;
use crate::reference::{Reference, Repository, Tag};
use crate::registry::{Client, Error};
use crate::version::Version;
use crate::yaml_text;

/// A request for each repository that the catalog names is fine for somebody's charts, not for a whole company's.
const MAX_ASKED: usize = 64;

/// The charts by name, and by version within it.
type Entries = BTreeMap<String, BTreeMap<String, Value>>;

/// Writes the index.
pub(super) fn write(cache: &Cache, client: &Client, place: &Place) -> Result<String, GetError> {
    let mut entries = Entries::new();
    let mut cached = BTreeSet::new();
    for reference in cache.references(missed)? {
        if place.holds(&reference) {
            match entry(cache, &reference) {
                Ok((metadata, entry)) => {
                    entries.entry(metadata.name).or_default().entry(metadata.version).or_insert(entry);
                }
                // One broken chart does not hide the others.
                Err(error) => log::warn!(target: "oci", "{reference}: {error}"),
            }
            cached.insert(reference);
        }
    }
    for (repository, tags) in in_registry(client, place, &cached) {
        let name = repository.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        for tag in tags {
            let reference = Reference {
                host: place.host.clone(),
                repository: repository.clone(),
                tag: Some(tag.clone()),
                digest: None,
            };
            let version = tag.to_version();
            // What the cache has is known for what it is, whatever its tag is called.
            if cached.contains(&reference) || Version::parse_strict(&version).is_err() {
                continue;
            }
            // The chart is named as the last part of its repository: `helm push` makes it so.
            let entry = json!({
                "apiVersion": "v2",
                "name": name,
                "version": version,
                "urls": [url(&reference, &name, &version)],
            });
            entries.entry(name.clone()).or_default().entry(version).or_insert(entry);
        }
    }
    let entries = entries.into_iter().map(|(name, versions)| (name, versions.into_values().collect()));
    let generated = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    Ok(yaml_text::document(&json!({
        "apiVersion": "v1",
        "entries": entries.collect::<Map<String, Value>>(),
        "generated": generated,
    })))
}

impl Place {
    /// Whether a repository is this place, or lies in it: as with `oci://`, one part more and no deeper.
    fn holds(&self, reference: &Reference) -> bool {
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

/// A chart of the cache as an index has it.
fn entry(cache: &Cache, reference: &Reference) -> Result<(Metadata, Value), GetError> {
    let (stored, parts) = cache.open(reference)?;
    let meta = parts.meta.bytes()?;
    let metadata = Metadata::from_meta(&meta, &stored.entry.name, &stored.entry.version)?;
    let mut entry: Map<String, Value> = serde_json::from_slice(&metadata.to_config()?)?;
    let created = humantime::format_rfc3339_seconds(stored.created).to_string();
    entry.insert("urls".to_owned(), json!([url(reference, &metadata.name, &metadata.version)]));
    entry.insert("created".to_owned(), created.into());
    Ok((metadata, entry.into()))
}

/// The repositories of the place with their tags, as far as the registry tells. That it does not is no failure: then the
/// index holds what the cache has.
fn in_registry(client: &Client, place: &Place, cached: &BTreeSet<Reference>) -> Vec<(Repository, Vec<Tag>)> {
    let tags = |repository: &Repository| client.repository(&place.host, repository)?.tags();
    if let Some(prefix) = &place.prefix {
        match tags(prefix) {
            Ok(tags) => return vec![(prefix.clone(), tags)],
            Err(error) if error.is_unreachable() => return offline(&error),
            Err(error) => log::debug!("{prefix} is no repository: {error}"),
        }
    }
    let mut repositories: BTreeSet<_> = cached.iter().map(|reference| reference.repository.clone()).collect();
    match client.catalog(&place.host) {
        Ok(all) => {
            let mut found: BTreeSet<_> =
                all.into_iter().filter(|repository| place.is_parent_of(repository)).collect();
            found.append(&mut repositories.clone());
            if found.len() <= MAX_ASKED {
                repositories = found;
            } else {
                log::warn!(
                    target: "oci",
                    "there are {} charts in {}: only those in the cache are listed, so name the repository of the chart",
                    found.len(),
                    place.host
                );
            }
        }
        Err(error) if error.is_unreachable() => return offline(&error),
        Err(error) => log::debug!("there is no catalog: {error}"),
    }
    let mut found = Vec::new();
    for repository in repositories {
        match tags(&repository) {
            Ok(tags) => found.push((repository, tags)),
            Err(error) if error.is_unreachable() => return offline(&error),
            Err(error) => log::debug!("{repository}: {error}"),
        }
    }
    found
}

fn offline(error: &Error) -> Vec<(Repository, Vec<Tag>)> {
    log::warn!(target: "oci", "listing what is in the cache: {}", chain(error));
    Vec::new()
}
