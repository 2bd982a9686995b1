//! What can be wrong with an index.

use std::io;

use crate::chart::YamlError;
use crate::limits::OverBudget;

/// Why a document is no index of a chart repository that can be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It cannot be read at all.
    #[error("the index cannot be read")]
    Read(#[from] io::Error),
    /// Neither YAML nor JSON.
    #[error("the index is no YAML that Helm reads: {0}")]
    Yaml(#[source] YamlError),
    /// It is YAML, and so large and so unusual that it cannot be read piece by piece.
    #[error("the index cannot be read piece by piece (line {line}), and is too large to be read whole")]
    Unusual {
        /// Where it is not as `helm repo index` writes it, from 1 on.
        line: u64,
    },
    /// It is JSON up to some place.
    #[error("the index is no JSON that Helm reads: {0}")]
    Json(#[source] serde_json::Error),
    /// A document of another kind: a web page, a list.
    #[error("it is no index of charts: {0}")]
    NoIndex(&'static str),
    /// It is larger than any index.
    #[error("the index is larger than the limit of {} MiB", .0 >> 20)]
    TooLarge(u64),
    /// It takes too much memory.
    #[error("{0}")]
    Memory(#[from] OverBudget),
}
