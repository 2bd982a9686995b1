//! Reads `PREFIX/charts-index:latest`, the list of charts that Bitnami publishes next to them. It is the only way to
//! list the charts below a prefix of a registry without a catalog (internal/indexer/oci.go in bitnami/charts-syncer).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Seek as _, SeekFrom, Write as _};

use serde::Deserialize;

use super::browser::{Browser, ChartVersion};
use super::error::BrowseError;
use super::places::{ListedChart, ListedCharts};
use crate::chart::Metadata;
use crate::digest::{Digest, Hasher};
use crate::disk::AtPath as _;
use crate::http::Sink;
use crate::manifest::{Descriptor, ManifestDocument};
use crate::reference::{Reference, Repository, Tag};
use crate::registry::{ManifestAnswer, RepositoryClient};
use crate::verbs::get::RegistryPlace;
use crate::version::Version;

const LAYER: &str = "application/vnd.vmware.charts.index.layer.v1+json";
/// The largest list that is read, in bytes. That of 120 charts with 30 versions each has 1 MiB.
const MOST: u64 = 64 << 20;

#[derive(Deserialize)]
struct ChartsIndex {
    entries: BTreeMap<String, IndexedChart>,
}

/// One chart of the list. Only its newest version is kept while the list is read.
struct IndexedChart(Option<IndexedVersion>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexedVersion {
    version: String,
    #[serde(default)]
    app_version: String,
    digest: Option<String>,
    released_at: Option<String>,
}

impl<'de> Deserialize<'de> for IndexedChart {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct IndexedVersions {
            #[serde(default)]
            versions: Vec<IndexedVersion>,
        }
        let versions = IndexedVersions::deserialize(deserializer)?.versions;
        let stable = versions.into_iter().filter_map(|one| {
            let version = Version::parse_strict(&one.version).ok()?;
            version.prerelease().is_empty().then_some((version, one))
        });
        Ok(Self(stable.max_by(|(a, _), (b, _)| a.precedence(b)).map(|(_, one)| one)))
    }
}

impl Browser<'_> {
    /// The list of charts of a place; `None` if it has none. The list has the newest version of each chart, and no
    /// descriptions.
    pub(super) fn charts_index(&self, place: &RegistryPlace) -> Result<Option<ListedCharts>, BrowseError> {
        let (Some(client), Some(prefix)) = (self.client, &place.prefix) else { return Ok(None) };
        let Ok(name) = format!("{prefix}/charts-index").parse() else { return Ok(None) };
        let repository = client.repository(&place.host, &name)?;
        let Ok(latest) = "latest".parse::<Tag>() else { return Ok(None) };
        let Ok(ManifestAnswer::Manifest(raw)) = repository.get_manifest((&latest).into(), None) else {
            return Ok(None);
        };
        let Ok(ManifestDocument::Manifest(manifest)) = ManifestDocument::parse(&raw.bytes, &raw.content_type)
        else {
            return Ok(None);
        };
        let Some(layer) = manifest.layers.iter().find(|l| l.media_type == LAYER && l.size <= MOST) else {
            return Ok(None);
        };
        let file = fetched(&repository, layer)?;
        let index: ChartsIndex =
            serde_json::from_reader(BufReader::new(file)).map_err(BrowseError::ChartsIndex)?;
        let chart = |(name, IndexedChart(newest)): (String, IndexedChart)| {
            let newest = newest?;
            let repository: Repository = format!("{prefix}/{name}").parse().ok()?;
            let tag = Tag::of_version(&newest.version).ok()?;
            let reference = Reference {
                host: place.host.clone(),
                repository: repository.clone(),
                tag: Some(tag),
                digest: None,
            };
            let metadata = Metadata {
                name,
                version: newest.version,
                app_version: newest.app_version,
                ..Metadata::default()
            };
            let digest = newest.digest.and_then(|digest| digest.parse().ok());
            let version = ChartVersion {
                reference,
                digest,
                created: newest.released_at,
                size: None,
                package: None,
                provenance: None,
                metadata,
            };
            Some(ListedChart { repository, versions: vec![version] })
        };
        let charts = index.entries.into_iter().filter_map(chart).collect();
        Ok(Some(ListedCharts { by: "charts-index", charts, foreign: 0 }))
    }
}

/// Downloads a blob into an unnamed file, and verifies it.
pub(in crate::verbs) fn fetched(
    repository: &RepositoryClient,
    layer: &Descriptor,
) -> Result<File, BrowseError> {
    let temporary = std::env::temp_dir();
    let file = tempfile::tempfile().at("write into", &temporary)?;
    let mut sink = FileSink { file, held: 0, hasher: layer.digest.hasher() };
    repository.fetch_blob(layer, &mut sink)?;
    sink.file.seek(SeekFrom::Start(0)).at("read", &temporary)?;
    Ok(sink.file)
}

/// The destination of a download in an unnamed temporary file.
struct FileSink {
    file: File,
    held: u64,
    hasher: Hasher,
}

impl Sink for FileSink {
    fn held(&self) -> u64 {
        self.held
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.held += bytes.len() as u64;
        self.hasher.update(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.hasher = self.digest().hasher();
        self.held = 0;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.set_len(0)
    }

    fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }
}
