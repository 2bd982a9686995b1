//! What is about a manifest: end-12a, or the index of the referrers tag schema where a registry does not have that.

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

/// Who lists what is about a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedBy {
    /// The registry itself, by its referrers API.
    Registry,
    /// Clients, in an index under a tag: the registry does not list referrers.
    Clients,
}

/// What is listed as being about one manifest.
///
/// It is hearsay until each manifest was read: its subject stands in the manifest alone, and indexes that clients have
/// written tell wrong types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrers {
    /// Who says so.
    pub by: ListedBy,
    /// The manifests, each once.
    pub members: Vec<Descriptor>,
}

impl RepositoryClient {
    /// What is listed as being about the manifest of this digest, which need not be there. A registry that does not list
    /// referrers is known by its 404 and by nothing else: an empty list is a list.
    pub fn referrers(&self, subject: &Digest) -> Result<Referrers, RegistryError> {
        self.referrers_if(subject, &|_| true)
    }

    /// The same for who knows some tags that are not there: an index that clients would keep under one is not asked for.
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

    /// What is under a tag; nothing if there is no such tag.
    pub fn tagged(&self, tag: &Tag) -> Result<Option<RawManifest>, RegistryError> {
        self.manifest_if_any(tag.into())
    }

    /// The manifest of this digest; nothing if there is none.
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

    /// The registry's own list; nothing if it does not have such lists.
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
                // Where it does not know the repository either, it may say so once it does.
                if !error.has_code(&ErrorCode::NameUnknown) {
                    self.lists_nothing.store(true, Ordering::Relaxed);
                }
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What the index holds that clients keep under this tag.
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

/// Whether a registry does not have lists of referrers. By the spec it answers 404; 405 and 501 are from before that.
fn has_no_lists(error: &RegistryError) -> bool {
    match error {
        RegistryError::NotFound { .. } => true,
        RegistryError::Refused { status, report, .. } => {
            matches!(status, 405 | 501) || (*status == 400 && report.has(&ErrorCode::Unsupported))
        }
        _ => false,
    }
}

/// Reads a page, and tells how many entries it has. What is no descriptor is left out: JFrog lists `_uploads` among referrers.
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
