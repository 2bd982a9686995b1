//! The errors of reading an index.

use std::io;

use crate::chart::YamlError;
use crate::limits::OverBudget;

/// Why a document cannot be read as the index of a chart repository.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// Reading failed.
    #[error("the index cannot be read")]
    Read(#[from] io::Error),
    /// The document is neither YAML nor JSON.
    #[error("the index is no YAML that Helm reads: {0}")]
    Yaml(#[source] YamlError),
    /// The document cannot be read piece by piece, because it is written in an unusual way, and it is too large to be
    /// read as a whole.
    #[error("the index cannot be read piece by piece (line {line}), and is too large to be read whole")]
    Unusual {
        /// The line in which it differs from what `helm repo index` writes, from 1.
        line: u64,
    },
    /// The document begins as JSON, but is not valid.
    #[error("the index is no JSON that Helm reads: {0}")]
    Json(#[source] serde_json::Error),
    /// The document is not an index. Holds the reason.
    #[error("it is no index of charts: {0}")]
    NoIndex(&'static str),
    /// The document is larger than the limit. Holds the limit in bytes.
    #[error("the index is larger than the limit of {} MiB", .0 >> 20)]
    TooLarge(u64),
    /// The document takes more memory than the budget has left.
    #[error("{0}")]
    Memory(#[from] OverBudget),
}
