//! Finds charts and opens them, for commands that only read them.

use std::fs::{self, File};
use std::path::Path;

use super::error::LookError;
use super::subject::Subject;
use crate::cache::{Cache, CacheError, Unreadable};
use crate::chart::{ChartError, ChartView, Metadata};
use crate::digest::Digest;
use crate::disk::AtPath as _;
use crate::manifest::{ChartManifest, ManifestDocument};
use crate::reference::Reference;
use crate::registry::{Client, ManifestAnswer};
use crate::verbs::layer::Layer;
use crate::verbs::outcome::OnProgress;
use crate::verbs::pull::{PullError, PullOptions, explained, pull, resolve};
use crate::version::Newest;

/// Where and how charts are looked for.
pub struct Looker<'a> {
    /// The cache, into which charts are pulled. Memory is taken from its budget.
    pub cache: &'a Cache,
    /// The client for registries; `None` to use only the cache.
    pub client: Option<&'a Client>,
    /// The constraint on versions for references without a tag or digest.
    pub constraint: Option<&'a str>,
    /// Is called with the number of bytes to fetch, and then with those that were fetched.
    pub progress: OnProgress<'a>,
}

/// A chart that was found and opened.
#[derive(Debug)]
pub struct LookedAtChart<'a> {
    /// The files of the chart.
    pub view: ChartView<'a>,
    /// Its reference, with the tag or digest that was found; `None` for a path.
    pub reference: Option<Reference>,
    /// The digest of its manifest, if it has one.
    pub digest: Option<Digest>,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// A manifest as its registry has it.
#[derive(Clone, Debug)]
pub struct RawChartManifest {
    /// The content, byte for byte.
    pub bytes: Vec<u8>,
    /// The digest of the content.
    pub digest: Digest,
}

