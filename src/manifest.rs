//! Manifests and indexes of the OCI image spec, and what generation of chart a manifest is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::limits::{MAX_CHART, MAX_CONFIG, MAX_PROVENANCE};
use crate::media_type;

/// As many values as a registry's document may have: a manifest has 30, an index a few for each of its entries. Kept in
/// memory, 4 MiB of the smallest would be more than ten times that.
const MAX_VALUES: usize = 50_000;

/// Reads a document that a registry sent.
pub fn from_json<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    // Each value but the first is behind one of these. Strings have them too: this may be more than there are.
    if bytes.iter().filter(|byte| b",:[{".contains(byte)).count() > MAX_VALUES {
        return Err(serde::de::Error::custom(format_args!("it holds more than {MAX_VALUES} values")));
    }
    serde_json::from_slice(bytes)
}

/// A reference to content: its type, digest and size (image spec, descriptor.md).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// What the content is.
    pub media_type: String,
    /// Which content.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Free text by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// In an index: what kind of artifact the manifest is.
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

    /// The descriptor of content at hand.
    pub fn of(media_type: &str, content: &[u8]) -> Self {
        Self::new(media_type, Digest::of(content), content.len() as u64)
    }
}

/// Go writes an absent map or list as `null`.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// An image manifest in the field order of Helm's own pushes, so that equal charts have equal manifests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    pub schema_version: u32,
    /// Absent in all that Helm pushes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The kind of artifact, where the config does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
    /// The config: a chart's metadata.
    pub config: Descriptor,
    /// The chart archive, and the provenance file if there is one.
    #[serde(deserialize_with = "null_is_empty")]
    pub layers: Vec<Descriptor>,
    /// Free text by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "null_is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An image index.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageIndex {
    /// The manifests to choose from.
    #[serde(deserialize_with = "null_is_empty")]
    pub manifests: Vec<Descriptor>,
}

/// What a registry answers to `GET manifests/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ManifestDocument {
    /// One artifact.
    Manifest(Manifest),
    /// A choice of several.
    Index(ImageIndex),
}

/// Why a document is no chart that we can read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not JSON, or not of the form that the spec gives.
    #[error("the manifest cannot be read")]
    Json(#[from] serde_json::Error),
    /// The page of some portal or proxy.
    #[error("the answer is a web page instead of a manifest")]
    WebPage,
    /// A manifest and an index at once (CVE-2021-41190): two readers would see two artifacts.
    #[error("the document has both `manifests` and `layers`: it is neither a manifest nor an index")]
    Ambiguous,
    /// Neither a manifest nor an index.
    #[error("the document is neither a manifest nor an index")]
    Neither,
    /// `mediaType` within contradicts the Content-Type without.
    #[error("the manifest calls itself {inner}, the registry calls it {outer}")]
    TypeConflict {
        /// The `mediaType` field.
        inner: String,
        /// The Content-Type header.
        outer: String,
    },
    /// An index where a manifest was announced, or the other way round.
    #[error("the document is announced as {announced} and has `{has}`")]
    Kind {
        /// The type that it or the registry gives.
        announced: String,
        /// What gives it away.
        has: &'static str,
    },
    /// An image, a policy, a plugin: anything but a chart.
    #[error("not a Helm chart: its config is of type {0}")]
    NotAChart(String),
    /// The config says chart, but the layers do not hold one.
    #[error("not a Helm chart: expected one chart layer, found {0}")]
    Layers(usize),
    /// An early generation without the annotations that it keeps name and version in.
    #[error("the content layer has no annotation `{0}`")]
    Annotation(&'static str),
    /// More than we are willing to read.
    #[error("the {what} claims {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Which part.
        what: &'static str,
        /// What its descriptor says.
        size: u64,
        /// What we take.
        limit: u64,
    },
    /// An index without any chart.
    #[error("the index holds no Helm chart")]
    NoChartInIndex,
    /// An index with several charts, or several that may be one.
    #[error("the index does not say which chart; name one by its digest: {}", shown(.0))]
    Choice(Vec<Digest>),
    /// Indexes within an index.
    #[error("the index holds no chart but further indexes; name one by its digest: {}", shown(.0))]
    Nested(Vec<Digest>),
}

/// As many as a person can choose from.
fn shown(digests: &[Digest]) -> String {
    const MOST: usize = 10;
    let first: Vec<_> = digests.iter().take(MOST).map(ToString::to_string).collect();
    let more = digests.len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    first.join(", ") + &more
}

/// As much of a media type as is shown: a manifest may be megabytes of it.
fn short(media_type: &str) -> String {
    media_type.chars().take(160).collect()
}

impl ManifestDocument {
    /// Reads what came under the given Content-Type.
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
    /// The one manifest that can be a chart. Helm's own types decide where they are given; an index whose only entry
    /// says nothing about itself is taken at its word.
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

/// A manifest that was found to be a chart: which generation, and its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChartManifest {
    /// 3.0.0-beta.1 and later: one archive with everything, and the metadata again as the config.
    Whole {
        /// The metadata.
        config: Descriptor,
        /// The chart archive.
        chart: Descriptor,
        /// The provenance file, if it has one.
        provenance: Option<Descriptor>,
        /// Whether the manifest is just what Helm 3.7 and later write, so that it can be pushed again as it is.
        current: bool,
    },
    /// 3.0.0-alpha.1 and alpha.2: metadata and content apart.
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
    /// Finds the chart in a manifest, checking types and claimed sizes.
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
