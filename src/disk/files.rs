//! Files that are open.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

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

/// Opens a file to write it, its owner's alone if it has to be made.
pub fn open_private(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Makes a directory and those above it that are missing, their owner's alone.
pub fn make_private_dirs(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether somebody may run what this is the metadata of.
pub fn may_run(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

/// Whether a file has no name beside the one that it was found under. What is written into one that has is written into
/// somebody else's file as well.
pub fn has_one_name(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.nlink() == 1)
}

/// Links that lead on to links; the system itself gives up there.
const MOST_LINKS: usize = 40;

/// Where the file at a path really is, or is to be: [`super::temporary::replace`] puts a file in the place of a link, and
/// what a person keeps as links into other places should stay so. Not for what strangers may have put there.
pub fn target(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        // The last link may lead to a file that is yet to be.
        let Ok(to) = fs::read_link(&at) else { break };
        at = at.parent().map_or_else(|| to.clone(), |parent| parent.join(&to));
    }
    fs::canonicalize(&at).unwrap_or(at)
}
