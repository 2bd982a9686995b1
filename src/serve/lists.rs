//! Content discovery: end-8a, end-8b, end-12a, end-12b, and the catalog.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, LINK};
use serde_json::json;

use super::refusal::Refusal;
use super::request::parameter;
use super::response::{self, OCI_FILTERS_APPLIED, Response};
use super::{Registry, blocking};
use crate::digest::Digest;
use crate::media_type;
use crate::reference::Repository;

/// end-8a and end-8b: `GET /v2/<name>/tags/list?n=<integer>&last=<tag>`
pub(super) async fn tags(
    registry: &Registry,
    repository: Repository,
    query: Option<&str>,
) -> Result<Response, Refusal> {
    let (store, name) = (Arc::clone(&registry.store), repository.clone());
    let tags = blocking(move || store.tags(&name)).await?.ok_or(Refusal::NameUnknown)?;
    let page = Page::of(tags, query)?;
    let mut response =
        response::json(StatusCode::OK, &json!({ "name": repository.as_str(), "tags": page.entries }));
    page.link(&mut response, &format!("/v2/{repository}/tags/list"));
    Ok(response)
}

/// `GET /v2/_catalog?n=<integer>&last=<repository>`
pub(super) async fn catalog(registry: &Registry, query: Option<&str>) -> Result<Response, Refusal> {
    let store = Arc::clone(&registry.store);
    let page = Page::of(blocking(move || store.repositories()).await?, query)?;
    let mut response = response::json(StatusCode::OK, &json!({ "repositories": page.entries }));
    page.link(&mut response, "/v2/_catalog");
    Ok(response)
}

/// end-12a and end-12b: `GET /v2/<name>/referrers/<digest>?artifactType=<artifactType>`
pub(super) async fn referrers(
    registry: &Registry,
    repository: Repository,
    subject: Digest,
    query: Option<&str>,
) -> Result<Response, Refusal> {
    let store = Arc::clone(&registry.store);
    // "the registry MUST NOT return a 404": a repository or a subject that is not there has no referrers.
    let mut manifests = blocking(move || store.referrers(&repository, &subject)).await?;
    // A `+` that nobody escaped is a space by the rules of queries; media types have many of the one and none of the other.
    let filter = parameter(query, "artifactType").map(|wanted| wanted.replace(' ', "+"));
    if let Some(wanted) = &filter {
        manifests.retain(|manifest| manifest.artifact_type.as_ref() == Some(wanted));
    }
    let mut response = response::json(
        StatusCode::OK,
        &json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": manifests }),
    );
    response::set(&mut response, CONTENT_TYPE, media_type::INDEX);
    if filter.is_some() {
        response::set(&mut response, OCI_FILTERS_APPLIED, "artifactType");
    }
    Ok(response)
}

/// A part of a sorted list.
#[derive(Debug)]
struct Page {
    entries: Vec<String>,
    /// How many were asked for, if there are more.
    more: Option<usize>,
}

impl Page {
    /// Sorts, and takes the `n` entries after `last`.
    fn of(mut entries: Vec<String>, query: Option<&str>) -> Result<Self, Refusal> {
        // "lexical order (i.e. case-insensitive alphanumeric order)"; what differs in case alone needs some order too.
        let order = |entry: &str| (entry.to_ascii_lowercase(), entry.to_owned());
        entries.sort_by_cached_key(|entry| order(entry));
        if let Some(last) = parameter(query, "last") {
            let last = order(&last);
            entries.retain(|entry| order(entry) > last);
        }
        let mut more = None;
        if let Some(n) = parameter(query, "n") {
            let n: usize = n.parse().map_err(|_| Refusal::Parameter("n"))?;
            // "When n is zero, this endpoint MUST return an empty list, and MUST NOT include a Link header."
            more = (n > 0 && entries.len() > n).then_some(n);
            entries.truncate(n);
        }
        Ok(Self { entries, more })
    }

    /// Says where the list goes on.
    fn link(&self, response: &mut Response, path: &str) {
        if let (Some(n), Some(last)) = (self.more, self.entries.last()) {
            let last: String = url::form_urlencoded::byte_serialize(last.as_bytes()).collect();
            response::set(response, LINK, &format!("<{path}?n={n}&last={last}>; rel=\"next\""));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_sorted_and_follow_on_each_other() {
        let page = |query: &str| {
            let all = ["b", "C", "a", "c", "B2"].map(str::to_owned).to_vec();
            let page = Page::of(all, Some(query)).unwrap();
            (page.entries.join(" "), page.more)
        };
        for (query, expected, more) in [
            ("", "a b B2 C c", None),
            ("n=2", "a b", Some(2)),
            ("n=2&last=b", "B2 C", Some(2)),
            ("n=2&last=C", "c", None),
            ("n=5", "a b B2 C c", None),
            ("n=0", "", None),
            ("last=B", "b B2 C c", None),
            ("last=bb", "C c", None),
            ("last=z", "", None),
        ] {
            assert_eq!(page(query), (expected.to_owned(), more), "{query}");
        }
        for query in ["n=x", "n=-1", "n="] {
            assert!(Page::of(Vec::new(), Some(query)).is_err(), "{query}");
        }
    }
}
