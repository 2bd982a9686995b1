//! Makes the index of a classic repository, a few registry repositories at a time, so that only these are in memory.

use std::collections::BTreeMap;
use std::io::{BufWriter, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use serde_json::json;

use super::entry::{entry, file_name};
use super::error::ClassicError;
use super::files::{package, whole};
use crate::digest::Digest;
use crate::disk::{self, AtPath as _};
use crate::manifest::Descriptor;
use crate::media_type;
use crate::reference::{Reference, Repository, Tag};
use crate::registry::{Client, RepositoryClient};
use crate::threads::in_parallel;
use crate::verbs::browse::{Browser, ChartVersion, VersionSelection};
use crate::verbs::get::RegistryPlace;
use crate::yaml_text;

/// How a classic repository is made.
#[derive(Clone, Debug)]
pub struct ClassicOptions {
    /// The directory of the classic repository.
    pub directory: PathBuf,
    /// The versions to include.
    pub selection: VersionSelection,
    /// Whether the index has the references of the charts in the registry, and no packages are written.
    pub oci_urls: bool,
    /// The time at which the index says that it was made, in RFC 3339 (SOURCE_DATE_EPOCH); `None` for that of the
    /// newest chart.
    pub generated: Option<String>,
}

/// The result for one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClassicStatus {
    /// Its package was written.
    Written,
    /// Its package was there already.
    Current,
    /// It is only named in the index.
    Named,
}

/// The result for a version of a chart.
#[derive(Debug)]
pub struct ClassicRow {
    /// The reference in the registry.
    pub reference: Reference,
    /// The digest of its manifest, if it is known.
    pub manifest: Option<Digest>,
    /// The URL in the index: a file name, or a reference; empty if it failed.
    pub url: String,
    /// What was done, or why it failed.
    pub result: Result<ClassicStatus, ClassicError>,
}

/// The results for one repository of the registry.
#[derive(Debug)]
pub struct IndexedRepository {
    /// The results for its versions, the newest version first.
    pub rows: Vec<ClassicRow>,
    /// How many of its tags stand for something other than a chart.
    pub foreign: usize,
}

/// Why a version cannot be in the index.
enum UnclaimedVersion {
    /// This other repository has charts of the same name.
    Name(Repository),
    /// This other tag has a different chart of the same name and version.
    Version(Tag),
}

/// A version with the number of its repository, the client for that, and why it cannot be in the index, if it cannot.
type VersionTask<'v> = (usize, &'v RepositoryClient, &'v ChartVersion, Option<UnclaimedVersion>);

/// Makes a classic repository.
pub struct ClassicIndexing<'a> {
    browser: &'a Browser<'a>,
    client: &'a Client,
    options: &'a ClassicOptions,
    /// The index so far, in an unnamed file. It gets its name when it is complete.
    index: BufWriter<std::fs::File>,
    /// The names of charts in the index, with the repository that each comes from.
    names: BTreeMap<String, Repository>,
    has_entries: bool,
    newest: Option<String>,
}

impl<'a> ClassicIndexing<'a> {
    /// Starts an index. The directory is created if it does not exist.
    pub fn new(
        browser: &'a Browser<'a>,
        client: &'a Client,
        options: &'a ClassicOptions,
    ) -> Result<Self, ClassicError> {
        disk::make_dirs(&options.directory)?;
        let temporary = std::env::temp_dir();
        let index = tempfile::tempfile().at("write into", &temporary)?;
        let index = BufWriter::new(index);
        let (names, has_entries, newest) = (BTreeMap::new(), false, None);
        let mut indexing = Self { browser, client, options, index, names, has_entries, newest };
        indexing.write("apiVersion: v1\n")?;
        Ok(indexing)
    }

    /// The repositories of a place that may have charts, sorted.
    pub fn repositories(&self, place: &RegistryPlace) -> Result<Vec<Repository>, ClassicError> {
        Ok(self.browser.repositories_at(place)?)
    }

