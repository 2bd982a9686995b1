//! The client for one program run.

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
    /// Reads the certificate files that the options name. Nothing is connected to yet.
    pub fn new(options: &RegistryOptions) -> Result<Self, RegistryError> {
        Ok(Self { auth: Arc::new(AuthClient::new(options)?) })
    }

    /// The client for one repository.
    pub fn repository(
        &self,
        host: &Host,
        repository: &Repository,
    ) -> Result<RepositoryClient, RegistryError> {
        Ok(RepositoryClient::new(Arc::clone(&self.auth), host, self.registry(host)?, repository))
    }

    /// What a registry is remembered by: `https://registry.example.com`, `http://localhost:5000`.
    pub fn origin(&self, host: &Host) -> Result<String, RegistryError> {
        Ok(self.registry(host)?.origin())
    }

    /// The root of a registry.
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
