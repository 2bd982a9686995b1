//! The catalog, `GET /v2/_catalog`, which is older than the OCI specification. Many registries have it, and many refuse
//! it to all users.

use super::client::Client;
use super::endpoint;
use super::error::RegistryError;
use super::pages::Pages;
use super::request::RegistryRequest;
use crate::limits::MAX_PAGE;
use crate::reference::{Host, Repository};

impl Client {
    /// Calls `take` with each repository that the registry lists, in its order.
    pub fn each_repository(
        &self,
        host: &Host,
        take: &mut dyn FnMut(Repository),
    ) -> Result<(), RegistryError> {
        let registry = self.registry(host)?;
        let first = endpoint::catalog(&registry).map_err(|_| RegistryError::Host(host.to_string()))?;
        let request = |location| RegistryRequest::about(&registry, host, location);
        let what = "the catalog";
        Pages { auth: &self.auth, what, request: &request, patient: true, most: MAX_PAGE }.each(
            first,
            "repositories",
            take,
        )
    }
}
