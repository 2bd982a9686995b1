//! Listings that come in pages: tags, and the catalog.

use std::collections::{BTreeSet, HashSet};
use std::str::FromStr;

use super::answer::Answer as _;
use super::auth::AuthClient;
use super::error::Error;
use super::link;
use super::request::Request;
use crate::http::{self, Location, RequestLine, same_place};
use crate::limits::MAX_PAGE;

/// More than anybody will look at; it is here for registries that never come to an end.
const MAX_PAGES: usize = 1000;
/// The same for memory: some 10 MiB.
const MAX_ENTRIES: usize = 100_000;

/// A listing.
pub(super) struct Pages<'a> {
    pub(super) auth: &'a AuthClient,
    /// What it is called: `the list of tags`.
    pub(super) what: &'static str,
    /// The request for a page.
    pub(super) request: &'a dyn Fn(Location) -> Request<'a>,
    /// What stands in one.
    pub(super) entries: fn(&[u8]) -> Result<Vec<String>, serde_json::Error>,
}

impl Pages<'_> {
    /// All entries, each once, in order. Registries give them in any order, and some give them twice.
    pub(super) fn read<T: FromStr + Ord>(&self, first: Location) -> Result<Vec<T>, Error> {
        let mut found = BTreeSet::new();
        let mut visited = HashSet::new();
        let mut page = Some(first);
        let what = self.what;
        while let Some(location) = page {
            let how = if visited.len() == MAX_PAGES {
                Some(format!("{what} has more than {MAX_PAGES} pages"))
            } else if found.len() > MAX_ENTRIES {
                Some(self.too_many())
            } else if !visited.insert(location.clone()) {
                Some(format!("{what} comes back to a page that was read"))
            } else {
                None
            };
            if let Some(how) = how {
                let request = RequestLine::new("GET", &location);
                return Err(http::Error::Protocol { request, how }.into());
            }
            page = self.page(location, &mut found)?;
        }
        Ok(found.into_iter().collect())
    }

    fn too_many(&self) -> String {
        format!("{} has more than {MAX_ENTRIES} entries", self.what)
    }

    /// Reads one page, and finds the next.
    fn page<T: FromStr + Ord>(
        &self,
        location: Location,
        found: &mut BTreeSet<T>,
    ) -> Result<Option<Location>, Error> {
        let request = (self.request)(location);
        self.auth.transport.retrying(|_| {
            let mut response = self.auth.send(&request)?;
            if response.status != 200 {
                return Err(response.refused());
            }
            let next = match link::next(response.headers("link")) {
                None => None,
                Some(to) => Some(
                    same_place(&request.http.location, &to)
                        .map_err(|source| http::Error::elsewhere(&response.request, &to, source))?,
                ),
            };
            let body = response.read(MAX_PAGE, self.what)?;
            // What is between them tells how many there are, before any of them is kept. None has a comma in it.
            if body.iter().filter(|byte| **byte == b',').count() > MAX_ENTRIES {
                let (request, how) = (response.request, self.too_many());
                return Err(http::Error::Protocol { request, how }.into());
            }
            let entries = (self.entries)(&body).map_err(|error| http::Error::Protocol {
                request: response.request.clone(),
                how: format!("{} cannot be read: {error}", self.what),
            })?;
            for entry in entries {
                match entry.parse() {
                    Ok(entry) => {
                        found.insert(entry);
                    }
                    // It could not be asked for, so it is as good as absent.
                    Err(_) => log::debug!("{}: an entry that is none is left out", response.request),
                }
            }
            Ok(next)
        })
    }
}
