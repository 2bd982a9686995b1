//! From flags and environment to a registry client: the only place that wires them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::credential::{Credential, Credentials};
use crate::credentials::Lookup;
use crate::environment;
use crate::known_registries::KnownRegistries;
use crate::reference::Host;
use crate::registry::{self, Check, Client, Hints, Options, Timeouts, proxy::Proxies};

/// What the flags of a command say about the way to the registry.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// `--plain-http`
    pub plain_http: bool,
    /// `--insecure`
    pub insecure: bool,
    /// `--ca-file`
    pub ca_file: Option<PathBuf>,
    /// `--cert-file`
    pub cert_file: Option<PathBuf>,
    /// `--key-file`
    pub key_file: Option<PathBuf>,
    /// `--trust-realm`
    pub trusted_realms: Vec<Host>,
    /// `--timeout`
    pub patience: Option<Duration>,
    /// `--username` with `--password` or `--password-stdin`
    pub credential: Option<Credential>,
}

/// Where the credentials of one command come from.
pub fn credentials(connection: &Connection) -> Arc<dyn Credentials> {
    Arc::new(Lookup::new(connection.credential.clone()))
}

/// A client for all requests of one command.
pub fn connect(connection: &Connection) -> Result<Client, registry::Error> {
    Client::new(&Options {
        plain_http: connection.plain_http,
        insecure: connection.insecure,
        ca_file: connection.ca_file.clone(),
        cert_file: connection.cert_file.clone(),
        key_file: connection.key_file.clone(),
        proxies: Proxies::read(environment::variable),
        credentials: Some(credentials(connection)),
        hints: environment::registry_hints()
            .map(|path| Arc::new(KnownRegistries::at(path)) as Arc<dyn Hints>),
        trusted_realms: connection.trusted_realms.clone(),
        timeouts: connection.patience.map_or_else(Timeouts::default, Timeouts::of),
        ..Options::default()
    })
}

/// Shows a registry a credential, and nothing else to nobody: an error unless it lets it in.
pub fn prove(connection: &Connection, host: &Host, credential: &Credential) -> Result<(), registry::Error> {
    match connect(connection)?.check(host, credential)? {
        Check::Accepted => {}
        Check::NotAsked => log::warn!("{host} lets everybody in: the credential was not proven"),
    }
    Ok(())
}
