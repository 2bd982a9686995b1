//! Pushes a chart of the cache to a registry.

use std::io::{self, Read};
use std::thread;

use super::attached::{AttachedError, Sending, kept};
use super::form::Form;
use super::layer::Layer;
use super::naming::{Misnamed, misnamed};
use super::outcome::{BlobSummary, OnProgress, Progress, Transferred};
use super::source::increments;
use super::unclobbered::{Standing, standing, standing_after};
use crate::cache::{
    Cache, CacheEntry, CacheError, CachedBlob, Pushed as PushedForm, PushedParts, PutAs, StagedBlob,
};
use crate::causes::chain;
use crate::digest::Digest;
use crate::http::BodySource;
use crate::manifest::{ChartManifest, Descriptor, ManifestDocument, ManifestError};
use crate::media_type;
use crate::reference::{Reference, Target};
use crate::registry::{self, RepositoryClient};
use crate::threads::Aside;

/// Why a chart was not pushed.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The cache has no such chart, or a damaged one.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// Helm would not find the chart under its reference, and the options refuse that.
    #[error("{0}")]
    Misnamed(#[from] Misnamed),
    /// The registry refused, or could not be reached.
    #[error("{0}")]
    Registry(#[from] registry::RegistryError),
    /// What is attached to the chart could not be sent.
    #[error("{0}")]
    Attached(#[source] Box<AttachedError>),
    /// The tag stands for another chart in the registry, and the options do not allow to overwrite it.
    #[error("the tag stands for another chart there: {0}")]
    Differs(Digest),
    /// The manifest in the cache is not valid.
    #[error("the manifest in the cache cannot be used")]
    Manifest(#[from] ManifestError),
    /// The manifest cannot be written as JSON.
    #[error("cannot write the manifest")]
    Json(#[from] serde_json::Error),
}

impl From<AttachedError> for PushError {
    fn from(error: AttachedError) -> Self {
        Self::Attached(Box::new(error))
    }
}

/// How a chart is pushed.
#[derive(Clone, Copy, Debug, Default)]
pub struct PushOptions {
    /// Whether to refuse a chart that Helm would not find under its reference.
    pub strict: bool,
    /// Whether to leave a tag alone that stands for something else.
    pub no_clobber: bool,
}

/// Pushes the entry under `reference`. A chart that was pulled, or pushed before, keeps its manifest. For any other
/// chart one is made with the time that it was saved with, so that its digest depends on nothing but the entry. What is
/// attached to the chart is sent before the tag, so that a client that sees the tag finds the signatures. `progress` is
/// called with the number of bytes to send, and then with those that were sent.
pub fn push(
    cache: &Cache,
    client: &registry::Client,
    reference: &Reference,
    options: PushOptions,
    progress: OnProgress<'_>,
) -> Result<Transferred, PushError> {
    let layer = Layer::open(cache, reference)?;
    let entry = &layer.entry;
    if options.strict
        && let Some(misnamed) = misnamed(reference, &entry.name, &entry.version).into_iter().next()
    {
        return Err(misnamed.into());
    }
    let mut repository = client.repository(&reference.host, &reference.repository)?.for_push();
    if layer.pushed.is_none() {
        repository = repository.expecting_blobs();
    }
    let planned = Planned::new(&layer)?;
    let attached = kept(cache, entry)?;
    let manifest = planned.form.manifest_part();
    // The digest in the reference names what is in the cache; an early generation or an index becomes another manifest.
    let target = reference.tag.as_ref().map_or(Target::Digest(&manifest.digest), Target::Tag);
    let is_chart = |digest: &Digest| *digest == planned.chart.digest;
    // A manifest under its digest overwrites nothing.
    let no_clobber = options.no_clobber && matches!(target, Target::Tag(_));
    let there = match no_clobber {
        false => repository.manifest_there(target)?,
        true => match standing(&repository, target, Some(&manifest.digest), &is_chart)? {
            Standing::Free => None,
            Standing::Manifest => Some(manifest.digest.clone()),
            Standing::Chart(there) => return Ok(same_chart(reference, &layer, &planned, &there)),
            Standing::Other(there) => return Err(PushError::Differs(there)),
        },
    };
    let up_to_date = there.as_ref() == Some(&manifest.digest);
    let config = planned.config.clone();
    let pushed = PushedForm { manifest: manifest.digest.clone(), config: config.digest.clone() };
    let entry = CacheEntry { pushed: Some(pushed), origin: None, ..layer.entry.clone() };
    let is_new = entry != layer.entry;
    let stage = || stage(cache, &planned.form);
    let pushed_form = thread::scope(|scope| -> Result<_, PushError> {
        let form = if is_new && !up_to_date { Aside::begin(scope, stage) } else { Aside::later(stage) };
        if attached.is_empty() {
            if !up_to_date {
                planned.send(&layer, &repository, target, false, progress)?;
            }
        } else {
            if !up_to_date {
                planned.send(&layer, &repository, (&manifest.digest).into(), true, progress)?;
            }
            let push_blob = |descriptor: &Descriptor| -> Result<(), AttachedError> {
                let blob = cache.blob(&descriptor.digest)?;
                repository.push_blob_once(descriptor, &blob, &increments(progress))?;
                Ok(())
            };
            let may_have = &|_: &_| true;
            let to = &repository;
            let sent =
                Sending { attachments: &attached, to, push_blob, asks: true, may_have, progress }.send();
            sent.map_err(|error| damaged(cache, &layer.entry).map_or(error, AttachedError::Cache))?;
            if !up_to_date && target != Target::Digest(&manifest.digest) {
                planned.put(&repository, target)?;
            }
        }
        Ok(is_new.then(|| form.join()))
    });
    let form = match pushed_form {
        Err(PushError::Registry(refusal)) if no_clobber => {
            match standing_after(refusal, &repository, target, &manifest.digest, &is_chart)? {
                Standing::Chart(there) => return Ok(same_chart(reference, &layer, &planned, &there)),
                Standing::Other(there) => return Err(PushError::Differs(there)),
                Standing::Manifest | Standing::Free => None,
            }
        }
        form => form?,
    };
    if let Some(form) = form {
        match form.and_then(|blobs| cache.put(reference, &entry, blobs, PutAs::Pushed)) {
            // The cache may be read-only for this user, or the disk full: the chart is in the registry all the same.
            Err(CacheError::Disk(e) | CacheError::Foreign(e)) => {
                log::warn!("{reference} was pushed, but not noted as such: {}", chain(&e));
            }
            result => result?,
        }
    }
    let summary = layer.summary();
    Ok(Transferred {
        reference: reference.clone(),
        summary,
        manifest,
        config,
        chart: planned.chart,
        attached: attached.len(),
        up_to_date,
        written: None,
        was_pushed: true,
        replaced: there.filter(|_| !up_to_date),
    })
}

/// The result if the registry has the same chart in another manifest, by another client or from another time. That
/// manifest stays, and the cache does not change.
fn same_chart(
    reference: &Reference,
    layer: &Layer,
    planned: &Planned,
    there: &registry::RawManifest,
) -> Transferred {
    Transferred {
        reference: reference.clone(),
        summary: layer.summary(),
        manifest: BlobSummary { digest: there.digest.clone(), size: there.bytes.len() as u64 },
        config: planned.config.clone(),
        chart: planned.chart.clone(),
        attached: 0,
        up_to_date: true,
        written: None,
        was_pushed: true,
        replaced: None,
    }
}

/// The error for a damaged blob of what is attached, if sending failed because of one.
fn damaged(cache: &Cache, entry: &CacheEntry) -> Option<CacheError> {
    entry.attached.digests().find_map(|digest| match cache.blob(digest) {
        Ok(blob) if blob.is_whole() => None,
        Ok(_) => Some(CacheError::Damaged { digest: digest.clone() }),
        Err(error) => Some(error),
    })
}

/// Stages the manifest and config that the entry is pushed as. This is done while the chart is being sent.
fn stage(cache: &Cache, form: &Form) -> Result<Vec<StagedBlob>, CacheError> {
    let mut blobs = Vec::new();
    for bytes in [&form.manifest, &form.config] {
        let digest = Digest::of(bytes);
        // The cache has it if the same chart was pushed under another name.
        if !cache.blob(&digest).is_ok_and(|blob| blob.is_whole()) {
            blobs.push(cache.stage(&digest, bytes)?.lasting()?);
        }
    }
    Ok(blobs)
}

/// The digest of the manifest that a push will make of an entry, or has kept.
pub(super) fn planned_manifest(layer: &Layer) -> Option<Digest> {
    Some(Planned::new(layer).ok()?.form.manifest_part().digest)
}

/// One of the client's methods that send a blob.
type PushBlob<'a> = &'a (
        dyn Fn(
    &RepositoryClient,
    &Descriptor,
    &dyn BodySource,
    &(dyn Fn(u64) + Sync),
) -> Result<registry::Uploaded, registry::RegistryError>
            + Sync
    );

/// The manifest and blobs that the registry should have after a push.
pub(super) struct Planned {
    pub(super) form: Form,
    pub(super) config: BlobSummary,
    pub(super) chart: BlobSummary,
    /// The media type of the manifest.
    pub(super) media_type: String,
}

impl Planned {
    pub(super) fn new(layer: &Layer) -> Result<Self, PushError> {
        if let Some(PushedParts { manifest, config }) = &layer.pushed {
            let form = Form { manifest: manifest.bytes()?, config: config.bytes()? };
            // The config has the digest that the manifest names, which may be a SHA-512.
            let config = BlobSummary { digest: config.digest().clone(), size: config.size() };
            let ManifestDocument::Manifest(manifest) = ManifestDocument::parse(&form.manifest, "")? else {
                return Err(ManifestError::Neither.into());
            };
            if let ChartManifest::Whole { chart, .. } = ChartManifest::new(&manifest)? {
                let chart = BlobSummary { digest: chart.digest, size: chart.size };
                let media_type = manifest.media_type.unwrap_or_else(|| media_type::MANIFEST.to_owned());
                return Ok(Self { form, config, chart, media_type });
            }
        }
        let chart = layer.part()?;
        let summary = layer.summary();
        let form = Form::new(&layer.metadata, &chart, summary.provenance.as_ref(), layer.entry.epoch)?;
        let config = form.config_part();
        Ok(Self { form, config, chart, media_type: media_type::MANIFEST.to_owned() })
    }

    /// Sends a chart. With `patient`, a registry that lacks blobs it has just received is given some time.
    fn send(
        &self,
        layer: &Layer,
        repository: &RepositoryClient,
        target: Target<'_>,
        patient: bool,
        progress: OnProgress<'_>,
    ) -> Result<(), PushError> {
        self.send_blobs(layer, repository, progress, &RepositoryClient::push_blob_once)?;
        let put = match patient {
            true => repository.put_attached(target, &self.media_type, &self.form.manifest, None).map(drop),
            false => self.put(repository, target),
        };
        match put {
            // The registry's garbage collection may have removed blobs in between: send them again, once.
            Err(registry::RegistryError::BlobsUnknown { .. }) => {
                self.send_blobs(layer, repository, progress, &RepositoryClient::push_blob)?;
                Ok(self.put(repository, target)?)
            }
            result => Ok(result?),
        }
    }

    fn put(&self, repository: &RepositoryClient, target: Target<'_>) -> Result<(), registry::RegistryError> {
        repository.put_manifest(target, &self.media_type, &self.form.manifest)
    }

    /// Sends the chart over one connection, and the small blobs over another.
    fn send_blobs(
        &self,
        layer: &Layer,
        repository: &RepositoryClient,
        progress: OnProgress<'_>,
        push_blob: PushBlob<'_>,
    ) -> Result<(), PushError> {
        let small = || -> Result<(), PushError> {
            let config = Descriptor::new(media_type::CONFIG, self.config.digest.clone(), self.config.size);
            push_blob(repository, &config, &self.form.config, &increments(progress))?;
            if let Some(provenance) = &layer.provenance {
                let descriptor =
                    Descriptor::new(media_type::PROVENANCE, provenance.digest().clone(), provenance.size());
                push_blob(repository, &descriptor, provenance, &increments(progress))?;
            }
            Ok(())
        };
        let chart = Descriptor::new(media_type::CHART, self.chart.digest.clone(), self.chart.size);
        let provenance = layer.provenance.as_ref().map_or(0, CachedBlob::size);
        progress(Progress::Whole(self.chart.size + self.config.size + provenance));
        thread::scope(|scope| {
            let small = Aside::begin(scope, small);
            let large = push_blob(repository, &chart, layer, &increments(progress));
            let small = small.join();
            if (large.is_err() || small.is_err())
                && let Some(damaged) = layer.blame()
            {
                return Err(damaged.into());
            }
            large?;
            small
        })
    }
}

impl BodySource for Layer {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.read()?))
    }
}
