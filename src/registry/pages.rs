//! Lists that come in pages: tags, the catalog, and referrers. Each page is processed and dropped, so a list of any
//! length takes the memory of one page.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::answer::RegistryAnswer as _;
use super::auth::AuthClient;
use super::error::RegistryError;
use super::link;
use super::request::RegistryRequest;
use crate::http::{self, Location, RequestLine, same_place};

/// How many pages are read at most, to stop a list that does not end. No real list has as many.
const MAX_PAGES: usize = 1000;
/// How many pages are read at most for a list that is only useful and not needed. Pages usually have 1,000 tags, so
/// this is enough for all but a few repositories.
const FEW_PAGES: usize = 20;
/// How many entries are read at most. The largest repositories of public registries have some 100,000 tags.
const MAX_ENTRIES: usize = 1_000_000;

/// The sizes of full pages, in registries that cut their lists without a link to the next page.
const FULL: [usize; 3] = [50, 100, 1000];

/// Another way to get the next page: by `?n=` and `?last=`, with the last entry that was read.
pub(super) struct Cure<'a> {
    /// The URL of the first page.
    pub(super) first: Location,
    /// The last entry that was read.
    pub(super) last: &'a RefCell<String>,
}

impl Cure<'_> {
    fn location(&self) -> Location {
        let last = utf8_percent_encode(&self.last.borrow(), NON_ALPHANUMERIC).to_string();
        self.first.with("n", "1000").with("last", &last)
    }
}

/// Whether an error means that the page does not exist.
fn is_no_page(error: &RegistryError) -> bool {
    match error {
        RegistryError::NotFound { .. } => true,
        RegistryError::Refused { status, .. } => matches!(status, 400 | 404),
        _ => false,
    }
}

/// How to read a list that comes in pages.
pub(super) struct Pages<'a> {
    pub(super) auth: &'a AuthClient,
    /// What errors call the list, such as `the list of tags`.
    pub(super) what: &'static str,
    /// Makes the request for a page at this URL.
    pub(super) request: &'a dyn Fn(Location) -> RegistryRequest<'a>,
    /// Whether a page that fails is requested again, and the list may have many pages.
    pub(super) patient: bool,
    /// The most bytes that a page may have.
    pub(super) most: u64,
}

