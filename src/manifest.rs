//! Manifests and indexes of the OCI image spec, and the form of a chart in a manifest, by generation of Helm.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::limits::{MAX_CHART, MAX_CONFIG, MAX_PROVENANCE};
use crate::media_type;

/// The most values that a JSON document of a registry may have. A manifest has about 30, an index a few for each of its
/// entries. The smallest values fill more than ten times their text in memory, and a document may have 4 MiB.
const MAX_VALUES: usize = 50_000;

/// Reads a JSON document that a registry sent. A document of more than 50,000 values is refused, because of the memory
/// it would take.
pub fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    // Each value but the first has one of these in front of it. Strings hold them too, so this may count more than
    // there are.
    if bytes.iter().filter(|byte| b",:[{".contains(byte)).count() > MAX_VALUES {
        return Err(serde::de::Error::custom(format_args!("it holds more than {MAX_VALUES} values")));
    }
    serde_json::from_slice(bytes)
}

/// A reference to content: its type, digest and size (image spec, descriptor.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The media type of the content.
    pub media_type: String,
    /// The digest that the content must have.
    pub digest: Digest,
    /// The size of the content in bytes.
    pub size: u64,
    /// Free text by key, the spec's `annotations`. An absent map and `null` are read as empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// The kind of artifact, in descriptors of manifests that stand in an index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// A descriptor without annotations.
    pub fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest,
            size,
            annotations: BTreeMap::new(),
            artifact_type: None,
        }
    }

    /// The SHA-256 descriptor of this content, without annotations.
    pub fn of(media_type: &str, content: &[u8]) -> Self {
        Self::new(media_type, Digest::of(content), content.len() as u64)
    }
}

/// Reads `null` as an empty map or list: Go writes absent ones that way.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An image manifest (image spec, manifest.md). Its fields are written in the order of Helm's own pushes, so that equal
/// charts have equal manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// The spec's `schemaVersion`, which is always 2.
    pub schema_version: u32,
    /// The manifest's own type. Manifests that Helm pushes have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The kind of artifact, if the type of the config does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config. That of a chart is its metadata as JSON.
    pub config: Descriptor,
    /// The layers. Those of a chart are its archive, and the provenance file if there is one.
    #[serde(deserialize_with = "null_is_empty")]
    pub layers: Vec<Descriptor>,
    /// Free text by key. An absent map and `null` are read as empty.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image index (image spec, image-index.md), of which only the entries are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIndex {
    /// The descriptors of the manifests that the index lists.
    #[serde(deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
}

/// What a registry answers to `GET /v2/<name>/manifests/<reference>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestDocument {
    /// A manifest: one artifact.
    Manifest(Manifest),
    /// An index: a list of manifests.
    Index(ImageIndex),
}

