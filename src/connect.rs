//! Builds a registry client from flags and environment variables. Only this module does so.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::credential::{Credential, Credentials};
use crate::credentials::{Account, FileError, Lookup, Side, trusted};
use crate::environment;
use crate::http::{self, Backoff, Proxies, Timeouts};
use crate::known_registries::KnownRegistries;
use crate::reference::{Host, Reference};
use crate::registry::{self, Client, CredentialCheck, Hints, RegistryOptions};

/// The flags of a command about its connection to a registry.
#[derive(Clone, Debug, Default)]
pub struct ConnectFlags {
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
    /// `--allow-host`
    pub allowed_hosts: Vec<Host>,
    /// `--timeout`
    pub patience: Option<Duration>,
    /// `--username` with `--password` or `--password-stdin`
    pub credential: Option<Credential>,
    /// Whose environment variables to read if `credential` is `None`.
    pub side: Side,
    /// Is called while a registry is waited for.
    pub waiting: Option<Tell>,
    /// Whether the command can also succeed without the registry. If so, a registry that refuses connections is not
    /// waited for.
    pub has_cache: bool,
}

/// Is called with the reason for a wait, and its length.
#[derive(Clone)]
pub struct Tell(pub Arc<http::WaitNotice>);

impl fmt::Debug for Tell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tell")
    }
}

/// The source of credentials for a command on these charts.
pub fn credentials(connection: &ConnectFlags, references: &[Reference]) -> Arc<dyn Credentials> {
    let repositories = references.iter().map(|r| Account::of(&r.host, &r.repository));
    Arc::new(Lookup::new(connection.credential.clone(), connection.side, repositories))
}

/// The options for HTTP connections to any server.
pub fn http_options(connection: &ConnectFlags) -> http::HttpOptions {
    let http = http::HttpOptions {
        insecure: connection.insecure,
        ca_file: connection.ca_file.clone(),
        cert_file: connection.cert_file.clone(),
        key_file: connection.key_file.clone(),
        proxies: Proxies::read(environment::variable),
        allowed_hosts: connection.allowed_hosts.clone(),
        timeouts: connection.patience.map_or_else(Timeouts::default, Timeouts::of),
        backoff: backoff(connection),
        ..http::HttpOptions::default()
    };
    match &connection.waiting {
        Some(Tell(waiting)) => http::HttpOptions { waiting: Arc::clone(waiting), ..http },
        None => http,
    }
}

/// A client for all requests of a command on these charts.
pub fn connect(
    connection: &ConnectFlags,
    references: &[Reference],
) -> Result<Client, registry::RegistryError> {
    Client::new(&RegistryOptions {
        http: http_options(connection),
        plain_http: connection.plain_http,
        credentials: Some(credentials(connection, references)),
        hints: environment::registry_hints()
            .map(|path| Arc::new(KnownRegistries::at(path)) as Arc<dyn Hints>),
        trusted_realms: connection.trusted_realms.clone(),
        remembered_realms: Arc::new(trusted::realms),
        ..RegistryOptions::default()
    })
}

fn backoff(connection: &ConnectFlags) -> Backoff {
    let backoff = connection.patience.map_or_else(Backoff::default, Backoff::of);
    if connection.has_cache { Backoff { refused: Duration::from_secs(1), ..backoff } } else { backoff }
}

/// Verifies a credential: requests the registry's base endpoint with this credential and no other. An error says that
/// it was refused, or that the registry could not be asked.
pub fn prove(
    connection: &ConnectFlags,
    host: &Host,
    credential: &Credential,
) -> Result<CredentialCheck, registry::RegistryError> {
    connect(connection, &[])?.check(host, credential)
}

/// Why trusted token services could not be remembered.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// The client could not be created.
    #[error(transparent)]
    Registry(#[from] registry::RegistryError),
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Remembers the token services that the flags trust, for all later commands with this registry.
pub fn trust(connection: &ConnectFlags, host: &Host) -> Result<(), TrustError> {
    let origin = connect(connection, &[])?.origin(host)?;
    Ok(trusted::remember(&origin, &connection.trusted_realms)?)
}
