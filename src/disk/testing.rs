//! What tests of other rooms do with files by Unix's own means.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::Path;

/// Makes a symbolic link at a path, which leads to `target`.
pub(crate) fn link(target: &str, at: &Path) {
    symlink(target, at).expect("a link");
}

/// Who may read and write a file: the nine bits of its mode.
pub(crate) fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("its metadata").permissions().mode() & 0o777
}

/// The user and the group that a file belongs to.
pub(crate) fn owner(path: &Path) -> (u32, u32) {
    let metadata = fs::metadata(path).expect("its metadata");
    (metadata.uid(), metadata.gid())
}

/// Gives a file to another user and group, which only root can.
pub(crate) fn give(path: &Path, user: u32, group: u32) -> io::Result<()> {
    chown(path, Some(user), Some(group))
}
