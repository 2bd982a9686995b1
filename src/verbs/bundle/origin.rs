//! The sources of the blobs of a bundle.

use std::io::{Cursor, Read};
use std::sync::Arc;

use super::error::BundlingError;
use crate::bundle::{BundleWriter, WriteError};
use crate::cache::{Cache, CacheError, CachedBlob};
use crate::digest::{Digest, VerifiedReader};
use crate::graph::Node;
use crate::http::BodySource as _;
use crate::manifest::Descriptor;
use crate::verbs::copy::{CopyPlace, Passing};

/// The source of a blob.
#[derive(Clone)]
pub(super) enum BlobOrigin<'a> {
    /// These bytes.
    Memory(Arc<[u8]>),
    /// From the cache, under its digest.
    Cache,
    /// The cache, which has the chart archive in two parts: these first bytes, followed by the blob of this digest.
    Layer(Arc<[u8]>, Digest),
    /// The registry.
    Registry(Arc<CopyPlace<'a>>),
}

/// A chart without what is attached to it.
pub(super) struct FoundChart<'a> {
    pub(super) digest: Digest,
    pub(super) bytes: Vec<u8>,
    pub(super) node: Node,
    pub(super) origins: Vec<(Digest, BlobOrigin<'a>)>,
}

impl BlobOrigin<'_> {
    /// How many bytes of memory it takes.
    pub(super) fn held(&self) -> u64 {
        match self {
            Self::Memory(bytes) | Self::Layer(bytes, _) => bytes.len() as u64,
            Self::Cache | Self::Registry(_) => 0,
        }
    }

    /// Writes the whole blob into a bundle, and verifies it.
    pub(super) fn write(
        &self,
        cache: &Cache,
        blob: &Descriptor,
        to: &mut BundleWriter,
    ) -> Result<(), BundlingError> {
        let verified = |content: &mut dyn Read, to: &mut BundleWriter| {
            to.blob(blob, &mut VerifiedReader::new(content, blob.digest.clone(), blob.size))
        };
        match self {
            Self::Memory(bytes) => Ok(verified(&mut Cursor::new(bytes), to)?),
            Self::Cache => {
                let content = cache.blob(&blob.digest)?;
                verified(&mut content.read_unverified(), to).map_err(|error| blamed(error, &content))
            }
            Self::Layer(head, content) => {
                let content = cache.blob(content)?;
                let mut layer = Cursor::new(head).chain(content.read_unverified());
                verified(&mut layer, to).map_err(|error| blamed(error, &content))
            }
            Self::Registry(place) => {
                let passing = Passing::new(&place.client, blob, None);
                let mut content = passing.open().map_err(WriteError::Content)?;
                let written = to.blob(blob, &mut content);
                match (written, passing.failure()) {
                    (Ok(()), _) => Ok(()),
                    (Err(WriteError::Content(_)), Some(failure)) => Err(failure.error.into()),
                    (Err(error), _) => Err(error.into()),
                }
            }
        }
    }
}

/// The error of writing a blob of the cache, or a part of one: that it is damaged, if it is.
fn blamed(error: WriteError, content: &CachedBlob) -> BundlingError {
    match error {
        WriteError::Content(_) if !content.is_whole() => {
            CacheError::Damaged { digest: content.digest().clone() }.into()
        }
        error => error.into(),
    }
}
