//! Copies blobs from one repository to another: mounted within a registry, and otherwise streamed through memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::copying::CopiedBlobs;
use super::passing::Passing;
use super::place::CopyPlace;
use super::rate::Throttle;
use crate::manifest::Descriptor;
use crate::registry::{self, RepositoryClient, Uploaded};
use crate::verbs::outcome::{OnProgress, Progress};
use crate::verbs::source::increments;

/// How often a blob is fetched at most, if its source starts again or sends other content.
const ATTEMPTS: u32 = 2;

/// How the blobs of one chart get from source to destination.
pub(super) struct BlobWay<'w, 'a> {
    pub(super) from: &'w CopyPlace<'a>,
    pub(super) to: &'w CopyPlace<'a>,
    throttle: Option<&'w Arc<Throttle>>,
    pub(super) progress: OnProgress<'w>,
    sent: AtomicU64,
    mounted: AtomicU64,
    bytes: AtomicU64,
}

impl<'w, 'a> BlobWay<'w, 'a> {
    pub(super) fn new(
        from: &'w CopyPlace<'a>,
        to: &'w CopyPlace<'a>,
        throttle: Option<&'w Arc<Throttle>>,
        progress: OnProgress<'w>,
    ) -> Self {
        let count = AtomicU64::default;
        Self { from, to, throttle, progress, sent: count(), mounted: count(), bytes: count() }
    }

    /// Makes sure that the destination has a blob. With `once`, several threads that have the same blob to send take
    /// turns, so that only one sends it.
    pub(super) fn send(&self, blob: &Descriptor, once: bool) -> Result<(), registry::RegistryError> {
        if self.from.host == self.to.host && !self.to.never_mounts.load(Ordering::Relaxed) {
            if self.to.client.mount_blob(blob, &self.from.repository)? {
                self.mounted.fetch_add(1, Ordering::Relaxed);
                (self.progress)(Progress::Done(blob.size));
                return Ok(());
            }
            self.to.never_mounts.store(true, Ordering::Relaxed);
        }
        let progress = increments(self.progress);
        match carry(&self.from.client, &self.to.client, blob, self.throttle, once, &progress)? {
            Uploaded::Existed => (self.progress)(Progress::Done(blob.size)),
            Uploaded::Sent => {
                self.sent.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(blob.size, Ordering::Relaxed);
            }
        }
        Ok(())
    }

    pub(super) fn counts(&self) -> CopiedBlobs {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        CopiedBlobs { sent: count(&self.sent), mounted: count(&self.mounted), bytes: count(&self.bytes) }
    }
}

/// Streams a blob from one repository to another, piece by piece. With `once`, threads that have the same blob to send
/// take turns.
fn carry(
    from: &RepositoryClient,
    to: &RepositoryClient,
    blob: &Descriptor,
    throttle: Option<&Arc<Throttle>>,
    once: bool,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<Uploaded, registry::RegistryError> {
    let mut attempt = 1;
    loop {
        let passing = Passing::new(from, blob, throttle);
        let uploaded = match once {
            true => to.push_blob_once(blob, &passing, progress),
            false => to.push_blob(blob, &passing, progress),
        };
        let Err(error) = uploaded else { return uploaded };
        match passing.failure() {
            Some(failure) if failure.is_worth_another && attempt < ATTEMPTS => attempt += 1,
            Some(failure) => return Err(failure.error),
            None => return Err(error),
        }
    }
}

/// Streams a single blob from one repository to another, without reporting progress.
pub(in crate::verbs) fn carry_blob(
    from: &RepositoryClient,
    to: &RepositoryClient,
    blob: &Descriptor,
) -> Result<(), registry::RegistryError> {
    carry(from, to, blob, None, false, &|_| {}).map(drop)
}
