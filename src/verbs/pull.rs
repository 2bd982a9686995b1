//! A chart from a registry into the cache, whichever generation of Helm pushed it.

use std::thread;

use super::arrival::Arrival;
use super::download::{Archive, Download, Rest};
use super::layer::Layer;
use super::{OnProgress, Part, Progress, Summary, Transferred, staged};
use crate::cache::{Blob, Cache, CacheError, Entry, Pushed as PushedForm, StagedBlob};
use crate::chart::{self, ChartError, ChartFiles, Metadata};
use crate::digest::Digest;
use crate::disk::{At as _, PathError};
use crate::manifest::{self, ChartManifest, Descriptor, Document, Manifest, ManifestError};
use crate::reference::{Reference, ReferenceError, Tag};
use crate::registry::{self, ManifestAnswer, RawManifest, RepositoryClient, Sink};
use crate::threads::Aside;
use crate::version;

/// Why a chart was not pulled.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The disk refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::Error),
    /// What is there is no chart in a form that we know.
    #[error("{0}")]
    Manifest(#[from] ManifestError),
    /// The archive is no chart.
    #[error("the chart in the registry is refused")]
    Chart(#[from] ChartError),
    /// The config is no metadata. Helm refuses this as well.
    #[error("the chart's config cannot be read")]
    Config(#[source] serde_json::Error),
    /// The metadata could not be written down.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
    /// No tag of the repository matches.
    #[error("no version of {repository} matches `{constraint}`")]
    NoMatch {
        /// Where.
        repository: String,
        /// What was asked for.
        constraint: String,
    },
    /// A repository without any tag that is a version.
    #[error("{0} has no tag that is a version")]
    NoVersions(String),
    /// Not a version and not a constraint on one.
    #[error("the version `{text}` cannot be understood")]
    Constraint {
        /// What was given.
        text: String,
        /// Why.
        source: version::ConstraintError,
    },
    /// A version that was picked cannot be a tag.
    #[error("{0}")]
    Reference(#[from] ReferenceError),
}

/// Picks the newest version that `constraint` allows from the tags of the repository, as Helm does; the newest that is
/// no prerelease, if there is no constraint. A reference with a tag or a digest is left as it is.
pub fn resolve(
    client: &registry::Client,
    reference: &Reference,
    constraint: Option<&str>,
) -> Result<Reference, PullError> {
    if reference.target().is_some() {
        return Ok(reference.clone());
    }
    // An exact version is its own tag: Helm asks for no list then (pkg/registry/client.go, GetTags' caller).
    if let Some(exact) = constraint
        && version::Version::parse_strict(exact).is_ok()
    {
        return Ok(reference.with_tag(Tag::of_version(exact)?));
    }
    let constraint = constraint.unwrap_or_default();
    let unreadable = |source| PullError::Constraint { text: constraint.to_owned(), source };
    // Before the registry is asked: no answer makes sense of nonsense.
    version::newest_match(&[], constraint).map_err(unreadable)?;
    let tags = client.repository(&reference.host, &reference.repository)?.tags()?;
    let tags: Vec<_> = tags.iter().map(ToString::to_string).collect();
    let newest = version::newest_match(&tags, constraint).map_err(unreadable)?;
    match newest {
        Some(newest) => Ok(reference.with_tag(newest.tag.parse()?)),
        None if constraint.is_empty() => Err(PullError::NoVersions(reference.name())),
        None => Err(PullError::NoMatch { repository: reference.name(), constraint: constraint.to_owned() }),
    }
}

/// Pulls what `reference`, which has a tag or a digest, names. `progress` is told how many bytes there are to fetch, and have been.
pub fn pull(
    cache: &Cache,
    client: &registry::Client,
    reference: &Reference,
    progress: OnProgress<'_>,
) -> Result<Transferred, PullError> {
    let mut repository = client.repository(&reference.host, &reference.repository)?;
    if cache.find(reference).is_err() {
        repository = repository.expecting_blobs();
    }
    let pull = Pull { cache, repository, reference, progress };
    // A blob that the cache had may be collected before the entry is written that needs it: then it is fetched, too.
    let mut tries = 3;
    loop {
        tries -= 1;
        match pull.once() {
            Err(PullError::Cache(CacheError::Missing(_))) if tries > 0 => {}
            result => return result,
        }
    }
}

/// A chart archive that has come, verified and checked.
struct Arrived {
    metadata: Metadata,
    archive: Archive,
    /// What is behind the head that we write. A package that somebody else made has none.
    content: Option<StagedBlob>,
}

/// What a chart has beside its archive.
struct Small {
    provenance: Option<Part>,
    blobs: Vec<StagedBlob>,
}

struct Pull<'a> {
    cache: &'a Cache,
    repository: RepositoryClient,
    reference: &'a Reference,
    progress: OnProgress<'a>,
}

impl Pull<'_> {
    fn once(&self) -> Result<Transferred, PullError> {
        let local = self.local();
        let known = local.as_ref().and_then(|(layer, _)| layer.stored.entry.as_in_registry()).cloned();
        let by_digest = self.reference.digest.is_some() && local.is_some();
        let target = self.reference.target().ok_or_else(|| CacheError::NoTag(self.reference.clone()))?;
        // Content that is addressed by its digest cannot have changed.
        let answer = if by_digest {
            ManifestAnswer::NotModified
        } else {
            self.repository.get_manifest(&target, known.as_ref())?
        };
        match (answer, local) {
            (ManifestAnswer::NotModified, Some((layer, chart))) => self.up_to_date(layer, chart),
            (ManifestAnswer::Manifest(raw), Some((layer, chart))) if Some(&raw.digest) == known.as_ref() => {
                self.up_to_date(layer, chart)
            }
            (ManifestAnswer::Manifest(raw), _) => self.fetch(raw),
            (ManifestAnswer::NotModified, None) => {
                let ManifestAnswer::Manifest(raw) = self.repository.get_manifest(&target, None)? else {
                    return Err(ManifestError::Neither.into());
                };
                self.fetch(raw)
            }
        }
    }

    /// What the cache has for the reference, with its archive's digest, if all of it is undamaged: anything else is
    /// fetched again. It is open, so that it can be told about even if it is removed meanwhile.
    fn local(&self) -> Option<(Layer, Part)> {
        let layer = Layer::open(self.cache, self.reference).ok()?;
        layer.stored.entry.as_in_registry()?;
        let whole = self.cache.has_properties(&layer.stored.entry).then(|| layer.whole()).flatten()?;
        Some((layer, whole))
    }

    fn up_to_date(&self, layer: Layer, chart: Part) -> Result<Transferred, PullError> {
        let part = |blob: &Blob| Part { digest: blob.digest().clone(), size: blob.size() };
        let (manifest, config) = match (&layer.pushed, &layer.origin) {
            (Some((manifest, config)), _) => (part(manifest), part(config)),
            // Of an early generation only the manifest is kept.
            (None, Some(origin)) => (part(origin), Part::of(&layer.metadata.to_config()?)),
            (None, None) => return Err(CacheError::NotFound(self.reference.clone()).into()),
        };
        let summary = layer.summary();
        let (reference, metadata) = (self.reference.clone(), layer.metadata);
        Ok(Transferred { reference, summary, metadata, manifest, config, chart, up_to_date: true })
    }

    fn fetch(&self, raw: RawManifest) -> Result<Transferred, PullError> {
        let (manifest, origin) = match Document::parse(&raw.bytes, &raw.content_type)? {
            Document::Manifest(manifest) => ((raw, manifest), None),
            Document::Index(index) => {
                let chosen = index.chart()?.digest.to_string();
                let ManifestAnswer::Manifest(child) = self.repository.get_manifest(&chosen, None)? else {
                    return Err(ManifestError::Neither.into());
                };
                let Document::Manifest(manifest) = Document::parse(&child.bytes, &child.content_type)? else {
                    return Err(ManifestError::NoChartInIndex.into());
                };
                ((child, manifest), Some(raw))
            }
        };
        let (raw, manifest): (RawManifest, Manifest) = manifest;
        match ChartManifest::new(&manifest)? {
            ChartManifest::Whole { config, chart, provenance, current } => {
                let (pushed, origin) = match current {
                    true => (Some(raw), origin),
                    // Pushed anywhere else it becomes what Helm reads today; here it stays known as what it is.
                    false => (None, Some(origin.unwrap_or(raw))),
                };
                self.fetch_whole(&config, &chart, provenance.as_ref(), pushed, origin)
            }
            ChartManifest::Split { meta, content, name, version } => {
                let meta = self.repository.get_small_blob(&meta)?;
                let archive = self.download(&content, self.sink(&content, None)?)?.blob.finish()?;
                self.take_alpha(archive, &meta, (&name, &version), &origin.unwrap_or(raw))
            }
        }
    }

    fn fetch_whole(
        &self,
        config: &Descriptor,
        chart: &Descriptor,
        provenance: Option<&Descriptor>,
        pushed: Option<RawManifest>,
        origin: Option<RawManifest>,
    ) -> Result<Transferred, PullError> {
        let small = || self.fetch_small(config, provenance, pushed.as_ref(), origin.as_ref());
        let (arrived, small) = self.fetch_archive(chart, small)?;
        let Arrived { metadata, archive, content } = arrived;
        let chart_part = Part { digest: chart.digest.clone(), size: chart.size };
        let mut blobs = small.blobs;
        let (content, package, source) = match (archive, content) {
            (Archive::Joined(rest), _) => {
                let digest = rest.content.digest().clone();
                (Part { digest, size: rest.content.size() }, false, rest.source)
            }
            (Archive::Whole(archive), None) => {
                let content = staged(&archive);
                blobs.push(archive);
                (content, true, None)
            }
            (Archive::Whole(_), Some(content)) => {
                let part = staged(&content);
                blobs.push(content);
                (part, false, None)
            }
        };
        let meta = metadata.to_meta()?;
        let meta = self.cache.stage(&Digest::of(&meta), &meta)?;
        let summary = Summary {
            name: metadata.name.clone(),
            version: metadata.version.clone(),
            meta: staged(&meta),
            content,
            provenance: small.provenance,
        };
        blobs.push(meta);
        let manifest_part = [&pushed, &origin]
            .into_iter()
            .flatten()
            .next()
            .map(|raw| Part { digest: raw.digest.clone(), size: raw.bytes.len() as u64 });
        let config_part = Part { digest: config.digest.clone(), size: config.size };
        let pushed = pushed.map(|raw| PushedForm { manifest: raw.digest, config: config.digest.clone() });
        let mut entry = self.entry(&summary, package, pushed, origin.map(|raw| raw.digest));
        entry.source = source;
        self.cache.put(self.reference, &entry, blobs)?;
        let manifest = manifest_part.ok_or(ManifestError::Neither)?;
        let reference = self.reference.clone();
        Ok(Transferred {
            reference,
            summary,
            metadata,
            manifest,
            config: config_part,
            chart: chart_part,
            up_to_date: false,
        })
    }

    /// Fetches what a chart has beside its archive, and writes down what the cache keeps of that.
    fn fetch_small(
        &self,
        config: &Descriptor,
        provenance: Option<&Descriptor>,
        pushed: Option<&RawManifest>,
        origin: Option<&RawManifest>,
    ) -> Result<Small, PullError> {
        let config_bytes = self.repository.get_small_blob(config)?;
        manifest::from_json::<serde_json::Map<_, _>>(&config_bytes).map_err(PullError::Config)?;
        let provenance = match provenance {
            Some(file) => Some(self.cache.stage(&file.digest, &self.repository.get_small_blob(file)?)?),
            None => None,
        };
        let mut small = Small { provenance: provenance.as_ref().map(staged), blobs: Vec::new() };
        small.blobs.extend(provenance);
        if pushed.is_some() {
            small.blobs.push(self.cache.stage(&config.digest, &config_bytes)?);
        }
        for raw in pushed.into_iter().chain(origin) {
            small.blobs.push(self.cache.stage(&raw.digest, &raw.bytes)?);
        }
        Ok(small)
    }

    /// Fetches a chart archive, and `small` at the same time. What takes long to come is looked at on the way.
    fn fetch_archive<T: Send>(
        &self,
        chart: &Descriptor,
        small: impl Fn() -> Result<T, PullError> + Copy + Send,
    ) -> Result<(Arrived, T), PullError> {
        let sink = self.sink(chart, Rest::find(self.cache, self.reference, chart))?;
        let arrival = Arrival::new(self.cache, sink.blob.follow());
        thread::scope(|scope| {
            let small = Aside::begin(scope, small);
            let (metadata, content) = (|| arrival.metadata(), || arrival.content());
            let (metadata, content) = match sink.beginning().is_none() && Arrival::takes_time(chart.size) {
                true => (Aside::begin(scope, metadata), Aside::begin(scope, content)),
                false => (Aside::later(metadata), Aside::later(content)),
            };
            let archive = self.download(chart, sink);
            let (archive, small) = match (archive, small.join()) {
                (Ok(archive), Ok(small)) => (archive.finish()?, small),
                (Err(error), _) => return Err(error),
                (Ok(archive), Err(error)) => {
                    // Whoever tries again when the registry is back has this part already.
                    if !matches!(error, PullError::Registry(registry::Error::Unreachable { .. })) {
                        archive.blob.discard();
                    }
                    return Err(error);
                }
            };
            let (metadata, content) = match &archive {
                Archive::Joined(rest) => (chart::inspect(rest.read().at("read", self.cache.root())?)?, None),
                Archive::Whole(blob) => {
                    let missing = || CacheError::Missing(blob.digest().clone());
                    let content = content.join().ok_or_else(missing)?;
                    (metadata.join().ok_or_else(missing)??, content?)
                }
            };
            Ok((Arrived { metadata, archive, content }, small))
        })
    }

    /// The two halves of 3.0.0-alpha.1 and alpha.2 become ours: in theirs the chart has no name of its own.
    fn take_alpha(
        &self,
        archive: StagedBlob,
        meta: &[u8],
        (name, version): (&str, &str),
        origin: &RawManifest,
    ) -> Result<Transferred, PullError> {
        let scratch = self.cache.scratch()?;
        let mut files = ChartFiles::of_alpha(archive.open()?, meta, name, version, &scratch)?;
        let (content, _) = files.write_content(self.cache.write_blob()?, 0, &mut |_| {})?;
        let content = content.finish()?;
        let chart = staged(&archive);
        drop(archive);
        let metadata = files.metadata().clone();
        let meta = metadata.to_meta()?;
        let meta = self.cache.stage(&Digest::of(&meta), &meta)?;
        let summary = Summary {
            name: metadata.name.clone(),
            version: metadata.version.clone(),
            meta: staged(&meta),
            content: staged(&content),
            provenance: None,
        };
        let manifest = Part { digest: origin.digest.clone(), size: origin.bytes.len() as u64 };
        let origin = self.cache.stage(&origin.digest, &origin.bytes)?;
        let entry = self.entry(&summary, false, None, Some(origin.digest().clone()));
        self.cache.put(self.reference, &entry, vec![meta, content, origin])?;
        let config = Part::of(&metadata.to_config()?);
        let reference = self.reference.clone();
        Ok(Transferred { reference, summary, metadata, manifest, config, chart, up_to_date: false })
    }

    fn entry(
        &self,
        summary: &Summary,
        package: bool,
        pushed: Option<PushedForm>,
        origin: Option<Digest>,
    ) -> Entry {
        Entry {
            name: summary.name.clone(),
            version: summary.version.clone(),
            meta: summary.meta.digest.clone(),
            content: summary.content.digest.clone(),
            package,
            provenance: summary.provenance.as_ref().map(|part| part.digest.clone()),
            pushed,
            origin,
            source: None,
        }
    }

    fn sink(&self, descriptor: &Descriptor, rest: Option<Rest>) -> Result<Download<'_>, PullError> {
        Ok(Download::new(self.cache.download(&descriptor.digest)?, rest, self.progress))
    }

    fn download<'a>(
        &self,
        descriptor: &Descriptor,
        mut sink: Download<'a>,
    ) -> Result<Download<'a>, PullError> {
        (self.progress)(Progress::Whole(descriptor.size.saturating_sub(sink.held())));
        match self.repository.fetch_blob(descriptor, &mut sink) {
            Ok(()) => Ok(sink),
            Err(error) => {
                // On a full disk, what is there would be in everybody's way.
                if sink.held() == 0 || matches!(error, registry::Error::Sink { .. }) {
                    sink.blob.discard();
                }
                Err(error.into())
            }
        }
    }
}

impl Entry {
    /// What the registry called it when it was last seen there.
    fn as_in_registry(&self) -> Option<&Digest> {
        self.origin.as_ref().or_else(|| self.pushed.as_ref().map(|pushed| &pushed.manifest))
    }
}
