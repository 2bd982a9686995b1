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

/// Takes an attempt's error, and how long is waited before the next one.
pub type WaitNotice = dyn Fn(&HttpError, Duration) + Send + Sync;

/// How servers are reached, and how far they are trusted.
#[derive(Clone)]
pub struct HttpOptions {
    /// Trust any certificate.
    pub insecure: bool,
    /// Trust the certificates in this file, and no others.
    pub ca_file: Option<PathBuf>,
    /// The certificate to show to a server that asks for one; it needs `key_file` as well.
    pub cert_file: Option<PathBuf>,
    /// The key of that certificate.
    pub key_file: Option<PathBuf>,
    /// The proxies of the environment.
    pub proxies: Proxies,
    /// Hosts that a server may send us on to though they are inside this network and it is not, or with an upload. They
    /// see the content and no credentials. Without a port it is the scheme's own.
    pub allowed_hosts: Vec<Host>,
    /// How often and how patiently to try again.
    pub backoff: Backoff,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Waits between attempts.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
    /// Is told before each of those waits why it is, and how long.
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
    /// Whether any of them makes sense with TLS alone.
    pub fn is_tls_asked_for(&self) -> bool {
        self.insecure || self.ca_file.is_some() || self.cert_file.is_some() || self.key_file.is_some()
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
