//! Errors of the file system, each with the path where it happened.

use std::io;
use std::path::{Path, PathBuf};

/// An I/O error and the path where it happened. A bare `io::Error` never travels on.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}", path.display())]
pub struct PathError {
    /// What was tried: `read`, `write`, …
    pub verb: &'static str,
    /// The path on which it was tried.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

impl PathError {
    /// Whether there is no space left on the disk, or none of what its user may have of it.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether a file would be larger than the system lets it be.
    pub fn is_too_large(&self) -> bool {
        self.source.kind() == io::ErrorKind::FileTooLarge
    }

    /// Whether too many files are open, in this process or on this machine.
    pub fn lacks_descriptors(&self) -> bool {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(&self.source), Some(Errno::MFILE | Errno::NFILE))
    }
}

/// Puts verb and path on an I/O error.
pub trait AtPath<T> {
    /// `cannot <verb> <path>`
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { verb, path: path.to_path_buf(), source: bare(source) })
    }
}

/// The tempfile crate writes a path of its own into an error's text, `… (os error 30) at path "…"`: the temporary one,
/// which says nothing to anybody.
pub fn bare(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    let text = error.to_string();
    let number = text.split_once(" (os error ").and_then(|(_, rest)| rest.split_once(") at path "));
    number.and_then(|(number, _)| number.parse().ok()).map_or(error, io::Error::from_raw_os_error)
}
