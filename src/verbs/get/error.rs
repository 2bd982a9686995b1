//! Errors of `get`, and the warning about what is missing in an index.

use std::io;

use crate::cache::{CacheError, Unreadable};
use crate::causes::chain;
use crate::limits::OverBudget;
use crate::verbs::pull::PullError;

/// Why a file cannot be handed to Helm.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The chart is not in the cache, and could not be pulled.
    #[error("{0}")]
    Pull(#[from] PullError),
    /// The chart has no provenance file.
    #[error("the chart has no provenance file")]
    NoProvenance,
    /// The place has too many charts in the cache to list them in memory.
    #[error("cannot list all charts of the cache")]
    TooMany(#[from] OverBudget),
    /// The metadata cannot be written as JSON.
    #[error("cannot write the index")]
    Json(#[from] serde_json::Error),
    /// The file could not be written to the output.
    #[error("{0}")]
    Out(#[from] io::Error),
}

/// Warns about a part of the cache that cannot be read, and is therefore missing in the index.
pub(super) fn missed(unreadable: &Unreadable) {
    log::warn!(target: "oci", "{}", chain(&unreadable.error));
}
