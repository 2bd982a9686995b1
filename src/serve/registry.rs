//! What all requests share, and work that waits for the disk.

use std::io::{self, Write};
use std::sync::Arc;

use tokio::task::spawn_blocking;

use super::auth::Users;
use super::memory::Memory;
use super::refusal::Refusal;
use super::sessions::Sessions;
use super::store::Store;
use crate::disk::PathError;

/// What all requests share.
pub(super) struct Registry {
    pub(super) store: Arc<Store>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) memory: Memory,
    pub(super) users: Option<Arc<Users>>,
    pub(super) referrers: bool,
    pub(super) debug: bool,
}

/// Does work on files that waits for the disk, or takes long, in a thread where it holds up no other request. To look up a name and to read or
/// write a piece is done where it is asked for: to hand that to another thread and back costs more than most of it takes.
pub(super) async fn blocking<T: Send + 'static>(
    files: impl FnOnce() -> Result<T, PathError> + Send + 'static,
) -> Result<T, Refusal> {
    work(|| files().map_err(Refusal::from)).await
}

/// As [`blocking`], for work that finds reasons of its own to refuse a request.
pub(super) async fn work<T: Send + 'static>(
    files: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    // It ends early only with the process.
    spawn_blocking(files).await.unwrap_or(Err(Refusal::Stopping))
}

/// Tells the user something that is not the result.
pub(super) fn say(line: &str) {
    // A terminal that was closed is no reason to stop serving.
    let _ = writeln!(io::stderr(), "{line}");
}