/// Why a document is not a manifest of a chart that we can read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The document is not JSON, or its fields do not have the types of the image spec.
    #[error("the manifest cannot be read")]
    Json(#[from] serde_json::Error),
    /// The answer is HTML, such as the page of a portal or a proxy.
    #[error("the answer is a web page instead of a manifest")]
    WebPage,
    /// The document has the fields of a manifest and of an index (CVE-2021-41190): two readers would see two artifacts.
    #[error("the document has both `manifests` and `layers`: it is neither a manifest nor an index")]
    Ambiguous,
    /// The document has the fields of neither a manifest nor an index.
    #[error("the document is neither a manifest nor an index")]
    Neither,
    /// The document's `mediaType` contradicts the Content-Type that the registry sent.
    #[error("the manifest calls itself {inner}, the registry calls it {outer}")]
    TypeConflict {
        /// The document's `mediaType` field.
        inner: String,
        /// The Content-Type header of the answer.
        outer: String,
    },
    /// The document is announced as a manifest and has the fields of an index, or the other way round.
    #[error("the document is announced as {announced} and has `{has}`")]
    Kind {
        /// The type that the document gives itself, else the Content-Type.
        announced: String,
        /// The field that shows what it is instead: `manifests` or `layers`.
        has: &'static str,
    },
    /// The type of the config is not that of a chart: the manifest is an image, a policy, a plugin.
    #[error("not a Helm chart: its config is of type {0}")]
    NotAChart(String),
    /// The config has the type of a chart's, but there is not exactly one chart layer. Holds how many there are.
    #[error("not a Helm chart: expected one chart layer, found {0}")]
    Layers(usize),
    /// The content layer of Helm 3.0.0-alpha lacks the annotation of this key, which gives the chart's name or version.
    #[error("the content layer has no annotation `{0}`")]
    Annotation(&'static str),
    /// A part of the chart is larger than its limit (see [`crate::limits`]).
    #[error("the {what} claims {size} bytes; the limit is {limit}")]
    TooLarge {
        /// The part, as the message calls it.
        what: &'static str,
        /// The size in bytes that the part's descriptor gives.
        size: u64,
        /// The most bytes that such a part may have.
        limit: u64,
    },
    /// The index lists nothing that may be a chart.
    #[error("the index holds no Helm chart")]
    NoChartInIndex,
    /// The index lists several manifests that may be the chart. Holds their digests.
    #[error("the index does not say which chart; name one by its digest: {}", shown(.0))]
    Choice(Vec<Digest>),
    /// The index lists no chart, but other indexes. Holds their digests.
    #[error("the index holds no chart but further indexes; name one by its digest: {}", shown(.0))]
    Nested(Vec<Digest>),
}

/// The first ten digests, which a person can choose from, and how many more there are.
fn shown(digests: &[Digest]) -> String {
    const MOST: usize = 10;
    let first: Vec<_> = digests.iter().take(MOST).map(ToString::to_string).collect();
    let more = digests.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}

/// The first 160 characters of a media type, for messages: a manifest may hold one of megabytes.
fn short(media_type: &str) -> String {
    media_type.chars().take(160).collect()
}

impl ManifestDocument {
    /// Reads a manifest or an index that came under this Content-Type, which may be empty. A document whose fields and
    /// types contradict each other is an error.
    pub fn parse(bytes: &[u8], content_type: &str) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Probe {
            media_type: Option<String>,
            manifests: Option<serde::de::IgnoredAny>,
            layers: Option<serde::de::IgnoredAny>,
            config: Option<serde::de::IgnoredAny>,
        }
        let outer = media_type::essence(content_type);
        let probe: Probe = from_json(bytes).map_err(|error| match outer.as_str() {
            "text/html" => ManifestError::WebPage,
            _ => error.into(),
        })?;
        let indexes = [media_type::INDEX, media_type::DOCKER_MANIFEST_LIST];
        let manifests = [media_type::MANIFEST, media_type::DOCKER_MANIFEST];
        let is_known = |kind: &str| indexes.contains(&kind) || manifests.contains(&kind);
        if let Some(inner) = &probe.media_type
            && is_known(&outer)
            && media_type::essence(inner) != outer
        {
            return Err(ManifestError::TypeConflict { inner: short(inner), outer });
        }
        let is_index = match (probe.manifests.is_some(), probe.layers.is_some() || probe.config.is_some()) {
            (true, true) => return Err(ManifestError::Ambiguous),
            (false, false) => return Err(ManifestError::Neither),
            (is_index, _) => is_index,
        };
        let announced = probe.media_type.as_deref().map_or(outer, media_type::essence);
        if is_known(&announced) && indexes.contains(&announced.as_str()) != is_index {
            let has = if is_index { "manifests" } else { "layers" };
            return Err(ManifestError::Kind { announced, has });
        }
        Ok(match is_index {
            true => Self::Index(serde_json::from_slice(bytes)?),
            false => Self::Manifest(serde_json::from_slice(bytes)?),
        })
    }
}

