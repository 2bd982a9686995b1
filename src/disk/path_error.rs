//! I/O errors with the path where they happened.

use std::io;
use std::path::{Path, PathBuf};

/// An I/O error and the path where it happened. Functions return this instead of a bare `io::Error`, which names no
/// path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}", path.display())]
pub struct PathError {
    /// What was tried, as a verb for the message: `read`, `write`, …
    pub verb: &'static str,
    /// The path on which it was tried.
    pub path: PathBuf,
    /// The error of the system.
    pub source: io::Error,
}

impl PathError {
    /// Whether the disk, or the user's quota on it, is full.
    pub fn is_full(&self) -> bool {
        matches!(self.source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
    }

    /// Whether a file would be larger than the system allows.
    pub fn is_too_large(&self) -> bool {
        self.source.kind() == io::ErrorKind::FileTooLarge
    }

    /// Whether too many files are open, in this process or on this machine.
    pub fn lacks_descriptors(&self) -> bool {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(&self.source), Some(Errno::MFILE | Errno::NFILE))
    }
}

/// Adds a verb and a path to the error of an I/O result.
pub trait AtPath<T> {
    /// Turns an error into a [`PathError`], which reads `cannot <verb> <path>`.
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T> AtPath<T> for io::Result<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { verb, path: path.to_path_buf(), source: bare(source) })
    }
}

/// The error without a path in its own text. The tempfile crate adds the temporary path, `… (os error 30) at path "…"`,
/// which means nothing to a user.
pub fn bare(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    let text = error.to_string();
    let number = text.split_once(" (os error ").and_then(|(_, rest)| rest.split_once(") at path "));
    number.and_then(|(number, _)| number.parse().ok()).map_or(error, io::Error::from_raw_os_error)
}
