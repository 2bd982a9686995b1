//! Lists the manifests that are attached to a manifest: by the registry's referrers API (end-12a), or by the index of
//! the referrers tag schema if the registry does not have that.

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::endpoint;
use super::error::RegistryError;
use super::manifests::{ManifestAnswer, RawManifest};
use super::pages::Pages;
use super::report::ErrorCode;
use super::repository::RepositoryClient;
use crate::digest::Digest;
use crate::graph;
use crate::http::{self, Location, RequestLine};
use crate::limits::{MAX_ATTACHED, MAX_PAGE};
use crate::manifest::{Descriptor, from_json};
use crate::reference::{Tag, Target};

/// Who maintains the list of a manifest's referrers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedBy {
    /// The registry itself, by its referrers API.
    Registry,
    /// Clients do, in an index under a tag: the registry has no referrers API.
    Clients,
}

/// What is listed as attached to one manifest.
///
/// The list is not reliable until each manifest has been read: only the manifest itself names its subject, and indexes
/// that clients have written may have wrong types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrers {
    /// Who maintains this list.
    pub by: ListedBy,
    /// The manifests, each once.
    pub members: Vec<Descriptor>,
}

impl RepositoryClient {
    /// Lists what is attached to the manifest of this digest, which need not exist. Only a status such as 404 means
    /// that the registry has no referrers API: an empty list is a list.
    pub fn referrers(&self, subject: &Digest) -> Result<Referrers, RegistryError> {
        self.referrers_if(subject, &|_| true)
    }

    /// Lists what is attached to this manifest. The index of the referrers tag schema is only requested if `may_have`
    /// says that its tag may exist.
    pub fn referrers_if(
        &self,
        subject: &Digest,
        may_have: &dyn Fn(&Tag) -> bool,
    ) -> Result<Referrers, RegistryError> {
        if let Some(members) = self.listed(subject)? {
            return Ok(Referrers { by: ListedBy::Registry, members });
        }
        let members = match graph::referrers_tag(subject) {
            Some(tag) if may_have(&tag) => once_each(self.index(&tag)?),
            _ => Vec::new(),
        };
        Ok(Referrers { by: ListedBy::Clients, members })
    }

    /// The manifest or index under a tag; `None` if there is no such tag.
    pub fn tagged(&self, tag: &Tag) -> Result<Option<RawManifest>, RegistryError> {
        self.manifest_if_any(tag.into())
    }

    /// The manifest of this digest; `None` if there is none.
    pub fn manifest(&self, digest: &Digest) -> Result<Option<RawManifest>, RegistryError> {
        self.manifest_if_any(digest.into())
    }

    fn manifest_if_any(&self, target: Target<'_>) -> Result<Option<RawManifest>, RegistryError> {
        match self.get_manifest(target, None) {
            Ok(ManifestAnswer::Manifest(manifest)) => Ok(Some(manifest)),
            Ok(ManifestAnswer::NotModified) | Err(RegistryError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The list of the registry's referrers API; `None` if it does not have that.
    pub(super) fn listed(&self, subject: &Digest) -> Result<Option<Vec<Descriptor>>, RegistryError> {
        if self.lists_nothing.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let first = self.endpoint(endpoint::referrers(&self.registry, &self.repository, subject))?;
        let request = |location: Location| self.pull("GET", location);
        let what = "the list of referrers";
        let most = MAX_PAGE.min(self.most);
        let pages = Pages { auth: &self.auth, what, request: &request, patient: true, most };
        let mut members = Vec::new();
        match pages.each_page(first, &mut |body| read_page(body, &mut members)) {
            Ok(()) => Ok(Some(once_each(members))),
            Err(error) if has_no_lists(&error) => {
                // If it does not know the repository, it may have the API all the same.
                if !error.has_code(&ErrorCode::NameUnknown) {
                    self.lists_nothing.store(true, Ordering::Relaxed);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The members of the index under this tag; empty if there is no such tag.
    pub(super) fn index(&self, tag: &Tag) -> Result<Vec<Descriptor>, RegistryError> {
        let Some(found) = self.tagged(tag)? else { return Ok(Vec::new()) };
        graph::members(&found.bytes, &found.content_type).map_err(|error| {
            let location = endpoint::manifest(&self.registry, &self.repository, tag.into());
            match self.endpoint(location) {
                Ok(location) => {
                    let request = RequestLine::new("GET", &location);
                    http::HttpError::Protocol { request, how: error.to_string() }.into()
                }
                Err(error) => error,
            }
        })
    }
}

/// Whether an error means that the registry has no referrers API. By the spec it answers 404; 405 and 501 come from
/// older software, and some answer 400 UNSUPPORTED.
fn has_no_lists(error: &RegistryError) -> bool {
    match error {
        RegistryError::NotFound { .. } => true,
        RegistryError::Refused { status, report, .. } => {
            matches!(status, 405 | 501) || (*status == 400 && report.has(&ErrorCode::Unsupported))
        }
        _ => false,
    }
}

/// Parses a page, and returns how many entries it has. Entries that are not descriptors are left out: JFrog lists
/// `_uploads` among referrers.
fn read_page(body: &[u8], members: &mut Vec<Descriptor>) -> Result<usize, serde_json::Error> {
    #[derive(Deserialize)]
    struct Page {
        manifests: Option<Vec<ListEntry>>,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum ListEntry {
        Descriptor(Descriptor),
        Other(IgnoredAny),
    }
    let entries = from_json::<Page>(body)?.manifests.unwrap_or_default();
    let count = entries.len();
    if members.len() + count > MAX_ATTACHED {
        return Err(serde::de::Error::custom(format_args!("it has more than {MAX_ATTACHED} entries")));
    }
    members.extend(entries.into_iter().filter_map(|entry| match entry {
        ListEntry::Descriptor(descriptor) => Some(descriptor),
        ListEntry::Other(_) => {
            log::debug!("the list of referrers: an entry that is none is left out");
            None
        }
    }));
    Ok(count)
}

fn once_each(mut members: Vec<Descriptor>) -> Vec<Descriptor> {
    let mut seen = std::collections::HashSet::new();
    members.retain(|member| seen.insert(member.digest.clone()));
    members
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media_type;

    #[test]
    fn what_is_no_descriptor_is_left_out() {
        let digest = Digest::of(b"x");
        let one = format!(r#"{{"mediaType":"{}","digest":"{digest}","size":1}}"#, media_type::MANIFEST);
        for (page, count, found) in [
            (format!(r#"{{"manifests":[{one},{{"digest":"_uploads"}},7]}}"#), 3, 1),
            (r#"{"manifests":null}"#.to_owned(), 0, 0),
            ("{}".to_owned(), 0, 0),
        ] {
            let mut members = Vec::new();
            assert_eq!(read_page(page.as_bytes(), &mut members).unwrap(), count, "{page}");
            assert_eq!(members.len(), found, "{page}");
        }
        assert!(read_page(b"<html>", &mut Vec::new()).is_err());
    }
}
