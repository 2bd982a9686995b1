//! A chart archive on its way from the registry into the cache. Where another version has the same content, only the
//! head is fetched.

use std::io::{self, Cursor, Read, Write as _};

use crate::cache::{Cache, CacheError, CachedBlob, PartialBlob, StagedBlob};
use crate::chart;
use crate::digest::Digest;
use crate::http::Sink;
use crate::limits::Budget;
use crate::manifest::Descriptor;
use crate::reference::Reference;
use crate::verbs::outcome::{OnProgress, Progress};

/// One more request for a layer that is smaller than this costs more than it may save.
const WORTH_A_LOOK: u64 = 64 << 10;

/// A chart archive that has come, verified.
pub(super) enum Archive {
    /// As it came.
    Whole(StagedBlob),
    /// Its head came, and the rest was here.
    Joined(LayerRest),
}

/// What may come behind the head of a layer, without being fetched.
pub(super) struct LayerRest {
    /// What has come of the head.
    head: Vec<u8>,
    /// How long it is, if this is the rest.
    length: u64,
    pub(super) content: CachedBlob,
    pub(super) source: Option<Digest>,
}

/// A blob on its way from the registry into the cache.
pub(super) struct BlobDownload<'a> {
    pub(super) blob: PartialBlob,
    rest: Option<LayerRest>,
    /// The digest of what is in `blob` and the rest together, once they are known to belong together.
    joined: Option<Digest>,
    progress: OnProgress<'a>,
    /// For the head, while it is looked at.
    budget: &'a Budget,
}

impl LayerRest {
    /// The whole archive: the head that came, and what was here.
    pub(super) fn read(&self) -> io::Result<impl Read> {
        Ok(Cursor::new(self.head.clone()).chain(self.content.read()?))
    }

    /// Content that is here already and may be the end of `chart`: that of another version, which differs in its
    /// Chart.yaml alone. Whether it is, only the digest tells.
    pub(super) fn find(cache: &Cache, reference: &Reference, chart: &Descriptor) -> Option<Self> {
        if chart.size < WORTH_A_LOOK {
            return None;
        }
        cache.siblings(reference).into_iter().filter(|entry| !entry.package).find_map(|entry| {
            let content = cache.blob(&entry.content).ok()?;
            let length = chart.size.checked_sub(content.size())?;
            let fits = chart::may_be_head(length);
            fits.then(|| Self { head: Vec::new(), length, content, source: entry.source })
        })
    }
}

impl<'a> BlobDownload<'a> {
    /// Into `blob`, which may hold a beginning already.
    pub(super) fn new(
        blob: PartialBlob,
        rest: Option<LayerRest>,
        progress: OnProgress<'a>,
        budget: &'a Budget,
    ) -> Self {
        let rest = rest.filter(|_| blob.size() == 0);
        Self { blob, rest, joined: None, progress, budget }
    }
}

impl BlobDownload<'_> {
    /// Ends it.
    pub(super) fn finish(self) -> Result<Archive, CacheError> {
        match (self.joined, self.rest) {
            (Some(_), Some(rest)) => {
                self.blob.discard();
                Ok(Archive::Joined(rest))
            }
            _ => Ok(Archive::Whole(self.blob.finish()?)),
        }
    }
}

impl Sink for BlobDownload<'_> {
    fn held(&self) -> u64 {
        self.blob.size()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        (self.progress)(Progress::Done(bytes.len() as u64));
        if let Some(rest) = &mut self.rest {
            let missing = rest.length.saturating_sub(rest.head.len() as u64);
            let taken = usize::try_from(missing).map_or(bytes.len(), |missing| missing.min(bytes.len()));
            rest.head.extend_from_slice(&bytes[..taken]);
        }
        self.blob.write_all(bytes)
    }

    fn restart(&mut self) -> io::Result<()> {
        (self.rest, self.joined) = (None, None);
        self.blob.restart()
    }

    fn digest(&self) -> Digest {
        self.joined.clone().unwrap_or_else(|| self.blob.digest_so_far())
    }

    fn beginning(&self) -> Option<u64> {
        self.rest.as_ref().map(|rest| rest.length)
    }

    fn has_rest(&mut self) -> bool {
        let Some(rest) = &self.rest else { return false };
        // All of it may have come, from a registry without ranges.
        if self.blob.size() != rest.length
            || !matches!(chart::split(&*rest.head, self.budget), Ok(Some(l)) if l == rest.length)
        {
            return false;
        }
        // What is damaged here is fetched.
        let joined = rest.content.read().and_then(|content| self.blob.digest_with(content));
        self.joined = joined.ok().filter(|digest| digest == self.blob.wanted());
        if self.joined.is_some() {
            (self.progress)(Progress::Done(rest.content.size()));
        }
        self.joined.is_some()
    }
}
