//! Descriptors: how many files a process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Makes sure that this process may have `wanted` files open, as far as its hard limit allows, and tells how many it may
/// have then. What it starts with is for programs that use select(2): 256 on macOS, 1024 on Linux.
pub fn allow_open_files(wanted: u64) -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let current = limit.current.unwrap_or(u64::MAX);
    if current >= wanted {
        return current;
    }
    // As many as are wanted and no more: macOS refuses an unlimited number, and its hard limit is one.
    let raised = limit.maximum.map_or(wanted, |maximum| maximum.min(wanted));
    match setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum: limit.maximum }) {
        Ok(()) => raised,
        Err(error) => {
            log::debug!("the limit of open files stays at {current}: {error}");
            current
        }
    }
}
