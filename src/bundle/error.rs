//! The errors of reading a bundle.

use std::io;

use crate::chart::ArchiveError;
use crate::digest::Digest;
use crate::disk::PathError;
use crate::layout::LayoutIndexError;
use crate::limits::OverBudget;

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file system refused something.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The bundle cannot be read to its end: a pipe broke, or a compressed file is damaged.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// The tar archive is damaged, or programs may read it in different ways.
    #[error("{0}")]
    Archive(#[from] ArchiveError),
    /// The archive ends too early.
    #[error("it is cut short")]
    Cut,
    /// The archive has two files of this name: two readers could see two different bundles.
    #[error("`{0}` is in it twice")]
    Twice(String),
    /// The archive is compressed by zstd, which is not supported.
    #[error("it is compressed by zstd")]
    Zstd,
    /// Too many bytes of a stream would have to wait in a temporary file until they are needed.
    #[error("more than {} GiB of it come before they are needed", .limit >> 30)]
    Spooled {
        /// How many bytes may wait.
        limit: u64,
    },
    /// There is no `index.json`, so it is not an image layout.
    #[error("it is no bundle, which is an OCI image layout: it has no index.json")]
    NoIndex,
    /// The `index.json` cannot be used.
    #[error("{0}")]
    Index(#[from] LayoutIndexError),
    /// The index, a manifest or the chart in it is larger than its limit.
    #[error("its {what} has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// What it is, as the message calls it.
        what: String,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// What has to be remembered about the bundle takes more memory than the budget has left.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The content of this blob does not have the digest or the size that it should have.
    #[error("its blob {0} is damaged")]
    Damaged(Digest),
}

impl BundleError {
    /// Whether the content of the bundle is wrong, and not the system or a limit that kept it from being read.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Disk(_)
            | Self::Memory(_)
            | Self::Zstd
            | Self::NoIndex
            | Self::Spooled { .. }
            | Self::Archive(ArchiveError::Memory(_)) => false,
            Self::Read(error) | Self::Archive(ArchiveError::Read(error)) => is_about_content(error),
            _ => true,
        }
    }
}

/// Whether an I/O error is about what was read and does not come from the system: a part is missing or has another
/// digest than the list says, or a compressed stream is damaged.
fn is_about_content(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    error.raw_os_error().is_none()
        && matches!(error.kind(), K::NotFound | K::InvalidData | K::InvalidInput | K::UnexpectedEof)
}
