//! Why there is nothing to hand over, and what is missing in what is.

use std::io;

use crate::cache::{CacheError, Unreadable};
use crate::causes::chain;
use crate::limits::OverBudget;
use crate::verbs::pull::PullError;

/// Why there is nothing to hand over.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// It is not in the cache, and was not pulled.
    #[error("{0}")]
    Pull(#[from] PullError),
    /// The chart has no provenance file.
    #[error("the chart has no provenance file")]
    NoProvenance,
    /// There are too many charts in one place of the cache for an index of it.
    #[error("cannot list all charts of the cache")]
    TooMany(#[from] OverBudget),
    /// The metadata could not be written down.
    #[error("cannot write the index")]
    Json(#[from] serde_json::Error),
    /// It could not be handed over.
    #[error("{0}")]
    Out(#[from] io::Error),
}

/// What cannot be looked into is missing in what is handed over.
pub(super) fn missed(unreadable: &Unreadable) {
    log::warn!(target: "oci", "{}", chain(&unreadable.error));
}
