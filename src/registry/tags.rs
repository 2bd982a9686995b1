//! Lists tags (end-8).

use std::collections::BTreeSet;

use super::endpoint;
use super::error::RegistryError;
use super::pages::Pages;
use super::repository::RepositoryClient;
use crate::limits::MAX_PAGE;
use crate::reference::Tag;

impl RepositoryClient {
    /// Calls `take` with each tag of the repository, in the registry's order. Some registries list a tag twice.
    pub fn each_tag(&self, take: &mut dyn FnMut(Tag)) -> Result<(), RegistryError> {
        self.tags_into(take, true)
    }

    /// Calls `take` with each tag, for callers that can do without the list: no page is requested twice, and more than
    /// a few pages are an error.
    pub fn each_tag_at_once(&self, take: &mut dyn FnMut(Tag)) -> Result<(), RegistryError> {
        self.tags_into(take, false)
    }

    fn tags_into(&self, take: &mut dyn FnMut(Tag), patient: bool) -> Result<(), RegistryError> {
        // Without `n`: with it some registries cut the list and do not link to the next page.
        let first = self.endpoint(endpoint::tags(&self.registry, &self.repository))?;
        let request = |location| self.pull("GET", location);
        let what = "the list of tags";
        Pages { auth: &self.auth, what, request: &request, patient, most: MAX_PAGE }.each(first, "tags", take)
    }

    /// All tags of the repository, each once, in bytewise order. All of them are in memory at once.
    pub fn tags(&self) -> Result<Vec<Tag>, RegistryError> {
        let mut tags = BTreeSet::new();
        self.each_tag(&mut |tag| {
            tags.insert(tag);
        })?;
        Ok(tags.into_iter().collect())
    }
}
