//! Options of the registry client: how to connect, and with which credentials.

use std::fmt;
use std::sync::Arc;

use super::hints::Hints;
use crate::credential::{CredentialOrigin, Credentials};
use crate::http;
use crate::reference::Host;

/// Returns hosts for the origin of a registry.
pub type RealmsOf = dyn Fn(&str) -> Vec<Host> + Send + Sync;

/// Is called with the host of a registry and the origin of a credential that it has refused.
pub type OnRefusal = dyn Fn(&str, &CredentialOrigin) + Send + Sync;

/// How to reach registries, and with which credentials.
#[derive(Clone)]
pub struct RegistryOptions {
    /// Connections, TLS, proxies, retries and time limits.
    pub http: http::HttpOptions,
    /// Use plain HTTP for every host. Otherwise only loopback names use it, unless `http` has options for TLS.
    pub plain_http: bool,
    /// Where credentials are looked up, once a registry asks for one.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// The store for what registries asked for earlier.
    pub hints: Option<Arc<dyn Hints>>,
    /// Hosts of token services that may receive credentials although they are not known to belong to the registry. A
    /// host with a port means that port only.
    pub trusted_realms: Vec<Host>,
    /// Further such hosts for one registry, by its origin: those that the user has allowed earlier.
    pub remembered_realms: Arc<RealmsOf>,
    /// Is called with each warning of a registry, once for each text, made fit to be shown.
    pub warn: Arc<dyn Fn(&str) + Send + Sync>,
    /// Is called when content was read without a stored credential, because the registry has refused it.
    pub refused: Arc<OnRefusal>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            http: http::HttpOptions::default(),
            plain_http: false,
            credentials: None,
            hints: None,
            trusted_realms: Vec::new(),
            remembered_realms: Arc::new(|_| Vec::new()),
            warn: Arc::new(|text| log::warn!("the registry warns: {text}")),
            refused: Arc::new(|host, origin| {
                let forget = origin.logout().map(|command| format!("; {command} forgets it"));
                log::warn!("{host} refuses {origin}: going on without it{}", forget.unwrap_or_default());
            }),
        }
    }
}

impl fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryOptions").field("http", &self.http).finish_non_exhaustive()
    }
}
