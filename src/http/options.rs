//! What the user decides about connections.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::error::HttpError;
use super::proxy::Proxies;
use super::retry::Backoff;
use super::timeouts::Timeouts;
use crate::reference::Host;

/// Is called with the error of a failed attempt, and the time until the next attempt.
pub type WaitNotice = dyn Fn(&HttpError, Duration) + Send + Sync;

/// How servers are reached, and how far they are trusted.
#[derive(Clone)]
pub struct HttpOptions {
    /// Trust any certificate, as `--insecure` says.
    pub insecure: bool,
    /// Trust the certificates in this file, and no others.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show to a server that asks for one; it needs `key_file` as well.
    pub cert_file: Option<PathBuf>,
    /// The private key of `cert_file`.
    pub key_file: Option<PathBuf>,
    /// The proxies that the environment names.
    pub proxies: Proxies,
    /// Hosts to which a server may redirect us although they are inside this network and it is not, or with an upload.
    /// They see the content and no credentials. A host without a port means the scheme's default one.
    pub allowed_hosts: Vec<Host>,
    /// How often and after which waits a request is repeated.
    pub backoff: Backoff,
    /// The time limits of the phases of a request.
    pub timeouts: Timeouts,
    /// Sleeps between attempts.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
    /// Is called before each of those waits, with its reason and length.
    pub waiting: Arc<WaitNotice>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            insecure: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            proxies: Proxies::default(),
            allowed_hosts: Vec::new(),
            backoff: Backoff::default(),
            timeouts: Timeouts::default(),
            sleep: Arc::new(thread::sleep),
            waiting: Arc::new(|_, _| {}),
        }
    }
}

impl HttpOptions {
    /// Whether one of the options for TLS is set.
    pub fn is_tls_asked_for(&self) -> bool {
        self.insecure || self.ca_file.is_some() || self.cert_file.is_some() || self.key_file.is_some()
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