impl ImageIndex {
    /// The entry of the index that is the chart. If entries have an `artifactType` of Helm's, it must be the only one
    /// of these; otherwise it must be the only manifest without any `artifactType`.
    pub fn chart(&self) -> Result<&Descriptor, ManifestError> {
        let manifests: Vec<_> = self
            .manifests
            .iter()
            .filter(|m| matches!(m.media_type.as_str(), media_type::MANIFEST | media_type::DOCKER_MANIFEST))
            .collect();
        let marked = |m: &&&Descriptor| {
            m.artifact_type.as_deref().is_some_and(|t| t == media_type::CONFIG || t == media_type::CHART)
        };
        let charts: Vec<_> = manifests.iter().filter(marked).collect();
        let unsaid: Vec<_> = manifests.iter().filter(|m| m.artifact_type.is_none()).collect();
        match (charts.as_slice(), unsaid.as_slice()) {
            ([chart], _) | ([], [chart]) => Ok(chart),
            ([], []) => {
                let is_index = |m: &&Descriptor| {
                    matches!(m.media_type.as_str(), media_type::INDEX | media_type::DOCKER_MANIFEST_LIST)
                };
                let nested: Vec<_> =
                    self.manifests.iter().filter(is_index).map(|m| m.digest.clone()).collect();
                Err(if nested.is_empty() {
                    ManifestError::NoChartInIndex
                } else {
                    ManifestError::Nested(nested)
                })
            }
            ([], several) | (several, _) => {
                Err(ManifestError::Choice(several.iter().map(|m| m.digest.clone()).collect()))
            }
        }
    }
}

/// The parts of a chart in its manifest, by the generation of Helm that made the manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartManifest {
    /// The form of Helm 3.0.0-beta.1 and later: one archive with the whole chart, and its metadata once more as the
    /// config.
    Whole {
        /// The config: the metadata as JSON.
        config: Descriptor,
        /// The chart archive.
        chart: Descriptor,
        /// The provenance file, if it has one.
        provenance: Option<Descriptor>,
        /// Whether the manifest has only what Helm 3.7 and later write, so that it can be pushed again as it is.
        current: bool,
    },
    /// The form of Helm 3.0.0-alpha.1 and alpha.2: two layers, one of the metadata and one of the rest.
    Split {
        /// The metadata without name and version, as JSON.
        meta: Descriptor,
        /// Everything else, as an archive in which the chart is called `-`.
        content: Descriptor,
        /// The chart's name.
        name: String,
        /// The chart's version.
        version: String,
    },
}

impl ChartManifest {
    /// Finds the chart's parts in a manifest. An error if it is not a chart's, or if the sizes that it gives are over
    /// their limits.
    pub fn new(manifest: &Manifest) -> Result<Self, ManifestError> {
        let with = |types: &[&str]| -> Vec<&Descriptor> {
            manifest.layers.iter().filter(|layer| types.contains(&layer.media_type.as_str())).collect()
        };
        let metas = with(&[media_type::META_ALPHA_1, media_type::META_ALPHA_2]);
        if let [meta] = metas[..] {
            return Self::split(meta, &with(&[media_type::CONTENT_ALPHA_1, media_type::CHART_BETA]));
        }
        if manifest.config.media_type != media_type::CONFIG {
            return Err(ManifestError::NotAChart(short(&manifest.config.media_type)));
        }
        let charts = with(&[media_type::CHART, media_type::CHART_3_0, media_type::CHART_BETA]);
        let [chart] = charts[..] else { return Err(ManifestError::Layers(charts.len())) };
        let provenances = with(&[media_type::PROVENANCE]);
        let provenance = provenances.first().copied();
        limit("config", &manifest.config, MAX_CONFIG)?;
        limit("chart", chart, MAX_CHART)?;
        provenance.map_or(Ok(()), |p| limit("provenance file", p, MAX_PROVENANCE))?;
        Ok(Self::Whole {
            config: manifest.config.clone(),
            chart: chart.clone(),
            provenance: provenance.cloned(),
            current: chart.media_type == media_type::CHART
                && manifest.layers.len() == 1 + usize::from(provenance.is_some()),
        })
    }

    fn split(meta: &Descriptor, contents: &[&Descriptor]) -> Result<Self, ManifestError> {
        let [content] = contents else { return Err(ManifestError::Layers(contents.len())) };
        limit("metadata", meta, MAX_CONFIG)?;
        limit("chart", content, MAX_CHART)?;
        let annotation =
            |key: &'static str| content.annotations.get(key).cloned().ok_or(ManifestError::Annotation(key));
        let (name, version) = (annotation("sh.helm.chart.name")?, annotation("sh.helm.chart.version")?);
        Ok(Self::Split { meta: meta.clone(), content: (*content).clone(), name, version })
    }
}

fn limit(what: &'static str, descriptor: &Descriptor, limit: u64) -> Result<(), ManifestError> {
    if descriptor.size > limit {
        return Err(ManifestError::TooLarge { what, size: descriptor.size, limit });
    }
    Ok(())
}
