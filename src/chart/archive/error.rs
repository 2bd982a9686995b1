//! Why an archive is refused.

use std::borrow::Cow;
use std::io;

use super::names::MAX_PATH;
use crate::limits::OverBudget;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Another kind of file.
    #[error("it is no packaged chart, which would be a gzipped tar archive")]
    NotGzip,
    /// A bad checksum, cut short, …
    #[error("the archive cannot be read")]
    Read(#[from] io::Error),
    /// A link, a device, a fifo, a sparse file.
    #[error("`{path}` is {kind}: a chart has only files and directories")]
    Kind {
        /// Which entry.
        path: String,
        /// What it is.
        kind: &'static str,
    },
    /// A header that not all programs read alike, so that the chart would be another one to each of them.
    #[error("the entry `{path}` is refused: {reason}")]
    Entry {
        /// As its header calls it.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An absolute path, one with `..`, a drive letter, a backslash, control characters.
    #[error("the path `{path}` is refused: {reason}")]
    Path {
        /// As it stands in the archive.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// One path twice: two readers would see two charts.
    #[error("`{0}` is in the archive twice")]
    Duplicate(String),
    /// Larger than any chart may be.
    #[error("{what} is larger than the limit of {limit}")]
    Limit {
        /// What was too large.
        what: String,
        /// How large it may be.
        limit: String,
    },
    /// More is to be remembered of it than a command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// Bytes after the end of the archive.
    #[error("there is data after the end of the archive")]
    Trailing,
    /// A header that contradicts itself.
    #[error("the archive is malformed: {0}")]
    Malformed(Cow<'static, str>),
}

impl ArchiveError {
    /// The entry of this name has a header that is refused.
    pub(super) fn entry(name: &[u8], reason: &'static str) -> Self {
        Self::Entry { path: shown(name), reason }
    }

    /// The entry of this name is refused for it.
    pub(super) fn path(name: &[u8], reason: &'static str) -> Self {
        Self::Path { path: shown(name), reason }
    }

    /// It has contradicted itself.
    pub(super) fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(reason.into())
    }
}

/// A name in a message, which need not be all of it.
pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(MAX_PATH)]).into_owned()
}

/// It is larger than what is allowed.
pub(in crate::chart) fn limit<T>(
    what: impl Into<String>,
    limit: impl Into<String>,
) -> Result<T, ArchiveError> {
    Err(ArchiveError::Limit { what: what.into(), limit: limit.into() })
}