impl<'a> Looker<'a> {
    /// Opens a chart. One in a registry is pulled into the cache, unless it is there. For a tag the registry is asked
    /// whether it still stands for the same manifest; for a digest it is not asked.
    pub fn open(&self, subject: &Subject) -> Result<LookedAtChart<'a>, LookError> {
        let reference = match subject {
            Subject::Path(path) => return self.open_path(path),
            Subject::Reference(reference) => self.resolve(reference)?,
        };
        let reference = match self.client {
            Some(client) => {
                pull(self.cache, client, &reference, PullOptions::default(), self.progress)?.reference
            }
            None => reference,
        };
        let layer = Layer::open(self.cache, &reference)?;
        let digest = layer.entry.as_in_registry().cloned();
        let package = layer.read().at("read", self.cache.root())?;
        match ChartView::of_package(package, self.cache.budget()) {
            Ok(view) => Ok(LookedAtChart { view, reference: Some(reference), digest, is_directory: false }),
            // A damaged blob fails in many ways; the error should say that it is damaged.
            Err(error) => Err(layer.blame().map_or(LookError::Chart(error), LookError::Cache)),
        }
    }

    fn open_path(&self, path: &Path) -> Result<LookedAtChart<'a>, LookError> {
        let kind = fs::metadata(path).at("read", path)?;
        let budget = self.cache.budget();
        let view = if kind.is_dir() {
            ChartView::of_directory(path, budget)?
        } else if kind.is_file() {
            ChartView::of_package(File::open(path).at("read", path)?, budget)?
        } else {
            return Err(ChartError::Irregular(path.to_path_buf()).into());
        };
        Ok(LookedAtChart { view, reference: None, digest: None, is_directory: kind.is_dir() })
    }

    /// The metadata of a chart. Of a chart in a registry only the config is fetched.
    pub fn metadata(&self, subject: &Subject) -> Result<Metadata, LookError> {
        let reference = match subject {
            Subject::Path(path) => return Ok(self.open_path(path)?.view.metadata().clone()),
            Subject::Reference(reference) => self.resolve(reference)?,
        };
        let Some(raw) = self.manifest_of(&reference)? else {
            return Ok(Layer::open(self.cache, &reference)?.metadata);
        };
        let (Some(client), ManifestDocument::Manifest(document)) =
            (self.client, ManifestDocument::parse(&raw.bytes, "")?)
        else {
            return Ok(self.open(subject)?.view.metadata().clone());
        };
        match ChartManifest::new(&document)? {
            ChartManifest::Whole { config, .. } => {
                let repository = client.repository(&reference.host, &reference.repository)?;
                let bytes = repository.get_small_blob(&config)?;
                Metadata::from_config(&bytes).map_err(LookError::Config)
            }
            // The config of such a chart has neither a name nor a version.
            ChartManifest::Split { .. } => Ok(self.open(subject)?.view.metadata().clone()),
        }
    }

    /// The manifest of a chart, byte for byte as its registry has it.
    pub fn manifest(&self, subject: &Subject) -> Result<RawChartManifest, LookError> {
        let reference = match subject {
            Subject::Path(path) => return Err(LookError::NoManifest(path.clone())),
            Subject::Reference(reference) => self.resolve(reference)?,
        };
        if let Some(raw) = self.manifest_of(&reference)? {
            return Ok(raw);
        }
        let (stored, parts) = self.cache.open(&reference)?;
        let pushed = parts.pushed.map(|pushed| pushed.manifest);
        let manifest = pushed.or(parts.origin).ok_or(LookError::NotPushed(Box::new(stored.reference)))?;
        Ok(RawChartManifest { bytes: manifest.bytes()?, digest: manifest.digest().clone() })
    }

    /// The digest of a chart's manifest, with at most one request; `None` if it has no manifest.
    pub fn digest(&self, subject: &Subject) -> Result<Option<Digest>, LookError> {
        let Subject::Reference(reference) = subject else { return Ok(None) };
        let reference = self.resolve(reference)?;
        if let (Some(digest), Some(_)) = (&reference.digest, self.client) {
            return Ok(Some(digest.clone()));
        }
        let Some(client) = self.client else {
            return Ok(self.cache.find(&reference)?.entry.as_in_registry().cloned());
        };
        let target = reference.target().ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        let repository = client.repository(&reference.host, &reference.repository)?;
        Ok(repository.head_manifest(target)?.map(|head| head.digest))
    }

    /// The manifest from the registry; `None` if the cache has the same chart, or no registry may be asked.
    fn manifest_of(&self, reference: &Reference) -> Result<Option<RawChartManifest>, LookError> {
        let Some(client) = self.client else { return Ok(None) };
        let local = self.cache.find(reference).ok();
        let known = local.as_ref().and_then(|stored| stored.entry.as_in_registry());
        if reference.digest.is_some() && local.is_some() {
            return Ok(None);
        }
        let target = reference.target().ok_or_else(|| CacheError::NoTag(reference.clone()))?;
        let repository = client.repository(&reference.host, &reference.repository)?;
        let answer = repository.get_manifest(target, known);
        let answer = answer.map_err(|error| explained(client, reference, error.into()))?;
        let raw = match answer {
            ManifestAnswer::NotModified => return Ok(None),
            ManifestAnswer::Manifest(raw) if Some(&raw.digest) == known => return Ok(None),
            ManifestAnswer::Manifest(raw) => raw,
        };
        // Of an index, the manifest of the one chart in it.
        let chosen = match ManifestDocument::parse(&raw.bytes, &raw.content_type)? {
            ManifestDocument::Manifest(_) => raw,
            ManifestDocument::Index(index) => {
                match repository.get_manifest((&index.chart()?.digest).into(), None)? {
                    ManifestAnswer::Manifest(child) => child,
                    ManifestAnswer::NotModified => raw,
                }
            }
        };
        Ok(Some(RawChartManifest { bytes: chosen.bytes, digest: chosen.digest }))
    }

    /// The reference with the tag of the version that it means.
    fn resolve(&self, reference: &Reference) -> Result<Reference, LookError> {
        match self.client {
            Some(client) => Ok(resolve(client, reference, self.constraint)?),
            None if reference.target().is_some() => Ok(reference.clone()),
            None => self.newest_in_cache(reference),
        }
    }

    fn newest_in_cache(&self, reference: &Reference) -> Result<Reference, LookError> {
        let text = self.constraint.unwrap_or_default();
        let unreadable = |source| PullError::Constraint { text: text.to_owned(), source };
        let mut newest = Newest::new(text).map_err(unreadable)?;
        let missed = |at: &Unreadable| log::warn!("{}", at.error);
        self.cache.each_reference(missed, |other| {
            if let Some(tag) = other.tag.as_ref().filter(|_| other.name() == reference.name()) {
                newest.offer(tag.as_str());
            }
        })?;
        let tag = newest.tag().and_then(|tag| tag.parse().ok());
        tag.map(|tag| reference.with_tag(tag))
            .ok_or_else(|| LookError::NotInCache(Box::new(reference.clone())))
    }
}

impl std::fmt::Debug for Looker<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Looker")
    }
}
