//! The client for all registries in one process.

use std::fmt;
use std::sync::Arc;

use super::auth::AuthClient;
use super::endpoint;
use super::error::RegistryError;
use super::options::RegistryOptions;
use super::repository::RepositoryClient;
use crate::http::Location;
use crate::reference::{Host, Repository};

/// A client for registries. Clones share connections, and may be used from several threads.
#[derive(Clone)]
pub struct Client {
    pub(super) auth: Arc<AuthClient>,
}

impl Client {
    /// Reads the certificate files that the options name. It does not connect yet.
    pub fn new(options: &RegistryOptions) -> Result<Self, RegistryError> {
        Ok(Self { auth: Arc::new(AuthClient::new(options)?) })
    }

    /// The client for one repository. An error if the host cannot stand in a URL.
    pub fn repository(
        &self,
        host: &Host,
        repository: &Repository,
    ) -> Result<RepositoryClient, RegistryError> {
        Ok(RepositoryClient::new(Arc::clone(&self.auth), host, self.registry(host)?, repository))
    }

    /// The origin of a registry, by which it is remembered: `https://registry.example.com`, `http://localhost:5000`.
    pub fn origin(&self, host: &Host) -> Result<String, RegistryError> {
        Ok(self.registry(host)?.origin())
    }

    /// The root URL of a registry, with the scheme that the options ask for.
    pub(super) fn registry(&self, host: &Host) -> Result<Location, RegistryError> {
        let scheme = self.auth.options.scheme(host);
        endpoint::root(scheme, host).map_err(|_| RegistryError::Host(host.to_string()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Client")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_goes_anywhere() {
        fn anywhere<T: Clone + Send + Sync + 'static>() {}
        anywhere::<Client>();
        anywhere::<RepositoryClient>();
    }
}
