//! APIs of single registries beside the specification: Harbor's list of a project's repositories, and the lists of
//! Harbor, Quay and Azure that say which manifest each tag stands for.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::RegistryAnswer as _;
use super::client::Client;
use super::error::RegistryError;
use super::hints::Hint;
use super::listing::ListedTag;
use super::pages::Pages;
use super::repository::RepositoryClient;
use super::request::RegistryRequest;
use crate::digest::Digest;
use crate::http::{self, Location};
use crate::limits::MAX_PAGE;
use crate::reference::{Host, Repository};

/// The number of entries in a page (Harbor, api/v2.0/swagger.yaml, and Quay, endpoints/api/tag.py: at most 100).
const PAGE: usize = 100;
/// How many pages are read at most.
const MAX_PAGES: usize = 200;

/// A vendor whose registries have lists of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Vendor {
    Harbor,
    Quay,
    Azure,
}

impl Vendor {
    /// The vendor whose registries ask for tokens like this. A wrong guess costs one request.
    fn of(registry: &Location, hint: &Hint) -> Option<Self> {
        let Hint::Bearer { realm, service: Some(service) } = hint else { return None };
        let realm = Location::parse(realm).ok().filter(|realm| realm.host() == registry.host())?;
        match realm.with_query().strip_prefix(&realm.origin()).unwrap_or_default() {
            "/service/token" if service == "harbor-registry" => Some(Self::Harbor),
            "/v2/auth" if *service == registry.authority() => Some(Self::Quay),
            "/oauth2/token" if *service == registry.authority() => Some(Self::Azure),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
struct HarborRepository {
    name: String,
}

/// The entries of Harbor's `…/artifacts`.
#[derive(Deserialize)]
struct HarborArtifact {
    digest: String,
    tags: Option<Vec<HarborTag>>,
}

#[derive(Deserialize)]
struct HarborTag {
    name: String,
    push_time: Option<String>,
}

/// A page of Quay's `/api/v1/repository/…/tag/`.
#[derive(Deserialize)]
struct QuayTags {
    tags: Vec<QuayTag>,
    has_additional: bool,
}

#[derive(Deserialize)]
struct QuayTag {
    name: String,
    manifest_digest: Option<String>,
    start_ts: Option<u64>,
}

/// A page of Azure's `/acr/v1/…/_tags`.
#[derive(Deserialize)]
struct AzureTags {
    tags: Option<Vec<AzureTag>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AzureTag {
    name: String,
    digest: Option<String>,
    last_update_time: Option<String>,
}

impl Client {
    /// The repositories of a project of Harbor, which shows its catalog to administrators only.
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
            let listed: Vec<HarborRepository> = self.auth.document(&request, "the list of repositories")?;
            let is_last = listed.len() < PAGE;
            found.extend(listed.iter().filter_map(|one| one.name.parse::<Repository>().ok()));
            if is_last {
                return Ok(found);
            }
        }
        log::warn!("{host} has more than {} repositories in {project}: the rest is left out", found.len());
        Ok(found)
    }
}

impl RepositoryClient {
    /// Calls `take` with each tag of the repository and its manifest, if the registry is of a vendor with such a list;
    /// returns whether it is. The vendor is recognised by how the registry wants to be authenticated to, so some other
    /// request must have been made before.
    pub fn each_tag_of_vendor(&self, take: &mut dyn FnMut(ListedTag)) -> Result<bool, RegistryError> {
        let vendor = self.auth.hint(&self.registry).and_then(|hint| Vendor::of(&self.registry, &hint));
        let Some(vendor) = vendor else { return Ok(false) };
        let mut offer = |tag: &str, digest: &str, uploaded: Option<SystemTime>| {
            if let (Ok(tag), Ok(digest)) = (tag.parse(), digest.parse::<Digest>()) {
                take(ListedTag { tag, digest: Some(digest), uploaded });
            }
        };
        match vendor {
            Vendor::Harbor => self.each_tag_of_harbor(&mut offer)?,
            Vendor::Quay => self.each_tag_of_quay(&mut offer)?,
            Vendor::Azure => self.each_tag_of_azure(&mut offer)?,
        }
        Ok(true)
    }

    fn each_tag_of_harbor(&self, offer: OfferTag<'_>) -> Result<(), RegistryError> {
        let Some((project, name)) = self.repository.as_str().split_once('/') else { return Ok(()) };
        // Harbor decodes this part of the path twice.
        let name = name.replace('/', "%252F");
        for page in 1..=MAX_PAGES {
            let path = format!(
                "/api/v2.0/projects/{project}/repositories/{name}/artifacts?with_tag=true&page_size={PAGE}&page={page}"
            );
            let listed: Vec<HarborArtifact> = self.vendor_page(&path)?;
            let is_last = listed.len() < PAGE;
            for HarborArtifact { digest, tags } in listed {
                for tag in tags.into_iter().flatten() {
                    offer(&tag.name, &digest, tag.push_time.as_deref().and_then(time));
                }
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    fn each_tag_of_quay(&self, offer: OfferTag<'_>) -> Result<(), RegistryError> {
        for page in 1..=MAX_PAGES {
            let name = &self.repository;
            let path = format!("/api/v1/repository/{name}/tag/?onlyActiveTags=true&limit={PAGE}&page={page}");
            let QuayTags { tags, has_additional } = self.vendor_page(&path)?;
            for QuayTag { name, manifest_digest, start_ts } in tags {
                let at = start_ts.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(at)));
                offer(&name, manifest_digest.as_deref().unwrap_or_default(), at);
            }
            if !has_additional {
                break;
            }
        }
        Ok(())
    }

    fn each_tag_of_azure(&self, offer: OfferTag<'_>) -> Result<(), RegistryError> {
        let first = self.endpoint(self.registry.join(&format!("/acr/v1/{}/_tags", self.repository)))?;
        let request = |location| self.pull("GET", location);
        let pages = Pages { auth: &self.auth, what: TAGS, request: &request, patient: true, most: MAX_PAGE };
        pages.each_page(first, &mut |body| {
            let listed: AzureTags = serde_json::from_slice(body)?;
            let tags = listed.tags.unwrap_or_default();
            for AzureTag { name, digest, last_update_time } in &tags {
                let at = last_update_time.as_deref().and_then(time);
                offer(name, digest.as_deref().unwrap_or_default(), at);
            }
            Ok(tags.len())
        })
    }

    fn vendor_page<T: DeserializeOwned>(&self, path: &str) -> Result<T, RegistryError> {
        let location = self.endpoint(self.registry.join(path))?;
        self.auth.document(&self.pull("GET", location), TAGS)
    }
}

/// What errors call these lists.
const TAGS: &str = "the list of tags with their manifests";

/// Is called with a tag, the digest of its manifest, and the time of its upload.
type OfferTag<'a> = &'a mut dyn FnMut(&str, &str, Option<SystemTime>);

fn time(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

impl super::auth::AuthClient {
    /// Requests a JSON document and parses it. Errors call it `what`.
    fn document<T: DeserializeOwned>(
        &self,
        request: &RegistryRequest<'_>,
        what: &'static str,
    ) -> Result<T, RegistryError> {
        let body = self.transport.retrying(|_| {
            let mut response = self.send(request)?;
            if response.status != 200 {
                return Err(response.refused());
            }
            let body = response.read(MAX_PAGE, what)?;
            Ok::<_, RegistryError>((body, response.request))
        });
        let (body, request) = body?;
        serde_json::from_slice(&body).map_err(|error| {
            let how = format!("{what} cannot be read: {error}");
            http::HttpError::Protocol { request, how }.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_are_known_by_how_they_ask() {
        for (registry, realm, service, vendor) in [
            ("harbor.a.b", "https://harbor.a.b/service/token", "harbor-registry", Some(Vendor::Harbor)),
            ("quay.io", "https://quay.io/v2/auth", "quay.io", Some(Vendor::Quay)),
            ("quay.a.b:8443", "https://quay.a.b:8443/v2/auth", "quay.a.b:8443", Some(Vendor::Quay)),
            ("x.azurecr.io", "https://x.azurecr.io/oauth2/token", "x.azurecr.io", Some(Vendor::Azure)),
            ("x.azurecr.io", "https://y.azurecr.io/oauth2/token", "x.azurecr.io", None),
            ("ghcr.io", "https://ghcr.io/token", "ghcr.io", None),
            ("a.b", "https://a.b/service/token", "a.b", None),
            ("registry-1.docker.io", "https://auth.docker.io/token", "registry.docker.io", None),
            ("a.b", "no URL", "harbor-registry", None),
        ] {
            let hint = Hint::Bearer { realm: realm.to_owned(), service: Some(service.to_owned()) };
            let location = Location::parse(&format!("https://{registry}/")).unwrap();
            assert_eq!(Vendor::of(&location, &hint), vendor, "{registry} {realm}");
            assert_eq!(Vendor::of(&location, &Hint::Basic), None);
        }
    }
}
