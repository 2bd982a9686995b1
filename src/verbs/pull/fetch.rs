//! What a chart consists of in its registry, fetched into the cache without a name yet.

use std::thread;

use super::arrival::Arrival;
use super::download::{Archive, BlobDownload, LayerRest};
use super::error::PullError;
use crate::cache::{Cache, CacheError, StagedBlob};
use crate::chart::{self, Metadata};
use crate::disk::AtPath as _;
use crate::http::Sink as _;
use crate::manifest::{self, Descriptor};
use crate::reference::Reference;
use crate::registry::{RawManifest, RepositoryClient};
use crate::threads::Aside;
use crate::verbs::outcome::{BlobSummary, OnProgress, Progress, staged};

/// A chart archive that has come, verified and checked.
pub(super) struct Arrived {
    pub(super) metadata: Metadata,
    pub(super) archive: Archive,
    /// What is behind the head that we write. A package that somebody else made has none.
    pub(super) content: Option<StagedBlob>,
}

/// What a chart has beside its archive.
pub(super) struct Small {
    pub(super) provenance: Option<BlobSummary>,
    pub(super) blobs: Vec<StagedBlob>,
}

/// Where from, where to, and for which reference.
pub(super) struct Fetch<'a> {
    pub(super) cache: &'a Cache,
    pub(super) repository: RepositoryClient,
    pub(super) reference: &'a Reference,
    pub(super) progress: OnProgress<'a>,
}

impl Fetch<'_> {
    /// Fetches what a chart has beside its archive, and writes down what the cache keeps of that.
    pub(super) fn small(
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
    pub(super) fn archive<T: Send>(
        &self,
        chart: &Descriptor,
        small: impl Fn() -> Result<T, PullError> + Copy + Send,
    ) -> Result<(Arrived, T), PullError> {
        let sink = self.sink(chart, LayerRest::find(self.cache, self.reference, chart))?;
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
                    // When the registry is back, another attempt has this part already.
                    if !matches!(&error, PullError::Registry(error) if error.is_unreachable()) {
                        archive.blob.discard();
                    }
                    return Err(error);
                }
            };
            let (metadata, content) = match &archive {
                Archive::Joined(rest) => {
                    let archive = rest.read().at("read", self.cache.root())?;
                    (chart::inspect(archive, self.cache.budget())?, None)
                }
                Archive::Whole(blob) => {
                    let missing = || CacheError::Missing(blob.digest().clone());
                    let content = content.join().ok_or_else(missing)?;
                    (metadata.join().ok_or_else(missing)??, content?)
                }
            };
            Ok((Arrived { metadata, archive, content }, small))
        })
    }

    /// The two blobs of 3.0.0-alpha.1 and alpha.2: a small one, and an archive that is no chart by itself.
    pub(super) fn halves(
        &self,
        meta: &Descriptor,
        content: &Descriptor,
    ) -> Result<(Vec<u8>, StagedBlob), PullError> {
        let meta = self.repository.get_small_blob(meta)?;
        Ok((meta, self.blob(content)?))
    }

    /// A blob as it is.
    pub(super) fn blob(&self, descriptor: &Descriptor) -> Result<StagedBlob, PullError> {
        Ok(self.download(descriptor, self.sink(descriptor, None)?)?.blob.finish()?)
    }

    fn sink(&self, descriptor: &Descriptor, rest: Option<LayerRest>) -> Result<BlobDownload<'_>, PullError> {
        Ok(BlobDownload::new(
            self.cache.download(&descriptor.digest)?,
            rest,
            self.progress,
            self.cache.budget(),
        ))
    }

    fn download<'b>(
        &self,
        descriptor: &Descriptor,
        mut sink: BlobDownload<'b>,
    ) -> Result<BlobDownload<'b>, PullError> {
        (self.progress)(Progress::Whole(descriptor.size.saturating_sub(sink.held())));
        match self.repository.fetch_blob(descriptor, &mut sink) {
            Ok(()) => Ok(sink),
            Err(error) => {
                // On a full disk, what is there would be in everybody's way.
                if sink.held() == 0 || error.is_about_the_sink() {
                    sink.blob.discard();
                }
                Err(error.into())
            }
        }
    }
}
