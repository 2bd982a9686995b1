//! What all requests share, and work that waits for the disk.

use std::io::{self, Write};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::auth::Users;
use super::memory::RequestMemory;
use super::refusal::RequestRefusal;
use super::sessions::Sessions;
use super::store::RegistryStore;
use crate::disk::PathError;

/// What all requests share.
pub(super) struct ServedRegistry {
    pub(super) store: Arc<RegistryStore>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) memory: RequestMemory,
    pub(super) users: Option<Arc<Users>>,
    pub(super) referrers: bool,
    pub(super) debug: bool,
}

/// Does work on files that waits for the disk, or takes long, in a thread where it holds up no other request. To look up a name and to read or
/// write a piece is done where it is asked for: to hand that to another thread and back costs more than most of it takes.
pub(super) async fn blocking<T: Send + 'static>(
    files: impl FnOnce() -> Result<T, PathError> + Send + 'static,
) -> Result<T, RequestRefusal> {
    work(|| files().map_err(RequestRefusal::from)).await
}

/// As [`blocking`], for work that finds reasons of its own to refuse a request.
pub(super) async fn work<T: Send + 'static>(
    files: impl FnOnce() -> Result<T, RequestRefusal> + Send + 'static,
) -> Result<T, RequestRefusal> {
    // It ends early only with the process.
    spawn_blocking(files).await.unwrap_or(Err(RequestRefusal::Stopping))
}

/// Tells the user something that is not the result.
pub(super) fn say(line: &str) {
    // A terminal that was closed is no reason to stop serving.
    let _ = writeln!(io::stderr(), "{line}");
}
