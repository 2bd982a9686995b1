//! Finds out what a tag stands for, by its manifest and config. Each is fetched once and then kept.

use super::browser::{Browser, ChartVersion};
use super::error::BrowseError;
use super::tags::RepositoryTags;
use crate::chart::Metadata;
use crate::digest::Digest;
use crate::manifest::{ChartManifest, Descriptor, Manifest, ManifestDocument};
use crate::reference::{Host, Reference, Repository, Tag, Target};
use crate::registry::{self, ManifestAnswer, RepositoryClient};
use crate::verbs::layer::Layer;

/// The annotation that says when an artifact was made (image spec, annotations.md).
const CREATED: &str = "org.opencontainers.image.created";

/// What a tag stands for.
pub(super) enum SeenTag {
    /// A chart.
    Chart(Box<ChartVersion>),
    /// Something other than a chart, or nothing any more. With the digest, if it is known.
    Foreign(Option<Digest>),
    /// It was not examined before, and no registry may be asked.
    Unknown,
}

impl Browser<'_> {
    /// Examines a tag. If its manifest is kept, this takes no request where the list names that manifest, and a `HEAD`
    /// otherwise.
    pub(super) fn look(
        &self,
        host: &Host,
        repository: &Repository,
        tag: &Tag,
        tags: &RepositoryTags<'_>,
    ) -> Result<SeenTag, BrowseError> {
        let (host, place, digest) = (host.clone(), repository.clone(), None);
        let reference = Reference { host, repository: place, tag: Some(tag.clone()), digest };
        let known = tags.known.get(tag).cloned().flatten();
        let Some(client) = self.client else { return Ok(self.look_here(reference, known)) };
        let repository = client.repository(&reference.host, &reference.repository)?;
        let listed = tags.tags.get(tag).cloned().flatten();
        let found = match (listed, known) {
            (Some(listed), _) => self.document(&repository, &listed)?,
            (None, Some(known)) if self.kept.get(&known).is_some() => {
                match repository.head_manifest(tag.into())? {
                    Some(head) => self.document(&repository, &head.digest)?,
                    None => None,
                }
            }
            (None, _) => self.fetch(&repository, tag.into())?,
        };
        let Some((digest, bytes)) = found else { return Ok(SeenTag::Foreign(None)) };
        let mut seen = self.read(Some(&repository), reference, digest, &bytes)?;
        if let (SeenTag::Chart(version), Some(time)) = (&mut seen, tags.uploaded.get(tag)) {
            let time = humantime::format_rfc3339_seconds(*time).to_string();
            version.created.get_or_insert(time);
        }
        Ok(seen)
    }

    /// What is known without a request: from what was kept, or from the cache.
    fn look_here(&self, reference: Reference, known: Option<Digest>) -> SeenTag {
        if let Some((digest, bytes)) =
            known.and_then(|digest| Some((digest.clone(), self.kept.get(&digest)?)))
            && let Ok(seen @ SeenTag::Chart(_)) = self.read(None, reference.clone(), digest, &bytes)
        {
            return seen;
        }
        match Layer::open(self.cache, &reference) {
            Ok(layer) => SeenTag::Chart(Box::new(ChartVersion {
                reference,
                digest: layer.entry.as_in_registry().cloned(),
                created: None,
                size: Some(layer.size()),
                package: None,
                provenance: None,
                metadata: layer.metadata,
            })),
            Err(_) => SeenTag::Unknown,
        }
    }

    /// A manifest by its digest, from what was kept or from the registry; `None` if the registry does not have it.
    fn document(
        &self,
        repository: &RepositoryClient,
        digest: &Digest,
    ) -> Result<Option<(Digest, Vec<u8>)>, BrowseError> {
        match self.kept.get(digest) {
            Some(bytes) => Ok(Some((digest.clone(), bytes))),
            None => self.fetch(repository, digest.into()),
        }
    }

    fn fetch(
        &self,
        repository: &RepositoryClient,
        target: Target<'_>,
    ) -> Result<Option<(Digest, Vec<u8>)>, BrowseError> {
        match repository.get_manifest(target, None) {
            Ok(ManifestAnswer::Manifest(raw)) => {
                self.kept.put(&raw.digest, &raw.bytes);
                Ok(Some((raw.digest, raw.bytes)))
            }
            // Some registries list tags whose manifest is gone.
            Ok(ManifestAnswer::NotModified) | Err(registry::RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn read(
        &self,
        repository: Option<&RepositoryClient>,
        reference: Reference,
        digest: Digest,
        bytes: &[u8],
    ) -> Result<SeenTag, BrowseError> {
        let foreign = |digest: Digest| Ok(SeenTag::Foreign(Some(digest)));
        let manifest = match ManifestDocument::parse(bytes, "") {
            Ok(ManifestDocument::Manifest(manifest)) => manifest,
            Ok(ManifestDocument::Index(index)) => {
                let Ok(child) = index.chart() else { return foreign(digest) };
                match self.child(repository, child)? {
                    Some(manifest) => manifest,
                    None => return foreign(digest),
                }
            }
            Err(_) => return foreign(digest),
        };
        let Ok(chart) = ChartManifest::new(&manifest) else { return foreign(digest) };
        let (metadata, size, package, provenance) = match &chart {
            ChartManifest::Whole { config, chart, provenance, .. } => {
                let Some(bytes) = self.blob(repository, config)? else { return Ok(SeenTag::Unknown) };
                (Metadata::from_config(&bytes), chart.size, Some(chart.digest.clone()), provenance.clone())
            }
            ChartManifest::Split { meta, content, name, version } => {
                let Some(bytes) = self.blob(repository, meta)? else { return Ok(SeenTag::Unknown) };
                (Metadata::from_meta(&bytes, name, version), content.size, None, None)
            }
        };
        let Ok(metadata) = metadata else { return foreign(digest) };
        let created = manifest.annotations.get(CREATED).cloned();
        let (digest, size) = (Some(digest), Some(size));
        let version = ChartVersion { reference, digest, created, size, package, provenance, metadata };
        Ok(SeenTag::Chart(Box::new(version)))
    }

    /// A manifest that an index lists.
    fn child(
        &self,
        repository: Option<&RepositoryClient>,
        child: &Descriptor,
    ) -> Result<Option<Manifest>, BrowseError> {
        let found = match (self.kept.get(&child.digest), repository) {
            (Some(bytes), _) => Some(bytes),
            (None, Some(repository)) => {
                self.fetch(repository, (&child.digest).into())?.map(|(_, bytes)| bytes)
            }
            (None, None) => None,
        };
        Ok(found.and_then(|bytes| match ManifestDocument::parse(&bytes, "") {
            Ok(ManifestDocument::Manifest(manifest)) => Some(manifest),
            _ => None,
        }))
    }

    /// A config by its descriptor. It is fetched once and then kept.
    fn blob(
        &self,
        repository: Option<&RepositoryClient>,
        descriptor: &Descriptor,
    ) -> Result<Option<Vec<u8>>, BrowseError> {
        if let Some(bytes) = self.kept.get(&descriptor.digest) {
            return Ok(Some(bytes));
        }
        let Some(repository) = repository else { return Ok(None) };
        let bytes = repository.get_small_blob(descriptor)?;
        self.kept.put(&descriptor.digest, &bytes);
        Ok(Some(bytes))
    }
}
