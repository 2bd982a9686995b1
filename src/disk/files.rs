//! Opening, reading and protecting files.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};

/// Repeats a call as long as a signal interrupts it.
pub fn uninterrupted<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Opens a file to read it. This takes one system call; the C library's way takes two.
pub fn open(path: &Path) -> io::Result<File> {
    let open = || Ok(openat(CWD, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?);
    uninterrupted(open).map(File::from)
}

/// Reads at an offset in the file. The file's own position is neither used nor moved, so others may read the same open
/// file.
pub fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    uninterrupted(|| file.read_at(buffer, offset))
}

/// Sets the mode of a file to 0444: nobody may write it.
pub fn make_read_only(file: &File) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

/// Sets the mode of a file to 0600: its owner may read and write it.
pub fn make_writable(file: &File) -> io::Result<()> {
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

/// Opens a file to write it, without emptying it. If it does not exist, it is made with mode 0600.
pub fn open_private(path: &Path) -> io::Result<File> {
    File::options().create(true).truncate(false).write(true).mode(0o600).open(path)
}

/// Makes a directory, and those above it that are missing, with mode 0700.
pub fn make_private_dirs(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Whether the mode lets anybody execute the file.
pub fn may_run(metadata: &fs::Metadata) -> bool {
    metadata.permissions().mode() & 0o111 != 0
}

/// Whether the file has no hard links besides the name that it was opened by. Writing into one that has would change a
/// file elsewhere as well.
pub fn has_one_name(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.nlink() == 1)
}

/// How many symbolic links are followed in a row. The system gives up there too.
const MOST_LINKS: usize = 40;

/// Follows the links at a path, and returns the path of the file that is there or would be made.
/// [`super::temporary::replace`] would replace the link itself, which a user may have put there on purpose. This must
/// not be used on paths that others may have filled with links.
pub fn target(path: &Path) -> PathBuf {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        // The last link may lead to a file that does not exist yet.
        let Ok(to) = fs::read_link(&at) else { break };
        at = at.parent().map_or_else(|| to.clone(), |parent| parent.join(&to));
    }
    fs::canonicalize(&at).unwrap_or(at)
}
