//! The catalog: `GET /v2/_catalog`, from before the OCI. Many registries have it, and many show it to nobody.

use serde::Deserialize;

use super::client::Client;
use super::endpoint;
use super::error::Error;
use super::pages::Pages;
use super::request::Request;
use crate::reference::{Host, Repository};

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

impl Client {
    /// The repositories of a registry, as far as it tells.
    pub fn catalog(&self, host: &Host) -> Result<Vec<Repository>, Error> {
        let registry = self.registry(host)?;
        let first = endpoint::catalog(&registry).map_err(|_| Error::Host(host.to_string()))?;
        let pages = Pages {
            auth: &self.auth,
            what: "the catalog",
            request: &|location| Request::about(&registry, host, location),
            entries: |body| Ok(serde_json::from_slice::<Page>(body)?.repositories.unwrap_or_default()),
        };
        pages.read(first)
    }
}
