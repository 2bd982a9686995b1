//! What can be wrong with a bundle.

use std::io;

use crate::chart::ArchiveError;
use crate::digest::Digest;
use crate::disk::PathError;
use crate::layout::LayoutIndexError;
use crate::limits::OverBudget;

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file system refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// It cannot be read to its end: a pipe that broke, a compressed file that is damaged.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// It is no tar archive that all programs read alike.
    #[error("{0}")]
    Archive(#[from] ArchiveError),
    /// It ends before it is whole.
    #[error("it is cut short")]
    Cut,
    /// Something is in it twice: two readers would see two bundles.
    #[error("`{0}` is in it twice")]
    Twice(String),
    /// It is compressed in a way that is not read here.
    #[error("it is compressed by zstd")]
    Zstd,
    /// Too much of a pipe would have to wait on the disk until it is needed.
    #[error("more than {} GiB of it come before they are needed", .limit >> 30)]
    Spooled {
        /// How many bytes may wait.
        limit: u64,
    },
    /// There is no index, without which it is no layout.
    #[error("it is no OCI image layout: it has no index.json")]
    NoIndex,
    /// The index is none.
    #[error("{0}")]
    Index(#[from] LayoutIndexError),
    /// The index or a manifest is larger than is read.
    #[error("its {what} has {size} bytes; the limit is {limit}")]
    TooLarge {
        /// Which one.
        what: String,
        /// How large it is.
        size: u64,
        /// How large it may be.
        limit: u64,
    },
    /// More is to be remembered of it than a command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// A blob that is not what its name says.
    #[error("its blob {0} is damaged")]
    Damaged(Digest),
}

impl BundleError {
    /// Whether something is wrong with what it holds, and not with the way there.
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Disk(_)
            | Self::Memory(_)
            | Self::Zstd
            | Self::Spooled { .. }
            | Self::Archive(ArchiveError::Memory(_)) => false,
            Self::Read(error) | Self::Archive(ArchiveError::Read(error)) => is_about_content(error),
            _ => true,
        }
    }
}

/// Whether an error is about what was read, and not the system's about the way to it: a part that is missing, or is not what
/// the list of parts says; a compressed stream that is none.
fn is_about_content(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    error.raw_os_error().is_none()
        && matches!(error.kind(), K::NotFound | K::InvalidData | K::InvalidInput | K::UnexpectedEof)
}
