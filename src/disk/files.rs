//! Files that are open.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

/// Tries again what a signal interrupted.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Opens a file to read it. The C library's own way asks the system twice.
pub fn open(path: &Path) -> io::Result<File> {
    let open = || Ok(openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?);
    uninterrupted(open).map(File::from)
}

/// Reads at an offset, whatever the file's own position is: others may read the same open file.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    uninterrupted(|| file.read_at(buffer, offset))
}

/// Makes a file read-only, for everybody.
pub fn make_read_only(file: &File) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

/// Makes a file its owner's alone, who may write it.
pub fn make_writable(file: &File) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// Whether a file has no name beside the one that it was found under. What is written into one that has is written into
/// somebody else's file as well.
pub fn has_one_name(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.nlink() == 1)
}
