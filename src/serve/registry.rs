//! The state that all requests share, and a way to run blocking work on files.

use std::io::{self, Write};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::auth::Users;
use super::memory::RequestMemory;
use super::refusal::RequestRefusal;
use super::sessions::Sessions;
use super::store::RegistryStore;
use crate::disk::PathError;

/// The state that all requests share.
pub(super) struct ServedRegistry {
    pub(super) store: Arc<RegistryStore>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) memory: RequestMemory,
    pub(super) users: Option<Arc<Users>>,
    pub(super) referrers: bool,
    pub(super) debug: bool,
}

/// Runs work on files that waits for the disk or takes long in a thread of its own, where it delays no other request.
/// Looking up a name, and reading or writing a piece, is done in place: handing that to another thread would cost more
/// than it takes.
pub(super) async fn blocking<T: Send + 'static>(
    files: impl FnOnce() -> Result<T, PathError> + Send + 'static,
) -> Result<T, RequestRefusal> {
    work(|| files().map_err(RequestRefusal::from)).await
}

/// Like [`blocking`], for work that can also refuse the request.
pub(super) async fn work<T: Send + 'static>(
    files: impl FnOnce() -> Result<T, RequestRefusal> + Send + 'static,
) -> Result<T, RequestRefusal> {
    // The work is only lost when the process ends.
    spawn_blocking(files).await.unwrap_or(Err(RequestRefusal::Stopping))
}

/// Writes a line to standard error.
pub(super) fn say(line: &str) {
    // A closed terminal is no reason to stop serving.
    let _ = writeln!(io::stderr(), "{line}");
}
