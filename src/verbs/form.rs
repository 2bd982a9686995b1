//! Makes a chart's form in a registry: config, layers and manifest, as Helm 3.8 and later push them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::outcome::BlobSummary;
use crate::chart::Metadata;
use crate::manifest::{Descriptor, Manifest};
use crate::{go_json, media_type};

/// A chart's config and manifest, as bytes. They decide the digest that users pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// The content of the config blob.
    pub config: Vec<u8>,
    /// The content of the manifest.
    pub manifest: Vec<u8>,
}

impl Form {
    /// The form of a chart with this archive and provenance file. `epoch` is SOURCE_DATE_EPOCH, in seconds.
    pub fn new(
        metadata: &Metadata,
        chart: &BlobSummary,
        provenance: Option<&BlobSummary>,
        epoch: Option<u64>,
    ) -> Result<Self, serde_json::Error> {
        let config = metadata.to_config()?;
        let descriptor =
            |kind: &str, part: &BlobSummary| Descriptor::new(kind, part.digest.clone(), part.size);
        let mut layers = vec![descriptor(media_type::CHART, chart)];
        layers.extend(provenance.map(|part| descriptor(media_type::PROVENANCE, part)));
        // Helm 4 sorts layers by digest (pkg/registry/client.go, Push); 3.8 to 3.21 do so through oras.
        if provenance.is_some_and(|provenance| provenance.digest < chart.digest) {
            layers.reverse();
        }
        let manifest = Manifest {
            schema_version: 2,
            media_type: None,
            artifact_type: None,
            config: Descriptor::of(media_type::CONFIG, &config),
            layers,
            annotations: annotations(metadata, epoch),
        };
        Ok(Self { manifest: go_json::to_vec(&manifest)?, config })
    }

    /// The digest and size of the manifest.
    pub fn manifest_part(&self) -> BlobSummary {
        BlobSummary::of(&self.manifest)
    }

    /// The digest and size of the config.
    pub fn config_part(&self) -> BlobSummary {
        BlobSummary::of(&self.config)
    }
}

/// The annotations of the manifest: those of Helm's generateOCIAnnotations (pkg/registry/chart.go, 3.12 and later),
/// except the time of the push, which would give every push another digest.
fn annotations(metadata: &Metadata, epoch: Option<u64>) -> BTreeMap<String, String> {
    const TITLE: &str = "org.opencontainers.image.title";
    const VERSION: &str = "org.opencontainers.image.version";
    let created = epoch.map(|seconds| {
        humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
    });
    let maintainer = |m: &crate::chart::Maintainer| {
        if m.email.is_empty() { m.name.clone() } else { format!("{} ({})", m.name, m.email) }
    };
    let authors: Vec<_> = metadata.maintainers.iter().map(maintainer).collect();
    let own = [
        ("org.opencontainers.image.description", metadata.description.clone()),
        (TITLE, metadata.name.clone()),
        (VERSION, metadata.version.clone()),
        ("org.opencontainers.image.url", metadata.home.clone()),
        ("org.opencontainers.image.created", created.unwrap_or_default()),
        ("org.opencontainers.image.source", metadata.sources.first().cloned().unwrap_or_default()),
        ("org.opencontainers.image.authors", authors.join(", ")),
    ];
    let own = own.into_iter().filter(|(_, value)| !value.trim().is_empty());
    let mut annotations = BTreeMap::new();
    annotations.extend(own.map(|(key, value)| (key.to_owned(), value)));
    let others =
        metadata.annotations.iter().filter(|(key, _)| key.as_str() != TITLE && key.as_str() != VERSION);
    annotations.extend(others.map(|(key, value)| (key.clone(), value.clone())));
    annotations
}