impl Pages<'_> {
    /// Calls `take` with each entry of the list in this field of each page, in the registry's order. Some registries
    /// list an entry twice.
    pub(super) fn each<T: FromStr>(
        &self,
        first: Location,
        field: &'static str,
        take: &mut dyn FnMut(T),
    ) -> Result<(), RegistryError> {
        let what = self.what;
        self.each_entry(first, field, &mut |entry| match entry.parse() {
            Ok(entry) => take(entry),
            // An entry that is not valid could not be requested, so it is left out.
            Err(_) => log::debug!("{what}: an entry that is none is left out"),
        })
    }

    /// Calls `take` with each entry as it is written in the list.
    fn each_entry(
        &self,
        first: Location,
        field: &'static str,
        take: &mut dyn FnMut(&str),
    ) -> Result<(), RegistryError> {
        let last = RefCell::new(String::new());
        let cure = Cure { first: first.clone(), last: &last };
        self.each_page_cured(first, Some(&cure), &mut |body| {
            let mut count = 0;
            let mut take = |entry: &str| {
                count += 1;
                entry.clone_into(&mut last.borrow_mut());
                take(entry);
            };
            let mut json = serde_json::Deserializer::from_slice(body);
            ListPage { field, take: &mut take }.deserialize(&mut json).and_then(|()| json.end())?;
            Ok(count)
        })
    }

    /// Calls `read` with the body of each page in turn. `read` returns how many entries the page has.
    pub(super) fn each_page(
        &self,
        first: Location,
        read: &mut dyn FnMut(&[u8]) -> Result<usize, serde_json::Error>,
    ) -> Result<(), RegistryError> {
        self.each_page_cured(first, None, read)
    }

    /// Calls `read` with the body of each page in turn. If the registry's link to the next page does not work, or a
    /// full page has none, the next page is requested by `cure`.
    pub(super) fn each_page_cured(
        &self,
        first: Location,
        cure: Option<&Cure<'_>>,
        read: &mut dyn FnMut(&[u8]) -> Result<usize, serde_json::Error>,
    ) -> Result<(), RegistryError> {
        // The URLs of pages that were read, as hashes: the registry decides how long the URLs are.
        let (hashes, mut visited) = (RandomState::new(), HashSet::new());
        let (mut count, mut page, mut cured, mut linked) = (0, Some(first), false, false);
        let (what, max_pages) = (self.what, if self.patient { MAX_PAGES } else { FEW_PAGES });
        while let Some(location) = page {
            let how = if visited.len() == max_pages {
                Some(format!("{what} has more than {max_pages} pages"))
            } else if count > MAX_ENTRIES {
                Some(format!("{what} has more than {MAX_ENTRIES} entries"))
            } else if !visited.insert(hashes.hash_one(&location)) {
                Some(format!("{what} comes back to a page that was read"))
            } else {
                None
            };
            if let Some(how) = how {
                let request = RequestLine::new("GET", &location);
                return Err(http::HttpError::Protocol { request, how }.into());
            }
            let is_first = visited.len() == 1;
            let (body, request, next) = match (self.page(location), cure) {
                // Artifactory's link lacks the repository, and the path in Nexus' link is wrong.
                (Err(error), Some(cure)) if !is_first && !cured && is_no_page(&error) => {
                    log::debug!("{what}: {error}; asking for the next page in another way");
                    cured = true;
                    page = Some(cure.location());
                    continue;
                }
                (answer, _) => answer?,
            };
            let before = cure.map(|cure| cure.last.borrow().clone());
            let found = read(&body).map_err(|error| {
                let how = format!("{what} cannot be read: {error}");
                http::HttpError::Protocol { request, how }
            })?;
            count += found;
            linked |= next.is_some();
            page = next;
            // A full page without a link may have a successor all the same. A registry that ignores `last` sends the
            // same page again, which ends the list.
            if let (None, Some(cure), Some(before)) = (&page, cure, before)
                && !linked
                && FULL.contains(&found)
                && *cure.last.borrow() != before
            {
                page = Some(cure.location()).filter(|next| !visited.contains(&hashes.hash_one(next)));
            }
        }
        Ok(())
    }

    /// Fetches one page. Also returns its request, and the URL of the next page.
    fn page(&self, location: Location) -> Result<(Vec<u8>, RequestLine, Option<Location>), RegistryError> {
        let request = (self.request)(location);
        // A page that breaks off is requested again before any of it is processed.
        let ask = |_| {
            let mut response = self.auth.send(&request)?;
            if response.status != 200 {
                return Err(response.refused());
            }
            let next = match link::next(response.headers("link")) {
                None => None,
                Some(to) => Some(
                    same_place(&request.http.location, &to)
                        .map_err(|source| http::HttpError::elsewhere(&response.request, &to, source))?,
                ),
            };
            let body = response.read(self.most, self.what)?;
            Ok::<_, RegistryError>((body, response.request, next))
        };
        if self.patient { self.auth.transport.retrying(ask) } else { ask(0) }
    }
}

/// A JSON object with a list in one of its fields.
struct ListPage<'a> {
    field: &'static str,
    take: &'a mut dyn FnMut(&str),
}

impl<'de> DeserializeSeed<'de> for ListPage<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListPage<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a map with `{}`", self.field)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key != self.field {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            // Parsers disagree on which of two lists counts, so that is an error.
            if seen {
                return Err(A::Error::duplicate_field(self.field));
            }
            seen = true;
            map.next_value_seed(List(&mut *self.take))?;
        }
        Ok(())
    }
}

/// The list in that field.
struct List<'a>(&'a mut dyn FnMut(&str));

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of text")
    }

    /// Go writes an empty list as `null`.
    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<Cow<'de, str>>()? {
            (self.0)(&entry);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        let mut take = |entry: &str| found.push(entry.to_owned());
        let mut json = serde_json::Deserializer::from_str(text);
        let page = ListPage { field: "tags", take: &mut take };
        page.deserialize(&mut json).and_then(|()| json.end()).ok()?;
        Some(found)
    }

    #[test]
    fn reads_a_page() {
        for (text, expected) in [
            (r#"{"name":"a","tags":["1","2"]}"#, Some(vec!["1", "2"])),
            (r#"{"tags":["\u0031",""],"more":[{"tags":["3"]}]}"#, Some(vec!["1", ""])),
            (r#"{"tags":null}"#, Some(vec![])),
            (r#"{"tags":[]}"#, Some(vec![])),
            ("{}", Some(vec![])),
            (r#"{"tags":[1]}"#, None),
            (r#"{"tags":[null]}"#, None),
            (r#"{"tags":"1"}"#, None),
            (r#"{"tags":["1"],"tags":["2"]}"#, None),
            (r#"{"tags":["1"]} x"#, None),
            (r#"["1"]"#, None),
            ("null", None),
            ("", None),
        ] {
            let expected = expected.map(|list| list.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
