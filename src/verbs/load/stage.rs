//! Copies blobs of a layout into the cache.

use std::collections::BTreeMap;
use std::io::{self, Read as _};

use super::error::LoadError;
use super::loading::LayoutLoading;
use crate::bundle::{BundleError, FileRange};
use crate::cache::StagedBlob;
use crate::digest::{Digest, Mismatch};
use crate::disk::AtPath as _;
use crate::manifest::Descriptor;
use crate::verbs::outcome::{OnProgress, Progress};

impl LayoutLoading<'_> {
    /// The blobs that the cache lacks, with their places in the layout. An error names those that neither has.
    pub(super) fn lacking(
        &self,
        blobs: impl IntoIterator<Item = Descriptor>,
    ) -> Result<BTreeMap<Digest, (Descriptor, FileRange)>, LoadError> {
        let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
        for blob in blobs {
            if found.contains_key(&blob.digest) || self.has(&blob.digest) {
                continue;
            }
            match self.contents().blob(&blob.digest)? {
                Some(range) => drop(found.insert(blob.digest.clone(), (blob, range))),
                None => missing.push(blob.digest),
            }
        }
        match missing.is_empty() {
            true => Ok(found),
            false => Err(self.contents().missing(missing)),
        }
    }

    /// Copies a blob of the layout into the cache's file system, and verifies it.
    pub(super) fn stage(
        &self,
        blob: &Descriptor,
        range: &FileRange,
        progress: OnProgress<'_>,
    ) -> Result<StagedBlob, LoadError> {
        let root = self.cache.root();
        let mut to = self.cache.write_blob_of(&blob.digest)?;
        let mut from = range.verified(&blob.digest, blob.size);
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = match from.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if Mismatch::in_error(&error).is_some() => {
                    return Err(BundleError::Damaged(blob.digest.clone()).into());
                }
                read => read.map_err(BundleError::Read)?,
            };
            if read == 0 {
                break;
            }
            io::Write::write_all(&mut to, buffer.get(..read).unwrap_or_default()).at("write into", root)?;
            progress(Progress::Done(read as u64));
        }
        Ok(to.finish()?)
    }

    /// Whether the cache has an undamaged blob of this digest.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.cache.blob(digest).is_ok_and(|blob| blob.is_whole())
    }
}
