//! This process, its parent and its user, as the system knows them.

use std::io;
use std::os::unix::process::{CommandExt as _, parent_id};
use std::process::Command;

/// The number of the process that has started this one, or of the one that took it over when that ended.
pub fn parent() -> u32 {
    parent_id()
}

/// The number of the user that this process runs as.
pub fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Becomes another program, so that signals and the exit code are its own (`execve`). Returns only when that cannot be, with
/// the reason.
pub fn turn_into(command: &mut Command) -> io::Error {
    command.exec()
}
