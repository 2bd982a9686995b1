//! Downloads a chart archive into the cache. If another version has the same content, only the head of the archive is
//! fetched.

use std::io::{self, Cursor, Read, Write as _};

use crate::cache::{Cache, CacheError, CachedBlob, PartialBlob, StagedBlob};
use crate::chart;
use crate::digest::Digest;
use crate::http::Sink;
use crate::limits::Budget;
use crate::manifest::Descriptor;
use crate::reference::Reference;
use crate::verbs::outcome::{OnProgress, Progress};

/// The size in bytes below which an archive is fetched whole: one more request would cost more than it may save.
const WORTH_A_LOOK: u64 = 64 << 10;

/// A downloaded and verified chart archive.
pub(super) enum Archive {
    /// The whole archive was downloaded.
    Whole(StagedBlob),
    /// Only its head was downloaded; the rest was in the cache.
    Joined(LayerRest),
}

/// Content in the cache that may follow the head of an archive.
pub(super) struct LayerRest {
    /// The bytes of the head that have arrived.
    head: Vec<u8>,
    /// The length of the head in bytes, if this is the rest.
    length: u64,
    pub(super) content: CachedBlob,
    pub(super) source: Option<Digest>,
}

/// A blob that is downloaded from the registry into the cache.
pub(super) struct BlobDownload<'a> {
    pub(super) blob: PartialBlob,
    rest: Option<LayerRest>,
    /// The digest of `blob` and the rest together, once they are known to belong together.
    joined: Option<Digest>,
    progress: OnProgress<'a>,
    /// The budget for the memory that examining the head takes.
    budget: &'a Budget,
}

impl LayerRest {
    /// Reads the whole archive: the downloaded head, and the rest from the cache.
    pub(super) fn read(&self) -> io::Result<impl Read> {
        Ok(Cursor::new(self.head.clone()).chain(self.content.read()?))
    }

    /// Content in the cache that may be the end of `chart`: that of another version which differs only in its
    /// Chart.yaml. Only the digest of the whole shows whether it is.
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
    /// Downloads into `blob`, which may already hold a beginning.
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
    /// Ends the download. An error if the content does not have its digest.
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
        // A registry without ranges has sent the whole archive.
        if self.blob.size() != rest.length
            || !matches!(chart::split(&*rest.head, self.budget), Ok(Some(l)) if l == rest.length)
        {
            return false;
        }
        // If the content in the cache is damaged, the whole archive is fetched.
        let joined = rest.content.read().and_then(|content| self.blob.digest_with(content));
        self.joined = joined.ok().filter(|digest| digest == self.blob.wanted());
        if self.joined.is_some() {
            (self.progress)(Progress::Done(rest.content.size()));
        }
        self.joined.is_some()
    }
}
