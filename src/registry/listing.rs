//! Lists tags with all that a registry says about them. Google's registries say in the list itself which manifest each
//! tag stands for, when it was uploaded, and which repositories are below this one (pkg/v1/google/list.go in
//! go-containerregistry).

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::endpoint;
use super::error::RegistryError;
use super::pages::{Cure, Pages};
use super::repository::RepositoryClient;
use crate::digest::Digest;
use crate::limits::MAX_PAGE;
use crate::reference::Tag;

/// A tag in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTag {
    /// The name of the tag.
    pub tag: Tag,
    /// The digest of the manifest that the tag stands for, if the list says it.
    pub digest: Option<Digest>,
    /// When that manifest was uploaded, if the list says it.
    pub uploaded: Option<SystemTime>,
}

impl RepositoryClient {
    /// Calls `take` with each tag of the repository, in the registry's order, and `below` with the name of each
    /// repository below this one, if the list has them. A tag may come several times.
    pub fn each_listed_tag(
        &self,
        take: &mut dyn FnMut(ListedTag),
        below: &mut dyn FnMut(&str),
    ) -> Result<(), RegistryError> {
        let first = self.endpoint(endpoint::tags(&self.registry, &self.repository))?;
        let request = |location| self.pull("GET", location);
        let what = "the list of tags";
        let pages = Pages { auth: &self.auth, what, request: &request, patient: true, most: MAX_PAGE };
        let last = RefCell::new(String::new());
        let cure = Cure { first: first.clone(), last: &last };
        pages.each_page_cured(first, Some(&cure), &mut |body| {
            let mut count = 0;
            let list = TagPage {
                tag: &mut |tag, digest, uploaded| {
                    if digest.is_none() {
                        count += 1;
                        tag.clone_into(&mut last.borrow_mut());
                    }
                    match tag.parse() {
                        Ok(tag) => take(ListedTag { tag, digest, uploaded }),
                        Err(_) => log::debug!("{what}: an entry that is none is left out"),
                    }
                },
                below,
            };
            let mut json = serde_json::Deserializer::from_slice(body);
            json.deserialize_map(list).and_then(|()| json.end())?;
            Ok(count)
        })
    }
}

/// Is called with a tag as the list has it, its digest, and its time of upload.
type TakeTag<'a> = dyn FnMut(&str, Option<Digest>, Option<SystemTime>) + 'a;

/// A page of the list.
struct TagPage<'a, 'b> {
    tag: &'a mut TakeTag<'b>,
    below: &'a mut dyn FnMut(&str),
}

impl<'de> Visitor<'de> for TagPage<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map with `tags`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = false;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "tags" if seen => return Err(serde::de::Error::duplicate_field("tags")),
                "tags" => {
                    seen = true;
                    map.next_value_seed(TextList(&mut |tag| (self.tag)(tag, None, None)))?;
                }
                "child" => map.next_value_seed(TextList(&mut |name| (self.below)(name)))?,
                "manifest" => map.next_value_seed(GoogleManifests(&mut *self.tag))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

/// A list of strings, or `null`.
struct TextList<'a>(&'a mut dyn FnMut(&str));

impl<'de> serde::de::DeserializeSeed<'de> for TextList<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextList<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of text")
    }

    /// Go writes an empty list as `null`.
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element::<Cow<'de, str>>()? {
            (self.0)(&entry);
        }
        Ok(())
    }
}

/// The map in Google's lists from digests to manifests.
struct GoogleManifests<'a, 'b>(&'a mut TakeTag<'b>);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GoogleManifest {
    #[serde(default)]
    tag: Vec<String>,
    time_uploaded_ms: Option<String>,
}

impl<'de> serde::de::DeserializeSeed<'de> for GoogleManifests<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for GoogleManifests<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of manifests")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((digest, manifest)) = map.next_entry::<Cow<'de, str>, GoogleManifest>()? {
            let Ok(digest) = digest.parse::<Digest>() else { continue };
            let millis = manifest.time_uploaded_ms.and_then(|text| text.parse().ok());
            let uploaded =
                millis.and_then(|millis| SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
            for tag in &manifest.tag {
                (self.0)(tag, Some(digest.clone()), uploaded);
            }
        }
        Ok(())
    }
}
