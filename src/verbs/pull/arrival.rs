//! Examines a chart archive while it is downloaded: whether it is a chart, and where its content begins.

use std::io::{self, BufReader};

use crate::cache::{Cache, CacheError, Follow, Follower, StagedBlob};
use crate::chart::{self, ChartError, Metadata};
use crate::disk::AtPath as _;

/// Smaller archives have arrived before another thread has started.
const WORTH_A_THREAD: u64 = 256 << 10;
const BUFFER: usize = 64 << 10;

/// An archive that is arriving or has arrived. If it never arrives completely, the results are `None`.
pub(super) struct Arrival<'a> {
    cache: &'a Cache,
    archive: Follow,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(cache: &'a Cache, archive: Follow) -> Self {
        Self { cache, archive }
    }

    /// Whether an archive of this size is examined while it arrives.
    pub(super) fn takes_time(size: u64) -> bool {
        size >= WORTH_A_THREAD
    }

    /// The metadata, if it is a valid chart by Helm's rules and ours.
    pub(super) fn metadata(&self) -> Option<Result<Metadata, ChartError>> {
        self.archive.to_its_end(|archive| chart::inspect(archive, self.cache.budget()))
    }

    /// The part of the archive behind its head, as a blob of its own. The inner `None` means that it has no such head
    /// because another program has made it.
    pub(super) fn content(&self) -> Option<Result<Option<StagedBlob>, CacheError>> {
        self.archive.to_its_end(|archive| self.behind_the_head(archive))
    }

    fn behind_the_head(&self, mut archive: Follower) -> Result<Option<StagedBlob>, CacheError> {
        let root = self.cache.root();
        let Some(head) = chart::split(BufReader::new(&mut archive), self.cache.budget()).at("read", root)?
        else {
            return Ok(None);
        };
        archive.go_to(head);
        let mut content = self.cache.write_blob()?;
        io::copy(&mut BufReader::with_capacity(BUFFER, archive), &mut content).at("write into", root)?;
        let content = content.finish()?;
        // Syncing starts early for a large blob, because the metadata takes longer to read.
        Ok(Some(if Self::takes_time(content.size()) { content.lasting()? } else { content }))
    }
}
