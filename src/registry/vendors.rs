//! What single registries have beside the specification: Harbor's list of a project's repositories.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::answer::RegistryAnswer as _;
use super::client::Client;
use super::error::RegistryError;
use super::request::RegistryRequest;
use crate::http;
use crate::limits::MAX_PAGE;
use crate::reference::{Host, Repository};

/// How many repositories a page has (api/v2.0/swagger.yaml: at most 100).
const PAGE: usize = 100;
/// As many pages are read.
const MAX_PAGES: usize = 200;

#[derive(Deserialize)]
struct HarborRepository {
    name: String,
}

impl Client {
    /// The repositories of a project of Harbor, which gives its catalog to administrators alone.
    pub fn repositories_of_harbor(
        &self,
        host: &Host,
        project: &str,
    ) -> Result<BTreeSet<Repository>, RegistryError> {
        let registry = self.registry(host)?;
        let mut found = BTreeSet::new();
        for page in 1..=MAX_PAGES {
            let path = format!("/api/v2.0/projects/{project}/repositories?page_size={PAGE}&page={page}");
            let location = registry.join(&path).map_err(|_| RegistryError::Host(host.to_string()))?;
            let request = RegistryRequest::about(&registry, host, location);
            let body = self.auth.transport.retrying(|_| {
                let mut response = self.auth.send(&request)?;
                if response.status != 200 {
                    return Err(response.refused());
                }
                let body = response.read(MAX_PAGE, "the list of repositories")?;
                Ok::<_, RegistryError>((body, response.request))
            });
            let (body, request) = body?;
            let listed: Vec<HarborRepository> = serde_json::from_slice(&body).map_err(|error| {
                let how = format!("the list of repositories cannot be read: {error}");
                http::HttpError::Protocol { request, how }
            })?;
            let is_last = listed.len() < PAGE;
            found.extend(listed.iter().filter_map(|one| one.name.parse::<Repository>().ok()));
            if is_last {
                break;
            }
        }
        Ok(found)
    }
}
