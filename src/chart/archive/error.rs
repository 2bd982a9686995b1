//! The errors of reading an archive.

use std::borrow::Cow;
use std::io;

use super::names::MAX_PATH;
use crate::limits::OverBudget;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file is not gzip.
    #[error("it is no packaged chart, which would be a gzipped tar archive")]
    NotGzip,
    /// The archive is cut short or damaged, or reading it failed.
    #[error("the archive cannot be read")]
    Read(#[from] io::Error),
    /// An entry is a link, a device, a fifo or a sparse file.
    #[error("`{path}` is {kind}: a chart has only files and directories")]
    Kind {
        /// The path of the entry.
        path: String,
        /// What it is, for the message.
        kind: &'static str,
    },
    /// Programs read the header of an entry in different ways, so that each would see a different chart.
    #[error("the entry `{path}` is refused: {reason}")]
    Entry {
        /// The name of the entry in its header.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry has a path that is not allowed: absolute, with `..`, with a drive letter, a backslash or control
    /// characters.
    #[error("the path `{path}` is refused: {reason}")]
    Path {
        /// The path as the archive has it.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The archive has the same path twice: two readers would see two charts.
    #[error("`{0}` is in the archive twice")]
    Duplicate(String),
    /// Something is larger than it may be.
    #[error("{what} is larger than the limit of {limit}")]
    Limit {
        /// What is too large.
        what: String,
        /// The limit, in words.
        limit: String,
    },
    /// What has to be remembered about the archive takes more memory than the budget has left.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// There are bytes after the end of the archive.
    #[error("there is data after the end of the archive")]
    Trailing,
    /// Headers contradict themselves or each other. Holds what is wrong.
    #[error("the archive is malformed: {0}")]
    Malformed(Cow<'static, str>),
}

impl ArchiveError {
    /// The error of an entry with a header that is refused.
    pub(super) fn entry(name: &[u8], reason: &'static str) -> Self {
        Self::Entry { path: shown(name), reason }
    }

    /// The error of an entry with a path that is refused.
    pub(super) fn path(name: &[u8], reason: &'static str) -> Self {
        Self::Path { path: shown(name), reason }
    }

    /// The error of headers that contradict themselves or each other.
    pub(super) fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Malformed(reason.into())
    }
}

/// The beginning of a name, for a message.
pub(super) fn shown(name: &[u8]) -> String {
    String::from_utf8_lossy(&name[..name.len().min(MAX_PATH)]).into_owned()
}

/// The error of something that is too large. Both are given in words.
pub(in crate::chart) fn limit<T>(
    what: impl Into<String>,
    limit: impl Into<String>,
) -> Result<T, ArchiveError> {
    Err(ArchiveError::Limit { what: what.into(), limit: limit.into() })
}
