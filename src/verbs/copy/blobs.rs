//! Blobs from one repository to another: taken over within a registry, else through memory.

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

/// So often a blob is asked for in all, if its source began again or gave something else.
const ATTEMPTS: u32 = 2;

/// The way of all blobs of one chart.
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

    /// Sees to it that the destination has a blob. `once`, where others may have it to send as well.
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

/// Takes a blob from one repository to another, a piece at a time. `once`, where others may have it to send as well.
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

/// The same for a single one, with nothing told meanwhile.
pub(in crate::verbs) fn carry_blob(
    from: &RepositoryClient,
    to: &RepositoryClient,
    blob: &Descriptor,
) -> Result<(), registry::RegistryError> {
    carry(from, to, blob, None, false, &|_| {}).map(drop)
}
