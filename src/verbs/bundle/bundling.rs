//! The options, state and result of writing a bundle.

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
    /// Whether to ask no registry, and take everything from the cache.
    pub offline: bool,
    /// Whether to leave out what is attached to the charts.
    pub without_attached: bool,
}

/// Collects charts for a bundle and writes it.
pub struct Bundling<'a> {
    pub(super) cache: &'a Cache,
    pub(super) options: BundlingOptions,
    places: CopyPlaces<'a>,
}

impl<'a> Bundling<'a> {
    /// `client` is used for charts that the cache does not have, and to ask for what is attached.
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
    /// The charts that were asked for, sorted by reference.
    pub charts: Vec<BundledChart>,
    /// How many blobs are in the bundle.
    pub blobs: usize,
    /// How many blobs were left out because another bundle has them.
    pub left_out: usize,
}

/// A chart that is in a bundle.
#[derive(Clone, Debug)]
pub struct BundledChart {
    /// The reference of the chart in the bundle.
    pub reference: Reference,
    /// The digest of its manifest.
    pub digest: Digest,
    /// How many manifests are attached to it.
    pub attached: usize,
    /// Whether these are known to be all: a registry was asked, now or when the chart was pulled.
    pub looked: bool,
    /// Whether the chart is in the bundle; `false` if it was left out because an older bundle has all of it.
    pub is_new: bool,
}
