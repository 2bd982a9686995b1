//! The index of the referrers tag schema: what a registry without the referrers API has instead of a list.

use serde::Serialize;

use crate::digest::Digest;
use crate::go_json;
use crate::manifest::{Descriptor, ManifestDocument, ManifestError};
use crate::media_type;

/// An index of what is about one manifest, to be written under its tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferrersIndex {
    schema_version: u32,
    media_type: &'static str,
    /// Its members, each manifest once.
    pub manifests: Vec<Descriptor>,
}

/// What stands in a document that was found under the tag of the schema.
///
/// Some registries read such a tag as the digest that it is made of, and answer with the subject itself: that is no index,
/// and has no members. Each member has to be read before it counts: what it is about stands in the member alone, and tools
/// have written wrong types here.
pub fn members(bytes: &[u8], content_type: &str) -> Result<Vec<Descriptor>, ManifestError> {
    match ManifestDocument::parse(bytes, content_type)? {
        ManifestDocument::Index(index) => Ok(index.manifests),
        ManifestDocument::Manifest(_) => Ok(Vec::new()),
    }
}

impl ReferrersIndex {
    /// The index with these members in it as well as those that are there already; none where that changes nothing. A member
    /// that is there keeps its place and becomes what it is called now.
    pub fn merged(there: &[Descriptor], added: &[Descriptor]) -> Option<Self> {
        let mut manifests: Vec<Descriptor> = Vec::with_capacity(there.len() + added.len());
        for descriptor in there.iter().chain(added) {
            match manifests.iter_mut().find(|known| known.digest == descriptor.digest) {
                Some(known) => known.clone_from(descriptor),
                None => manifests.push(descriptor.clone()),
            }
        }
        (manifests != there).then_some(Self { schema_version: 2, media_type: media_type::INDEX, manifests })
    }

    /// The index without one member; none where it is not in it.
    pub fn without(there: &[Descriptor], removed: &Digest) -> Option<Self> {
        let manifests: Vec<_> = there.iter().filter(|member| member.digest != *removed).cloned().collect();
        (manifests.len() < there.len()).then_some(Self {
            schema_version: 2,
            media_type: media_type::INDEX,
            manifests,
        })
    }

    /// Its bytes, the same for the same members in the same order.
    pub fn to_bytes(&self) -> Result<Vec<u8>, serde_json::Error> {
        go_json::to_vec(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(content: &str, artifact_type: &str) -> Descriptor {
        Descriptor {
            artifact_type: Some(artifact_type.to_owned()),
            ..Descriptor::of(media_type::MANIFEST, content.as_bytes())
        }
    }

    #[test]
    fn members_are_merged_once_each_and_read_back() {
        let (one, two) = (descriptor("one", "a/b"), descriptor("two", "a/b"));
        let index = ReferrersIndex::merged(&[], &[one.clone(), two.clone(), one.clone()]).unwrap();
        let bytes = index.to_bytes().unwrap();
        let read = members(&bytes, media_type::INDEX).unwrap();
        assert_eq!(read, [one.clone(), two.clone()]);
        assert_eq!(ReferrersIndex::merged(&read, std::slice::from_ref(&two)), None);
        // A member that was written with a wrong type is put right, in its place.
        let wrong = descriptor("one", "application/vnd.oci.empty.v1+json");
        let right = ReferrersIndex::merged(&[wrong, two.clone()], std::slice::from_ref(&one)).unwrap();
        assert_eq!(right.to_bytes().unwrap(), bytes);
        let left = ReferrersIndex::without(&read, &one.digest).unwrap();
        assert_eq!(members(&left.to_bytes().unwrap(), "").unwrap(), [two]);
        assert_eq!(ReferrersIndex::without(&read, &Digest::of(b"none")), None);
    }

    #[test]
    fn the_subject_in_place_of_an_index_has_no_members() {
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": descriptor("config", ""),
            "layers": [descriptor("layer", "")],
        });
        assert_eq!(members(manifest.to_string().as_bytes(), media_type::MANIFEST).unwrap(), []);
        assert!(members(b"<html>", "text/html").is_err());
    }
}
