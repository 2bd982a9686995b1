//! Fetches the parts of a chart from its registry. They do not have their names in the cache yet.

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

/// A chart archive that was downloaded, verified and checked.
pub(super) struct Arrived {
    pub(super) metadata: Metadata,
    pub(super) archive: Archive,
    /// The part behind the head; `None` if the archive has no such head because another program has made it.
    pub(super) content: Option<StagedBlob>,
}

/// The parts of a chart besides its archive.
pub(super) struct Small {
    pub(super) provenance: Option<BlobSummary>,
    pub(super) blobs: Vec<StagedBlob>,
}

/// The source, the destination and the reference of a pull.
pub(super) struct Fetch<'a> {
    pub(super) cache: &'a Cache,
    pub(super) repository: RepositoryClient,
    pub(super) reference: &'a Reference,
    pub(super) progress: OnProgress<'a>,
}

impl Fetch<'_> {
    /// Fetches the parts of a chart besides its archive, and stages those that the cache keeps.
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

    /// Fetches a chart archive, and calls `small` at the same time. A large archive is examined while it arrives.
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
                    // The part that has arrived is kept for another attempt when the registry is back.
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

    /// The two blobs of 3.0.0-alpha.1 and alpha.2: the metadata, and an archive that is not a chart without it.
    pub(super) fn halves(
        &self,
        meta: &Descriptor,
        content: &Descriptor,
    ) -> Result<(Vec<u8>, StagedBlob), PullError> {
        let meta = self.repository.get_small_blob(meta)?;
        Ok((meta, self.blob(content)?))
    }

    /// Fetches a blob without examining it.
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
                // If the disk is full, the partial download is removed, as it would be in the way.
                if sink.held() == 0 || error.is_about_the_sink() {
                    sink.blob.discard();
                }
                Err(error.into())
            }
        }
    }
}
