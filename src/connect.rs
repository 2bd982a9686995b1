//! From flags and environment to a registry client: the only place that wires them.

use std::path::PathBuf;

use crate::environment;
use crate::registry::{self, Client, Options, proxy::Proxies};

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
        ..Options::default()
    })
}
