//! A bundle at work, and what becomes of it.

use std::sync::Arc;

use super::error::BundlingError;
use crate::cache::Cache;
use crate::digest::Digest;
use crate::reference::Reference;
use crate::registry::Client;
use crate::verbs::copy::{CopyPlace, CopyPlaces};

/// How charts are bundled.
#[derive(Clone, Copy, Debug, Default)]
pub struct BundlingOptions {
    /// Whether no registry is asked for anything.
    pub offline: bool,
    /// Whether what is attached is left behind.
    pub without_attached: bool,
}

/// A bundle at work.
pub struct Bundling<'a> {
    pub(super) cache: &'a Cache,
    pub(super) options: BundlingOptions,
    places: CopyPlaces<'a>,
}

impl<'a> Bundling<'a> {
    /// `client` speaks to the registries of what the cache does not have.
    pub fn new(cache: &'a Cache, client: &Client, options: BundlingOptions) -> Self {
        Self { cache, options, places: CopyPlaces::new(client, cache.budget(), false) }
    }

    /// The repository of a reference.
    pub(super) fn place(&self, reference: &Reference) -> Result<Arc<CopyPlace<'a>>, BundlingError> {
        self.places.at(reference).map_err(BundlingError::from)
    }
}

/// A bundle that was written.
#[derive(Clone, Debug)]
pub struct Bundled {
    /// The digest of the whole file.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What was asked for, by reference.
    pub charts: Vec<BundledChart>,
    /// How many blobs are in it.
    pub blobs: usize,
    /// How many blobs were left out, because another bundle has them.
    pub left_out: usize,
}

/// A chart that is in a bundle.
#[derive(Clone, Debug)]
pub struct BundledChart {
    /// What it is called there.
    pub reference: Reference,
    /// Its manifest.
    pub digest: Digest,
    /// How many manifests are attached to it.
    pub attached: usize,
    /// Whether it is known that nothing else is attached to it: a registry was asked, now or when it was pulled.
    pub looked: bool,
    /// Whether it is in the bundle, and not left out because an older one has all of it.
    pub is_new: bool,
}
