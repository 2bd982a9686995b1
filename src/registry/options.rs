//! How registries are reached, and who asks them.

use std::fmt;
use std::sync::Arc;

use super::hints::Hints;
use crate::credential::{CredentialOrigin, Credentials};
use crate::http;
use crate::reference::Host;

/// Hosts by the origin of a registry.
pub type RealmsOf = dyn Fn(&str) -> Vec<Host> + Send + Sync;

/// Takes the host of a registry, and where a credential came from.
pub type OnRefusal = dyn Fn(&str, &CredentialOrigin) + Send + Sync;

/// How to reach registries.
#[derive(Clone)]
pub struct RegistryOptions {
    /// Connections, trust and patience.
    pub http: http::HttpOptions,
    /// Plain HTTP for every host. Without it only loopback names are spoken to so, unless `http` asks for TLS.
    pub plain_http: bool,
    /// Where credentials are looked up, once a registry asks for one.
    pub credentials: Option<Arc<dyn Credentials>>,
    /// What registries asked for earlier.
    pub hints: Option<Arc<dyn Hints>>,
    /// Hosts of token services that may see credentials though nothing says that they belong to the registry. With a
    /// port, that port alone.
    pub trusted_realms: Vec<Host>,
    /// The same for one registry alone, by its origin: what the user has vouched for earlier.
    pub remembered_realms: Arc<RealmsOf>,
    /// Takes what a registry warns of, each text once and fit to be shown.
    pub warn: Arc<dyn Fn(&str) + Send + Sync>,
    /// Takes the host of a registry that has refused a stored credential, and where that came from: what was to be read
    /// has been read without it.
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
