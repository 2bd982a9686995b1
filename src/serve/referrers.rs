//! Lists referrers (end-12a and end-12b).

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use hyper::header::LINK;
use serde::Deserialize;

use super::lists::{WantedPage, respond};
use super::refusal::RequestRefusal;
use super::registry::{ServedRegistry, blocking};
use super::request::parameter;
use super::response::{self, HandlerResult, OCI_FILTERS_APPLIED};
use super::store::RegistryStore;
use super::{first, route};
use crate::digest::Digest;
use crate::disk::{AtPath as _, PathError};
use crate::media_type;
use crate::reference::Repository;

/// How many manifests are examined for one page.
const MAX_REFERRERS: usize = 1_000;
/// The size of the descriptors in a page, in bytes. A larger descriptor, which may have 4 MiB of annotations, makes a
/// page of its own.
const PAGE: u64 = 1 << 20;
/// How many bytes of descriptors are read for one page, including those that the filter leaves out.
const READ: u64 = 32 << 20;
/// The length of the file name of a descriptor: `sha512-` and 128 digits.
const NAME: usize = 135;

/// The result of building a page.
enum ReferrersPage {
    /// The page, and the last manifest that was examined if there are more.
    Done(Vec<u8>, Option<Digest>),
    /// The first descriptor needs this many bytes of room.
    Needs(u64),
}

/// The parameters of a list of referrers.
struct ReferrersSearch {
    store: Arc<RegistryStore>,
    repository: Repository,
    subject: Digest,
    artifact_type: Option<String>,
    last: Option<Digest>,
    count: usize,
}

/// end-12a and end-12b: `GET /v2/<name>/referrers/<digest>?artifactType=<artifactType>`
pub(super) async fn list(
    registry: &ServedRegistry,
    repository: Repository,
    subject: Digest,
    query: Option<&str>,
) -> Result<HandlerResult, RequestRefusal> {
    let WantedPage { count, last } = WantedPage::of(query, MAX_REFERRERS)?;
    let last =
        last.map(|last| route::digest(&last).map_err(|_| RequestRefusal::Parameter("last"))).transpose()?;
    // An unescaped `+` in a query means a space; media types often contain `+` and never a space.
    let artifact_type = parameter(query, "artifactType").map(|wanted| wanted.replace(' ', "+"));
    let path = format!("/v2/{repository}/referrers/{subject}");
    let filter = artifact_type.clone();
    let store = Arc::clone(&registry.store);
    let search =
        Arc::new(ReferrersSearch { store, repository, subject, artifact_type, last, count: count.max(1) });

    let mut room = PAGE;
    let (page, next, share) = loop {
        // Besides the page, one descriptor at a time is in memory.
        let share = registry.memory.share(first::memory(count, NAME) + 2 * room).await?;
        let search = Arc::clone(&search);
        match blocking(move || search.page(room)).await? {
            ReferrersPage::Done(page, next) => break (page, next, share),
            ReferrersPage::Needs(more) => room = more,
        }
    };
    let mut response = respond(page, share, media_type::INDEX);
    let escaped = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    if let Some(next) = next {
        let filter =
            filter.as_deref().map_or_else(String::new, |filter| format!("artifactType={}&", escaped(filter)));
        response::set(&mut response, LINK, &format!("<{path}?{filter}n={count}&last={next}>; rel=\"next\""));
    }
    if filter.is_some() {
        response::set(&mut response, OCI_FILTERS_APPLIED, "artifactType");
    }
    Ok(response)
}

impl ReferrersSearch {
    /// Builds a page of at most `room` bytes. "the registry MUST NOT return a 404": a repository or a subject that does
    /// not exist has no referrers.
    fn page(&self, room: u64) -> Result<ReferrersPage, PathError> {
        let Self { store, repository, subject, .. } = self;
        let first::FirstPage { entries: manifests, is_more } =
            store.referrers(repository, subject, self.last.as_ref(), self.count)?;
        let mut next = if is_more { manifests.last().cloned() } else { None };
        let head = format!("{{\"schemaVersion\":2,\"mediaType\":\"{}\",\"manifests\":[", media_type::INDEX);
        let mut page = head.clone().into_bytes();
        let (mut looked_at, mut read) = (None, 0);
        for manifest in manifests {
            // It was removed meanwhile.
            let Some((file, size)) = store.referrer(repository, subject, &manifest)? else { continue };
            read += size;
            if page.len() as u64 + size > room || read > READ {
                let Some(last) = looked_at else {
                    return Ok(ReferrersPage::Needs(size + head.len() as u64 + 16));
                };
                next = Some(last);
                break;
            }
            let before = page.len();
            if before > head.len() {
                page.push(b',');
            }
            let start = page.len();
            file.take(size).read_to_end(&mut page).at("read", Path::new("the descriptor of a manifest"))?;
            if !self.wants(&page[start..]) {
                page.truncate(before);
            }
            looked_at = Some(manifest);
        }
        page.extend_from_slice(b"]}");
        Ok(ReferrersPage::Done(page, next))
    }

    fn wants(&self, descriptor: &[u8]) -> bool {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Fields {
            artifact_type: Option<String>,
        }
        let Some(wanted) = &self.artifact_type else { return true };
        let fields = serde_json::from_slice::<Fields>(descriptor);
        fields.is_ok_and(|fields| fields.artifact_type.unwrap_or_default() == *wanted)
    }
}
