//! What may be found under a name, and the error of finding something else there than belongs there.

use std::path::Path;
use std::{fmt, io};

use rustix::fs::FileType;

use super::path_error::PathError;

/// What a name stands for in a file system. A symbolic link is one, whatever it leads to.
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
    /// A device, or something that this system has besides.
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

/// Something else is there than belongs there. It is the source of a [`PathError`], and nothing was done with it: a
/// symbolic link was not followed, a fifo not waited for, a file not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("it is {found}, where {wanted} belongs")]
pub struct Foreign {
    /// What is there.
    pub found: FileKind,
    /// What belongs there.
    pub wanted: FileKind,
}

impl Foreign {
    /// The error about it at `path`.
    pub fn at(self, path: &Path) -> PathError {
        let source = io::Error::new(io::ErrorKind::InvalidData, self);
        PathError { verb: "use", path: path.to_path_buf(), source }
    }

    /// What is wrong there, if it is this.
    pub fn in_error(error: &PathError) -> Option<&Self> {
        error.source.get_ref()?.downcast_ref()
    }
}
