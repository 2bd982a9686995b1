//! Starts the registry, and ends it: how it is to be served, and why it cannot be.

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

/// How a registry is to be served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// `host:port`; port 0 is any free one.
    pub listen: String,
    /// Where everything is kept; made if it is not there.
    pub data: PathBuf,
    /// Who may use it: everyone, or those in this file.
    pub htpasswd: Option<PathBuf>,
    /// HTTPS instead of HTTP.
    pub tls: Option<TlsFiles>,
    /// Whether referrers are listed. Where they are not, clients keep lists of their own, under tags ("Unavailable Referrers
    /// API" of the distribution spec).
    pub referrers: bool,
    /// Whether every request is told on stderr.
    pub debug: bool,
    /// The process that has started this one, if its end is this one's, too.
    pub parent: Option<u32>,
}

/// Why the registry cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data directory.
    #[error("cannot serve the data directory")]
    Data(#[from] RegistryStoreError),
    /// The passwords.
    #[error("cannot use the htpasswd file")]
    Htpasswd(#[from] HtpasswdError),
    /// Certificate or key.
    #[error("cannot serve HTTPS")]
    Tls(#[from] TlsError),
    /// The address is taken, is not ours, or is none.
    #[error("cannot listen on {listen}")]
    Listen {
        /// What was asked for.
        listen: String,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not give us threads or signals.
    #[error("cannot start")]
    Start(#[source] io::Error),
    /// The line that says that the registry is ready could not be written.
    #[error("cannot write to the standard output")]
    Output(#[source] io::Error),
    /// A second signal came before the last request was answered.
    #[error("stopped with requests still in flight")]
    Interrupted,
}

/// So many may read from a slow disk at once before others have to wait for them.
const THREADS: usize = 8;

/// So many requests at once may wait for the disk, or for a password to be checked.
const WAITING: u64 = 16;

/// No more connections than this, however many files may be open: each takes memory.
const MAX_CONNECTIONS: u64 = 480;

/// A connection has a socket and at most one file.
const FILES_OF_CONNECTION: u64 = 2;

/// A request that waits for the disk has at most three more.
const FILES_OF_WAITING: u64 = 3;

/// What the process has open besides: from its start, to listen, and for what is to come.
const OTHER_FILES: u64 = 32;

/// Where the data is unless told otherwise: `registry-serve` in Helm's directory.
pub fn default_data() -> Option<PathBuf> {
    environment::helm_home().ok().map(|home| home.join("registry-serve"))
}

/// Serves a registry until a signal ends it. Writes one line to `out` when it is ready.
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
    // The runtime panics if there are fewer; one more is for the files.
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
        // Before anyone is told that we are ready: they may stop us at once.
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

/// How many connections there may be at once, and how many requests that wait for the disk, where so many files may be open.
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

/// Ends uploads that no client came back to.
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
