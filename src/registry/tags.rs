//! Tags: end-8.

use serde::Deserialize;

use super::endpoint;
use super::error::Error;
use super::pages::Pages;
use super::repository::RepositoryClient;
use crate::reference::Tag;

#[derive(Deserialize)]
struct Page {
    /// Go writes an empty list as `null`.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl RepositoryClient {
    /// All tags of the repository, each once, in bytewise order.
    pub fn tags(&self) -> Result<Vec<Tag>, Error> {
        // Without `n`: some registries cut the list there and do not say that there is more.
        let first = self.endpoint(endpoint::tags(&self.registry, &self.repository))?;
        let pages = Pages {
            auth: &self.auth,
            what: "the list of tags",
            request: &|location| self.pull("GET", location),
            entries: |body| Ok(serde_json::from_slice::<Page>(body)?.tags.unwrap_or_default()),
        };
        pages.read(first)
    }
}
