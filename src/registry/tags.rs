//! Tags: end-8.

use std::collections::{BTreeSet, HashSet};

use serde::Deserialize;

use super::error::{Error, RequestLine};
use super::transport::elsewhere;
use super::{RepositoryClient, endpoint, link, location};
use crate::reference::Tag;

/// A thousand tags of the greatest length are a quarter of this.
const MAX_PAGE: u64 = 4 << 20;
/// More than anybody will look at; it is here for registries that never come to an end.
const MAX_PAGES: usize = 1000;
/// The same for memory: some 10 MiB.
const MAX_TAGS: usize = 100_000;

#[derive(Deserialize)]
struct Page {
    /// Go writes an empty list as `null`.
    #[serde(default)]
    tags: Option<Vec<String>>,
}

fn too_many() -> String {
    format!("the list of tags has more than {MAX_TAGS} entries")
}

impl RepositoryClient {
    /// All tags of the repository, each once, in bytewise order. Registries give them in any order, and some give
    /// them twice.
    pub fn tags(&self) -> Result<Vec<Tag>, Error> {
        let mut tags = BTreeSet::new();
        let mut visited = HashSet::new();
        // Without `n`: some registries cut the list there and do not say that there is more.
        let mut page = Some(self.endpoint(endpoint::tags(&self.registry, &self.repository))?);
        while let Some(location) = page {
            let how = if visited.len() == MAX_PAGES {
                Some(format!("the list of tags has more than {MAX_PAGES} pages"))
            } else if tags.len() > MAX_TAGS {
                Some(too_many())
            } else if !visited.insert(location.clone()) {
                Some("the list of tags comes back to a page that was read".to_owned())
            } else {
                None
            };
            if let Some(how) = how {
                return Err(Error::Protocol { request: RequestLine::new("GET", &location), how });
            }
            page = self.page(location, &mut tags)?;
        }
        Ok(tags.into_iter().collect())
    }

    /// Reads one page, and finds the next.
    fn page(
        &self,
        location: location::Location,
        tags: &mut BTreeSet<Tag>,
    ) -> Result<Option<location::Location>, Error> {
        let request = self.pull("GET", location);
        self.transport.retrying(|_| {
            let mut response = self.transport.send(&request)?;
            if response.status != 200 {
                return Err(response.refused());
            }
            let next = match link::next(response.headers("link")) {
                None => None,
                Some(to) => Some(
                    location::next_page(&request.location, &to)
                        .map_err(|source| elsewhere(&response, &to, source))?,
                ),
            };
            let body = response.read(MAX_PAGE, "the list of tags")?;
            // What is between them tells how many there are, before any of them is kept. No tag has a comma.
            if body.iter().filter(|byte| **byte == b',').count() > MAX_TAGS {
                return Err(Error::Protocol { request: response.request.clone(), how: too_many() });
            }
            let page: Page = serde_json::from_slice(&body).map_err(|error| Error::Protocol {
                request: response.request.clone(),
                how: format!("the list of tags cannot be read: {error}"),
            })?;
            for tag in page.tags.unwrap_or_default() {
                match tag.parse() {
                    Ok(tag) => {
                        tags.insert(tag);
                    }
                    // It could not be asked for, so it is as good as absent.
                    Err(_) => log::debug!("{}: a tag that is none is left out", response.request),
                }
            }
            Ok(next)
        })
    }
}