    /// Adds all charts of some repositories to the index, and writes their packages. The repositories are looked at, and
    /// the packages fetched, several at once. Returns the results in the order of the repositories.
    pub fn add(
        &mut self,
        place: &RegistryPlace,
        repositories: &[Repository],
    ) -> Result<Vec<Result<IndexedRepository, ClassicError>>, ClassicError> {
        // Each repository is looked at with one request at a time.
        let at_once = if repositories.len() > 1 { 1 } else { self.browser.at_once };
        let browser = Browser { at_once, ..*self.browser };
        let look = |repository: &Repository| {
            let found = browser.versions(&place.host, repository, &self.options.selection)?;
            Ok::<_, ClassicError>((self.client.repository(&place.host, repository)?, found))
        };
        let mut looked = Vec::with_capacity(repositories.len());
        in_parallel(repositories, self.browser.at_once, look, |found| looked.push(found));
        let is_too_much =
            |found: &Result<_, ClassicError>| matches!(found, Err(error) if error.is_about_memory());
        if repositories.len() > 1 && looked.iter().any(is_too_much) {
            // One by one, so that the index does not depend on which of them there was room for.
            drop(looked);
            let mut added = Vec::with_capacity(repositories.len());
            for repository in repositories {
                added.extend(self.add(place, std::slice::from_ref(repository))?);
            }
            return Ok(added);
        }
        let mut tasks = Vec::new();
        for (number, (repository, found)) in repositories.iter().zip(&looked).enumerate() {
            let Ok((client, found)) = found else { continue };
            let mut claims = BTreeMap::new();
            for version in &found.versions {
                // A further tag for the same package is not a further version.
                let Some(refused) = self.claim(&mut claims, repository, version) else { continue };
                tasks.push((number, client, version, refused));
            }
        }
        let put = |(_, client, version, refused): &VersionTask<'_>| match refused {
            None => self.put(client, version),
            Some(UnclaimedVersion::Name(other)) => Err(ClassicError::Twice(other.to_string())),
            Some(UnclaimedVersion::Version(tag)) => Err(ClassicError::SameVersion(tag.clone())),
        };
        let mut done = Vec::with_capacity(tasks.len());
        in_parallel(&tasks, self.browser.at_once, put, |result| done.push(result));
        let mut rows: Vec<Vec<ClassicRow>> = repositories.iter().map(|_| Vec::new()).collect();
        let mut entries: Vec<BTreeMap<String, String>> =
            repositories.iter().map(|_| BTreeMap::new()).collect();
        for ((number, _, version, _), result) in tasks.into_iter().zip(done) {
            let (Some(rows), Some(entries)) = (rows.get_mut(number), entries.get_mut(number)) else {
                continue;
            };
            let result = result.and_then(|(url, status)| {
                let entry = entry(version, &url)?;
                yaml_text::item(entries.entry(version.metadata.name.clone()).or_default(), 2, &entry);
                self.newest = self.newest.take().max(version.created.clone());
                Ok((url, status))
            });
            let (url, result) = match result {
                Ok((url, status)) => (url, Ok(status)),
                Err(error) => (String::new(), Err(error)),
            };
            let (reference, manifest) = (version.reference.clone(), version.digest.clone());
            rows.push(ClassicRow { reference, manifest, url, result });
        }
        for (name, text) in entries.into_iter().flatten() {
            let mut key = String::new();
            if !std::mem::replace(&mut self.has_entries, true) {
                yaml_text::key(&mut key, 0, "entries");
            }
            yaml_text::key(&mut key, 2, &name);
            self.write(&key)?;
            self.write(&text)?;
        }
        let mut added = Vec::with_capacity(repositories.len());
        for (found, rows) in looked.into_iter().zip(rows) {
            added.push(found.map(|(_, found)| IndexedRepository { rows, foreign: found.foreign.len() }));
        }
        Ok(added)
    }

    /// Whether a version can be in the index: `Some(None)` if it can, `Some` with the reason if it cannot, and `None`
    /// if the same package is in it under another tag.
    fn claim<'v>(
        &mut self,
        claims: &mut BTreeMap<(&'v str, &'v str), &'v ChartVersion>,
        repository: &Repository,
        version: &'v ChartVersion,
    ) -> Option<Option<UnclaimedVersion>> {
        let (name, number) = (version.metadata.name.as_str(), version.metadata.version.as_str());
        match self.names.get(name) {
            Some(other) if other != repository => {
                return Some(Some(UnclaimedVersion::Name(other.clone())));
            }
            Some(_) => {}
            None => drop(self.names.insert(name.to_owned(), repository.clone())),
        }
        let first = *claims.entry((name, number)).or_insert(version);
        match (std::ptr::eq(first, version), first.package == version.package) {
            (true, _) => Some(None),
            (false, true) => None,
            (false, false) => Some(first.reference.tag.clone().map(UnclaimedVersion::Version)),
        }
    }

    /// Writes the package of a version if needed. Returns its URL in the index, and what was done.
    fn put(
        &self,
        client: &RepositoryClient,
        version: &ChartVersion,
    ) -> Result<(String, ClassicStatus), ClassicError> {
        if self.options.oci_urls {
            return Ok((format!("oci://{}", version.reference), ClassicStatus::Named));
        }
        let (Some(digest), Some(size)) = (&version.package, version.size) else {
            return Err(ClassicError::NoPackage);
        };
        let name = file_name(version)?;
        let path = self.options.directory.join(&name);
        let descriptor = Descriptor::new(media_type::CHART, digest.clone(), size);
        let mut written = package(client, &path, &descriptor)?;
        if let Some(provenance) = &version.provenance {
            let path = self.options.directory.join(format!("{name}.prov"));
            written |= package(client, &path, provenance)?;
        }
        Ok((name, if written { ClassicStatus::Written } else { ClassicStatus::Current }))
    }

    /// Completes the index and writes it as index.yaml. Returns whether it differs from the one before.
    pub fn finish(mut self) -> Result<bool, ClassicError> {
        let generated = self.options.generated.clone().or(self.newest.take());
        let generated = generated.unwrap_or_else(|| "1970-01-01T00:00:00Z".to_owned());
        let mut tail = if !self.has_entries { "entries: {}\n".to_owned() } else { String::new() };
        yaml_text::entry(&mut tail, 0, "generated", &json!(generated));
        self.write(&tail)?;
        let temporary = std::env::temp_dir();
        let index = self.index.into_inner().map_err(std::io::IntoInnerError::into_error);
        let mut index = index.at("write into", &temporary)?;
        index.seek(SeekFrom::Start(0)).at("read", &temporary)?;
        whole(&self.options.directory.join("index.yaml"), index)
    }

    fn write(&mut self, text: &str) -> Result<(), ClassicError> {
        Ok(self.index.write_all(text.as_bytes()).at("write into", &std::env::temp_dir())?)
    }
}
