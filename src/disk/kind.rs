//! The kinds of files, and the error of finding another kind than belongs in a place.

use std::path::Path;
use std::{fmt, io};

use rustix::fs::FileType;

use super::path_error::PathError;

/// What a name in a directory is. A symbolic link counts as a link, and not as what it leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A device, or a kind of file that only this system has.
    Device,
}

impl FileKind {
    pub(super) fn of(kind: FileType) -> Self {
        match kind {
            FileType::Directory => Self::Directory,
            FileType::RegularFile => Self::File,
            FileType::Symlink => Self::Link,
            FileType::Fifo => Self::Fifo,
            FileType::Socket => Self::Socket,
            _ => Self::Device,
        }
    }
}

impl fmt::Display for FileKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Directory => "a directory",
            Self::File => "a file",
            Self::Link => "a symbolic link",
            Self::Fifo => "a fifo",
            Self::Socket => "a socket",
            Self::Device => "a device",
        })
    }
}

/// The error that something of another kind is in a place of ours. It is the source of a [`PathError`]. Nothing was
/// done with what is there: a link was not followed, a fifo not waited for, a file not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("it is {found}, where {wanted} belongs")]
pub struct Foreign {
    /// What kind of file is there.
    pub found: FileKind,
    /// What kind of file belongs there.
    pub wanted: FileKind,
}

impl Foreign {
    /// Makes the error for what is at `path`.
    pub fn at(self, path: &Path) -> PathError {
        let source = io::Error::new(io::ErrorKind::InvalidData, self);
        PathError { verb: "use", path: path.to_path_buf(), source }
    }

    /// The `Foreign` inside an error, or None if the error is about something else.
    pub fn in_error(error: &PathError) -> Option<&Self> {
        error.source.get_ref()?.downcast_ref()
    }
}
