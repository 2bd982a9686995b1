//! Raises the limit on the open files of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files to `wanted`, as far as the hard limit allows, and returns the limit that then
/// applies. Systems start programs with a low limit, 256 on macOS and 1024 on Linux, for the sake of those that use
/// select(2).
pub fn allow_open_files(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return current;
    }
    // The limit is not set higher than wanted: macOS refuses an unlimited number, though its hard limit is that.
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
        Ok(()) => raised,
        Err(error) => {
            log::debug!("the limit of open files stays at {current}: {error}");
            current
        }
    }
}
