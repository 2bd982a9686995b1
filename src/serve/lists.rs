//! Lists tags (end-8a, end-8b) and repositories (the catalog).
//!
//! Lists come in pages, even if more entries are asked for: "MAY return fewer than `<int>` results, but only when […] a
//! `Link` header is provided".

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, LINK};
use serde::Serialize;
use serde_json::json;

use super::first::FirstPage;
use super::memory::Share;
use super::refusal::RequestRefusal;
use super::registry::{ServedRegistry, blocking};
use super::request::parameter;
use super::response::{self, HandlerResult};
use super::{catalog, first};
use crate::reference::Repository;

/// The most tags in a page. For each page the whole directory of tags is read.
const MAX_TAGS: usize = 5_000;
/// The most repositories in a page.
const MAX_REPOSITORIES: usize = 1_000;
/// The longest tag, and the longest name of a repository, in bytes.
const TAG: usize = 128;
const NAME: usize = 255;

/// end-8a and end-8b: `GET /v2/<name>/tags/list?n=<integer>&last=<tag>`
pub(super) async fn tags(
    registry: &ServedRegistry,
    repository: Repository,
    query: Option<&str>,
) -> Result<HandlerResult, RequestRefusal> {
    let wanted = WantedPage::of(query, MAX_TAGS)?;
    let memory = first::memory(wanted.count, TAG) + (wanted.count * TAG) as u64;
    let share = registry.memory.share(memory).await?;
    let (store, name, WantedPage { count, last }) = (Arc::clone(&registry.store), repository.clone(), wanted);
    let tags = blocking(move || store.tags(&name, last.as_deref(), count)).await?;
    let FirstPage { entries: tags, is_more } = tags.ok_or(RequestRefusal::NameUnknown)?;
    let page = json(&json!({ "name": repository.as_str() }), "tags", &tags);
    let mut response = respond(page, share, "application/json");
    if is_more {
        link(&mut response, &format!("/v2/{repository}/tags/list"), count, tags.last().map(AsRef::as_ref));
    }
    Ok(response)
}

/// `GET /v2/_catalog?n=<integer>&last=<repository>`
pub(super) async fn catalog(
    registry: &ServedRegistry,
    query: Option<&str>,
) -> Result<HandlerResult, RequestRefusal> {
    let WantedPage { count, last } = WantedPage::of(query, MAX_REPOSITORIES)?;
    let share = registry.memory.share(catalog::memory(count) + (count * NAME) as u64).await?;
    let store = Arc::clone(&registry.store);
    let found = blocking(move || store.repositories(last.as_deref(), count)).await?;
    let FirstPage { entries: repositories, is_more } = found;
    let page = json(&json!({}), "repositories", &repositories);
    let mut response = respond(page, share, "application/json");
    if is_more {
        link(&mut response, "/v2/_catalog", count, repositories.last().map(String::as_str));
    }
    Ok(response)
}

/// The part of a list that the client asks for.
#[derive(Debug)]
pub(super) struct WantedPage {
    /// The most entries that the page may have.
    pub(super) count: usize,
    /// Only entries after this one.
    pub(super) last: Option<String>,
}

impl WantedPage {
    /// Reads the query's `n` and `last`. Without `n` the page has up to `most` entries.
    pub(super) fn of(query: Option<&str>, most: usize) -> Result<Self, RequestRefusal> {
        let count = match parameter(query, "n") {
            None => most,
            // A number that is too large to parse counts as `most`.
            Some(n) if !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()) => {
                n.parse().unwrap_or(most).min(most)
            }
            Some(_) => return Err(RequestRefusal::Parameter("n")),
        };
        Ok(Self { count, last: parameter(query, "last") })
    }
}

/// The JSON of an object with `list` added as its last field.
fn json(head: &serde_json::Value, name: &str, list: &impl Serialize) -> Vec<u8> {
    // Writing JSON only fails for maps whose keys are not strings, and there are none here.
    let mut page = serde_json::to_vec(head).unwrap_or_default();
    page.pop();
    if page.len() > 1 {
        page.push(b',');
    }
    page.extend_from_slice(format!("\"{name}\":").as_bytes());
    let _ = serde_json::to_writer(&mut page, list);
    page.push(b'}');
    page
}

/// A response with a page. It holds its share of the memory until the client has taken it.
pub(super) fn respond(page: Vec<u8>, share: Share, media_type: &str) -> HandlerResult {
    let mut response = response::bytes(StatusCode::OK, share.hold(page));
    response::set(&mut response, CONTENT_TYPE, media_type);
    response
}

/// Sets the `Link` to the next page. "When n is zero, this endpoint MUST return an empty list, and MUST NOT include a
/// Link header."
fn link(response: &mut HandlerResult, path: &str, count: usize, last: Option<&str>) {
    if let Some(last) = last {
        let last: String = url::form_urlencoded::byte_serialize(last.as_bytes()).collect();
        response::set(response, LINK, &format!("<{path}?n={count}&last={last}>; rel=\"next\""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_wanted_than_come_at_once() {
        for (query, expected) in [
            (None, Some(100)),
            (Some(""), Some(100)),
            (Some("n=0"), Some(0)),
            (Some("n=7"), Some(7)),
            (Some("n=101"), Some(100)),
            (Some("n=99999999999999999999999"), Some(100)),
            (Some("n="), None),
            (Some("n=x"), None),
            (Some("n=-1"), None),
            (Some("n=+1"), None),
        ] {
            assert_eq!(WantedPage::of(query, 100).ok().map(|wanted| wanted.count), expected, "{query:?}");
        }
    }

    #[test]
    fn a_list_is_the_last_field() {
        assert_eq!(json(&json!({}), "a", &["b"]), br#"{"a":["b"]}"#);
        assert_eq!(json(&json!({ "name": "x" }), "a", &[""; 0]), br#"{"name":"x","a":[]}"#);
    }
}
