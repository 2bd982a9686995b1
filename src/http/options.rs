//! What the user decides about connections.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::proxy::Proxies;
use super::retry::Backoff;
use super::timeouts::Timeouts;
use crate::reference::Host;

/// How servers are reached, and how far they are trusted.
#[derive(Clone)]
pub struct Options {
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
    /// Hosts that a server may send uploads on to. They see the content and no credentials.
    pub upload_hosts: Vec<Host>,
    /// How often and how patiently to try again.
    pub backoff: Backoff,
    /// How long to wait for what.
    pub timeouts: Timeouts,
    /// Waits between attempts.
    pub sleep: Arc<dyn Fn(Duration) + Send + Sync>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            insecure: false,
            ca_file: None,
            cert_file: None,
            key_file: None,
            proxies: Proxies::default(),
            upload_hosts: Vec::new(),
            backoff: Backoff::default(),
            timeouts: Timeouts::default(),
            sleep: Arc::new(thread::sleep),
        }
    }
}

impl Options {
    /// Whether any of them makes sense with TLS alone.
    pub fn is_tls_asked_for(&self) -> bool {
        self.insecure || self.ca_file.is_some() || self.cert_file.is_some() || self.key_file.is_some()
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}
