//! This process, its parent and its user, by the operating system.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, parent_id};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// The id of the parent process, or of the process that adopted this one when its parent ended.
pub fn parent() -> u32 {
    parent_id()
}

/// The id of the user that this process runs as.
pub fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Replaces this process by another program, so that signals and the exit code are its own (`execve`). It only returns
/// if that fails, with the reason.
pub fn turn_into(command: &mut Command) -> io::Error {
    command.exec()
}

/// Calls `work` in a thread of its own when SIGINT or SIGTERM arrives; then the process ends by that signal, as it
/// would have without this. A second signal ends the process at once. A signal that is ignored stays ignored, as in a
/// job that a shell has put in the background.
pub fn before_interruption(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let (mut reader, writer) = UnixStream::pair()?;
    let came = Arc::new(AtomicUsize::new(0));
    let last = Arc::clone(&came);
    thread::Builder::new().spawn(move || {
        // No signal can be caught, so nothing will ever arrive.
        if reader.read_exact(&mut [0]).is_err() {
            return;
        }
        work();
        let signal = i32::try_from(last.load(Ordering::SeqCst)).unwrap_or(SIGTERM);
        // This only returns for signals that do not end a process, which these two do.
        let _ = low_level::emulate_default_handler(signal);
    })?;
    let is_second = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        if is_ignored(signal) {
            continue;
        }
        flag::register_conditional_default(signal, Arc::clone(&is_second))?;
        flag::register(signal, Arc::clone(&is_second))?;
        flag::register_usize(signal, Arc::clone(&came), usize::try_from(signal).unwrap_or_default())?;
        low_level::pipe::register(signal, writer.try_clone()?)?;
    }
    Ok(())
}

/// Whether a signal is ignored, by proc(5), SigIgn. Where there is no such file, it counts as not ignored.
fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask & (1 << (signal - 1)) != 0
}
