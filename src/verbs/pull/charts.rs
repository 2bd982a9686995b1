//! Pulls a chart from a registry into the cache.

use super::download::Archive;
use super::error::PullError;
use super::explained::explained;
use super::fetch::{Arrived, Fetch};
use crate::cache::{
    Attached, Cache, CacheEntry, CacheError, CachedBlob, Pushed as PushedForm, PutAs, StagedBlob, Stored,
};
use crate::chart::{ChartFiles, Metadata};
use crate::digest::Digest;
use crate::manifest::{ChartManifest, Descriptor, Manifest, ManifestDocument, ManifestError};
use crate::reference::Reference;
use crate::registry::{self, ManifestAnswer, RawManifest};
use crate::verbs::layer::Layer;
use crate::verbs::outcome::{BlobSummary, OnProgress, Summary, Transferred, staged};

/// How a chart is pulled.
#[derive(Clone, Copy, Debug, Default)]
pub struct PullOptions {
    /// Whether to pull what is attached to the chart as well, such as signatures and SBOMs.
    pub attached: bool,
}

/// Pulls the chart under `reference`, which must have a tag or a digest. `progress` is called with the number of bytes
/// to fetch, and then with those that were fetched.
pub fn pull(
    cache: &Cache,
    client: &registry::Client,
    reference: &Reference,
    options: PullOptions,
    progress: OnProgress<'_>,
) -> Result<Transferred, PullError> {
    pull_it(cache, client, reference, options, progress).map_err(|error| explained(client, reference, error))
}

/// Pulls a chart, for a caller that has other references to try: if the tag is missing, the registry is not asked for
/// its tags.
pub(crate) fn pull_it(
    cache: &Cache,
    client: &registry::Client,
    reference: &Reference,
    options: PullOptions,
    progress: OnProgress<'_>,
) -> Result<Transferred, PullError> {
    let mut repository = client.repository(&reference.host, &reference.repository)?;
    if cache.find(reference).is_err() {
        repository = repository.expecting_blobs();
    }
    let pull = Pull { cache, reference, options, fetch: Fetch { cache, repository, reference, progress } };
    // A blob that the cache had may be removed before the entry that needs it is written: then it is fetched too.
    let mut tries = 3;
    loop {
        tries -= 1;
        match pull.once() {
            Err(PullError::Cache(CacheError::Missing(_))) if tries > 0 => {}
            result => return result,
        }
    }
}

/// Fetches blobs again that the entry of `reference` keeps for what is attached to its chart, by their digests, so that
/// nothing else takes their place.
pub(crate) fn fetch_attached_again(
    cache: &Cache,
    client: &registry::Client,
    reference: &Reference,
    wanted: &[Digest],
    progress: OnProgress<'_>,
) -> Result<(), PullError> {
    let Stored { reference, entry, .. } = cache.find(reference)?;
    let repository = client.repository(&reference.host, &reference.repository)?;
    let fetch = Fetch { cache, repository, reference: &reference, progress };
    let blobs = fetch.again(&entry.attached, wanted)?;
    Ok(cache.put(&reference, &entry, blobs, PutAs::Whole)?)
}

/// The chart as the cache has it already.
struct Local {
    stored: Stored,
    layer: Layer,
    /// The digest and size of its archive.
    chart: BlobSummary,
}

struct Pull<'a> {
    cache: &'a Cache,
    reference: &'a Reference,
    options: PullOptions,
    fetch: Fetch<'a>,
}

