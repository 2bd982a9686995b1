//! Reads blobs of the cache for sending them to a registry.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use super::outcome::{OnProgress, Progress};
use crate::cache::CachedBlob;
use crate::http::BodySource;

/// Converts "bytes sent in all" into "bytes sent since the last call". Bytes that are sent again after a retry count
/// once.
pub(super) fn increments(progress: OnProgress<'_>) -> impl Fn(u64) + Sync {
    let most = AtomicU64::new(0);
    move |sent| progress(Progress::Done(sent.saturating_sub(most.fetch_max(sent, Ordering::Relaxed))))
}

impl BodySource for CachedBlob {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self.read()?))
    }
}
