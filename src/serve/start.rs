//! Starts and stops the registry: its options and its errors.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::sleep;

use super::auth::{HtpasswdError, Users};
use super::listen::{Ended, Signals};
use super::memory::RequestMemory;
use super::places::Places;
use super::registry::ServedRegistry;
use super::sessions::ABANDONED;
use super::store::{RegistryStore, RegistryStoreError};
use super::tls::{TlsError, TlsFiles};
use crate::disk::allow_open_files;
use crate::{environment, threads};

/// The options of the registry.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The address to listen on, as `host:port`; port 0 means any free one.
    pub listen: String,
    /// The directory with all data. It is created if it does not exist.
    pub data: PathBuf,
    /// The htpasswd file with the users; `None` to let everyone in.
    pub htpasswd: Option<PathBuf>,
    /// Certificate and key for HTTPS; `None` for HTTP.
    pub tls: Option<TlsFiles>,
    /// Whether the registry lists referrers. If not, clients maintain lists of their own under tags ("Unavailable
    /// Referrers API" in the distribution spec).
    pub referrers: bool,
    /// Whether every request is logged on standard error.
    pub debug: bool,
    /// The parent process, if the registry should stop when it ends.
    pub parent: Option<u32>,
}

/// Why the registry cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data directory cannot be used.
    #[error("cannot serve the data directory")]
    Data(#[from] RegistryStoreError),
    /// The htpasswd file cannot be used.
    #[error("cannot use the htpasswd file")]
    Htpasswd(#[from] HtpasswdError),
    /// Certificate or key cannot be used.
    #[error("cannot serve HTTPS")]
    Tls(#[from] TlsError),
    /// The address is invalid, in use, or not one of this machine.
    #[error("cannot listen on {listen}")]
    Listen {
        /// The address from the options.
        listen: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The operating system provides no threads or signals.
    #[error("cannot start")]
    Start(#[source] io::Error),
    /// The line that says that the registry is ready could not be written.
    #[error("cannot write to the standard output")]
    Output(#[source] io::Error),
    /// A second signal came before the last request was answered.
    #[error("stopped with requests still in flight")]
    Interrupted,
}

/// How many threads may wait for a slow disk at once before other requests are delayed.
const THREADS: usize = 8;

/// How many requests at once may wait for the disk, or for a password to be checked.
const WAITING: u64 = 16;

/// The most connections, even if more files may be open: each connection takes memory.
const MAX_CONNECTIONS: u64 = 480;

/// How many files a connection has open: a socket, and at most one file.
const FILES_OF_CONNECTION: u64 = 2;

/// How many more files a request has open that waits for the disk.
const FILES_OF_WAITING: u64 = 3;

/// How many other files the process has open: from its start, to listen, and in reserve.
const OTHER_FILES: u64 = 32;

/// The default data directory: `registry-serve` in Helm's directory; `None` if Helm's directory is unknown.
pub fn default_data() -> Option<PathBuf> {
    environment::helm_home().ok().map(|home| home.join("registry-serve"))
}

/// Serves a registry until a signal ends it. Writes one line with its URL to `out` when it is ready.
pub fn serve(options: &ServeOptions, out: &mut dyn Write) -> Result<(), ServeError> {
    let users = options.htpasswd.as_deref().map(Users::read).transpose()?.map(Arc::new);
    let tls = options.tls.as_ref().map(super::tls::acceptor).transpose()?;
    let store = Arc::new(RegistryStore::open(&options.data)?);
    let ServeOptions { referrers, debug, .. } = *options;
    let most = MAX_CONNECTIONS * FILES_OF_CONNECTION + WAITING * FILES_OF_WAITING + OTHER_FILES;
    let (connections, waiting) = room(allow_open_files(most));
    let places = Arc::new(Places::new(connections));
    let memory = RequestMemory::new(Arc::clone(&places));
    let sessions = Arc::default();
    let registry = Arc::new(ServedRegistry { store, sessions, memory, users, referrers, debug });
    let workers = threads::cores().max(THREADS);
    // The runtime panics if it cannot start this many threads. One more is for work on files.
    threads::afford(workers + 1).map_err(ServeError::Start)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .max_blocking_threads(waiting)
        .enable_all()
        .build()
        .map_err(ServeError::Start)?;
    let result = runtime.block_on(async {
        let refused = |source| ServeError::Listen { listen: options.listen.clone(), source };
        let listener = TcpListener::bind(&options.listen).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        warn_if_open(options, address.ip().is_loopback());
        // Signals are registered before the registry says that it is ready: it may be stopped at once.
        let signals = Signals::new(options.parent).map_err(ServeError::Start)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        writeln!(out, "Serving on {scheme}://{address}")
            .and_then(|()| out.flush())
            .map_err(ServeError::Output)?;
        tokio::spawn(tidy(Arc::clone(&registry)));
        match super::listen::run(listener, tls, registry, places, signals).await {
            Ended::Stopped => Ok(()),
            Ended::Interrupted => Err(ServeError::Interrupted),
        }
    });
    runtime.shutdown_background();
    result
}

/// How many connections, and how many requests that wait for the disk, are possible with this many open files.
pub(super) fn room(files: u64) -> (usize, usize) {
    let files = files.saturating_sub(OTHER_FILES);
    let waiting = (files / 8).clamp(2, WAITING);
    let connections = files.saturating_sub(waiting * FILES_OF_WAITING) / FILES_OF_CONNECTION;
    let count = |number: u64| usize::try_from(number).unwrap_or(1);
    (count(connections.clamp(1, MAX_CONNECTIONS)), count(waiting))
}

fn warn_if_open(options: &ServeOptions, loopback: bool) {
    if loopback {
        return;
    }
    if options.htpasswd.is_none() {
        log::warn!("everyone who can reach this machine can read and write this registry: see --htpasswd");
    }
    if options.tls.is_none() {
        log::warn!("whatever is sent to this registry can be read on the way: see --tls-cert and --tls-key");
    }
}

/// Ends abandoned uploads every five minutes.
async fn tidy(registry: Arc<ServedRegistry>) {
    loop {
        sleep(Duration::from_secs(5 * 60)).await;
        registry.sessions.close_abandoned(ABANDONED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_for_as_many_as_files_can_be_open() {
        for (files, expected) in [
            (0, (1, 2)),
            (64, (10, 4)),
            (256, (88, 16)),
            (1024, (472, 16)),
            (1040, (480, 16)),
            (u64::MAX, (480, 16)),
        ] {
            assert_eq!(room(files), expected, "{files}");
        }
    }
}
