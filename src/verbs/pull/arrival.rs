//! Looking at a chart archive that comes from a registry: is it a chart, and where is its content?

use std::io::{self, BufReader};

use crate::cache::{Cache, CacheError, Follow, Follower, StagedBlob};
use crate::chart::{self, ChartError, Metadata};
use crate::disk::AtPath as _;

/// A smaller archive has come before another thread is at work on it.
const WORTH_A_THREAD: u64 = 256 << 10;
const BUFFER: usize = 64 << 10;

/// An archive that is coming, or has come. What is found out about it is nothing if it never comes.
pub(super) struct Arrival<'a> {
    cache: &'a Cache,
    archive: Follow,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(cache: &'a Cache, archive: Follow) -> Self {
        Self { cache, archive }
    }

    /// Whether it is large enough to be looked at while it is coming.
    pub(super) fn takes_time(size: u64) -> bool {
        size >= WORTH_A_THREAD
    }

    /// Its metadata, if it is a chart by Helm's rules and ours.
    pub(super) fn metadata(&self) -> Option<Result<Metadata, ChartError>> {
        self.archive.to_its_end(|archive| chart::inspect(archive, self.cache.budget()))
    }

    /// What comes behind the head that we write, as a blob of its own. A package that somebody else made has none.
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
        // The metadata of a large one takes longer.
        Ok(Some(if Self::takes_time(content.size()) { content.lasting()? } else { content }))
    }
}