impl Pull<'_> {
    fn once(&self) -> Result<Transferred, PullError> {
        let local = self.local();
        let known = local.as_ref().and_then(|local| local.layer.entry.as_in_registry()).cloned();
        let by_digest = self.reference.digest.is_some() && local.is_some();
        let target = self.reference.target().ok_or_else(|| CacheError::NoTag(self.reference.clone()))?;
        // What has a digest cannot have changed.
        let answer = if by_digest {
            ManifestAnswer::NotModified
        } else {
            self.fetch.repository.get_manifest(target, known.as_ref())?
        };
        match (answer, local) {
            (ManifestAnswer::NotModified, Some(local)) => self.up_to_date(local),
            (ManifestAnswer::Manifest(raw), Some(local)) if Some(&raw.digest) == known.as_ref() => {
                self.up_to_date(local)
            }
            (ManifestAnswer::Manifest(raw), _) => self.take(raw),
            (ManifestAnswer::NotModified, None) => {
                let ManifestAnswer::Manifest(raw) = self.fetch.repository.get_manifest(target, None)? else {
                    return Err(ManifestError::Neither.into());
                };
                self.take(raw)
            }
        }
    }

    /// The cache's entry for the reference, if it is completely undamaged; otherwise it is fetched again. Its blobs are
    /// open, so it can be reported even if it is removed meanwhile.
    fn local(&self) -> Option<Local> {
        let (stored, parts) = self.cache.open(self.reference).ok()?;
        stored.entry.as_in_registry()?;
        let layer = Layer::of(stored.entry.clone(), parts).ok()?;
        let chart = self.cache.has_properties(&layer.entry).then(|| layer.whole()).flatten()?;
        Some(Local { stored, layer, chart })
    }

    fn up_to_date(&self, local: Local) -> Result<Transferred, PullError> {
        let Local { stored, layer, chart } = local;
        self.cache.touch(&stored.reference);
        // A tag may be replaced or removed, so what was asked for by digest is stored under the digest.
        if stored.reference != *self.reference {
            self.cache.keep(self.reference, &stored)?;
        }
        let attached = self.attached_now(&stored.entry)?;
        let part = |blob: &CachedBlob| BlobSummary { digest: blob.digest().clone(), size: blob.size() };
        let (manifest, config) = match (&layer.pushed, &layer.origin) {
            (Some(pushed), _) => (part(&pushed.manifest), part(&pushed.config)),
            // Of an early generation only the manifest is kept.
            (None, Some(origin)) => (part(origin), BlobSummary::of(&layer.metadata.to_config()?)),
            (None, None) => return Err(CacheError::NotFound(self.reference.clone()).into()),
        };
        let summary = layer.summary();
        let reference = self.reference.clone();
        Ok(Transferred {
            reference,
            summary,
            manifest,
            config,
            chart,
            attached,
            up_to_date: true,
            written: None,
            was_pushed: false,
            replaced: None,
        })
    }

    fn take(&self, raw: RawManifest) -> Result<Transferred, PullError> {
        let (manifest, origin) = match ManifestDocument::parse(&raw.bytes, &raw.content_type)? {
            ManifestDocument::Manifest(manifest) => ((raw, manifest), None),
            ManifestDocument::Index(index) => {
                let chosen = &index.chart()?.digest;
                let ManifestAnswer::Manifest(child) =
                    self.fetch.repository.get_manifest(chosen.into(), None)?
                else {
                    return Err(ManifestError::Neither.into());
                };
                let ManifestDocument::Manifest(manifest) =
                    ManifestDocument::parse(&child.bytes, &child.content_type)?
                else {
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
                    // When it is pushed elsewhere, it gets a manifest that Helm reads today; here the original one is
                    // kept.
                    false => (None, Some(origin.unwrap_or(raw))),
                };
                self.take_whole(&config, &chart, provenance.as_ref(), pushed, origin)
            }
            ChartManifest::Split { meta, content, name, version } => {
                self.attached_to(None)?;
                let (meta, archive) = self.fetch.halves(&meta, &content)?;
                self.take_alpha(archive, &meta, (&name, &version), &origin.unwrap_or(raw))
            }
        }
    }

    fn take_whole(
        &self,
        config: &Descriptor,
        chart: &Descriptor,
        provenance: Option<&Descriptor>,
        pushed: Option<RawManifest>,
        origin: Option<RawManifest>,
    ) -> Result<Transferred, PullError> {
        // This comes first: it is small, and without it the rest is useless.
        let (attached, attached_blobs) = self.attached_to(pushed.as_ref().map(|raw| &raw.digest))?;
        let small = || self.fetch.small(config, provenance, pushed.as_ref(), origin.as_ref());
        let (arrived, small) = self.fetch.archive(chart, small)?;
        let Arrived { metadata, archive, content } = arrived;
        let chart_part = BlobSummary { digest: chart.digest.clone(), size: chart.size };
        let mut blobs = small.blobs;
        blobs.extend(attached_blobs);
        let (content, package, source) = match (archive, content) {
            (Archive::Joined(rest), _) => {
                let digest = rest.content.digest().clone();
                (BlobSummary { digest, size: rest.content.size() }, false, rest.source)
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
        let meta = self.meta(&metadata)?;
        let summary = Summary {
            name: metadata.name,
            version: metadata.version,
            meta: staged(&meta),
            content,
            provenance: small.provenance,
        };
        blobs.push(meta);
        let manifest_part = [&pushed, &origin]
            .into_iter()
            .flatten()
            .next()
            .map(|raw| BlobSummary { digest: raw.digest.clone(), size: raw.bytes.len() as u64 });
        let config_part = BlobSummary { digest: config.digest.clone(), size: config.size };
        let pushed = pushed.map(|raw| PushedForm { manifest: raw.digest, config: config.digest.clone() });
        let origin = origin.map(|raw| raw.digest);
        let entry = CacheEntry { package, pushed, origin, source, attached, ..summary.entry() };
        self.cache.put(self.reference, &entry, blobs, PutAs::Whole)?;
        let manifest = manifest_part.ok_or(ManifestError::Neither)?;
        let reference = self.reference.clone();
        Ok(Transferred {
            reference,
            summary,
            manifest,
            config: config_part,
            chart: chart_part,
            attached: entry.attached.count(),
            up_to_date: false,
            written: None,
            was_pushed: false,
            replaced: None,
        })
    }

    /// What is attached to a chart whose manifest has this digest: from the registry if the options ask for that,
    /// otherwise what the entry keeps. Nothing for a chart that becomes another manifest when it is pushed.
    fn attached_to(&self, manifest: Option<&Digest>) -> Result<(Attached, Vec<StagedBlob>), PullError> {
        let Some(manifest) = manifest else {
            if self.options.attached {
                log::warn!(
                    "{}: what is attached to it stays behind: pushed, the chart becomes another manifest",
                    self.reference
                );
            }
            return Ok(Default::default());
        };
        let before = self.cache.find(self.reference).map(|before| before.entry);
        let before = before.ok().filter(|before| before.is_pushed_as(manifest));
        let before = before.map(|before| before.attached).unwrap_or_default();
        match self.options.attached {
            true => self.fetch.attached(manifest, &before),
            false => Ok((before, Vec::new())),
        }
    }

    /// Updates what is attached to a chart that is in the cache already. Returns how many manifests are attached.
    fn attached_now(&self, entry: &CacheEntry) -> Result<usize, PullError> {
        if !self.options.attached {
            return Ok(entry.attached.count());
        }
        let (attached, blobs) = self.attached_to(entry.pushed.as_ref().map(|pushed| &pushed.manifest))?;
        let count = attached.count();
        if attached != entry.attached || !blobs.is_empty() {
            self.cache.put(self.reference, &CacheEntry { attached, ..entry.clone() }, blobs, PutAs::Whole)?;
        }
        Ok(count)
    }

    /// Converts the two blobs of 3.0.0-alpha.1 and alpha.2: in their archive the chart is called `-`, and has a dummy
    /// Chart.yaml.
    fn take_alpha(
        &self,
        archive: StagedBlob,
        meta: &[u8],
        (name, version): (&str, &str),
        origin: &RawManifest,
    ) -> Result<Transferred, PullError> {
        let scratch = self.cache.scratch()?;
        let mut files =
            ChartFiles::of_alpha(archive.open()?, meta, name, version, &scratch, self.cache.budget())?;
        let (content, _) = files.write_content(self.cache.write_blob()?, 0, &mut |_| {})?;
        let content = content.finish()?;
        let chart = staged(&archive);
        drop(archive);
        let metadata = files.metadata();
        let meta = self.meta(metadata)?;
        let summary = Summary {
            name: metadata.name.clone(),
            version: metadata.version.clone(),
            meta: staged(&meta),
            content: staged(&content),
            provenance: None,
        };
        let manifest = BlobSummary { digest: origin.digest.clone(), size: origin.bytes.len() as u64 };
        let origin = self.cache.stage(&origin.digest, &origin.bytes)?;
        let entry = CacheEntry { origin: Some(origin.digest().clone()), ..summary.entry() };
        self.cache.put(self.reference, &entry, vec![meta, content, origin], PutAs::Whole)?;
        let config = BlobSummary::of(&metadata.to_config()?);
        let reference = self.reference.clone();
        Ok(Transferred {
            reference,
            summary,
            manifest,
            config,
            chart,
            attached: 0,
            up_to_date: false,
            written: None,
            was_pushed: false,
            replaced: None,
        })
    }

    fn meta(&self, metadata: &Metadata) -> Result<StagedBlob, PullError> {
        let meta = metadata.to_meta()?;
        Ok(self.cache.stage(&Digest::of(&meta), &meta)?)
    }
}
