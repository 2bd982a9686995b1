//! Reads the names in a directory.

use std::ffi::{CStr, OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;

use rustix::fs::{FileType, SeekFrom, seek};
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::io::Errno;

use super::directory::Directory;
use super::kind::FileKind;
use super::path_error::{AtPath as _, PathError};

/// A name in a directory, and what it is.
#[derive(Debug)]
pub struct Named {
    /// The name alone, without the path of the directory.
    pub name: OsString,
    /// What kind of file it is, without following a link.
    pub kind: FileKind,
}

impl Named {
    /// Whether the name begins with a dot, as those that `ls` hides.
    pub fn is_hidden(&self) -> bool {
        self.name.as_encoded_bytes().starts_with(b".")
    }
}

impl Directory {
    /// All names in the directory, in no particular order, without `.` and `..`.
    pub fn names(&mut self) -> Result<Vec<Named>, PathError> {
        self.some_names(usize::MAX)
    }

    /// The names in the directory, in no particular order, but not many more than `most` of them.
    pub fn some_names(&mut self, most: usize) -> Result<Vec<Named>, PathError> {
        if std::mem::replace(&mut self.read, true) {
            seek(&*self, SeekFrom::Start(0)).map_err(io::Error::from).at("read", self.path())?;
        }
        let mut names = Vec::new();
        let mut take = |name: &CStr, kind: FileType| -> io::Result<bool> {
            let name = OsStr::from_bytes(name.to_bytes());
            if name == "." || name == ".." {
                return Ok(true);
            }
            let kind = match kind {
                // Some file systems do not tell the kind.
                FileType::Unknown => match self.kind(name)? {
                    Some(kind) => kind,
                    // The entry was removed in the meantime.
                    None => return Ok(true),
                },
                kind => FileKind::of(kind),
            };
            names.push(Named { name: name.to_owned(), kind });
            Ok(names.len() < most)
        };
        read(self, &mut take).at("read", self.path())?;
        Ok(names)
    }
}

/// Calls `take` with each name and the kind that the system gives it, until `take` returns false.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn read(directory: &Directory, take: &mut dyn FnMut(&CStr, FileType) -> io::Result<bool>) -> io::Result<()> {
    // Enough for a few hundred names. On the stack it need not be allocated or cleared.
    let mut buffer = [std::mem::MaybeUninit::uninit(); 16 << 10];
    let mut names = rustix::fs::RawDir::new(directory, &mut buffer);
    while let Some(entry) = names.next() {
        match entry {
            Ok(entry) => {
                if !take(entry.file_name(), entry.file_type())? {
                    break;
                }
            }
            Err(Errno::INTR) => {}
            // The directory was removed in the meantime.
            Err(Errno::NOENT) => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn read(directory: &Directory, take: &mut dyn FnMut(&CStr, FileType) -> io::Result<bool>) -> io::Result<()> {
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        if !take(entry.file_name(), entry.file_type())? {
            break;
        }
    }
    Ok(())
}
