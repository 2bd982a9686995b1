//! The index of the referrers tag schema, which stands in for the referrers API in registries that lack it.

use serde::Serialize;

use crate::digest::Digest;
use crate::go_json;
use crate::manifest::{Descriptor, ManifestDocument, ManifestError};
use crate::media_type;

/// An index of the manifests whose subject is a certain manifest. It is pushed under the subject's referrers tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReferrersIndex {
    schema_version: u32,
    media_type: &'static str,
    /// The descriptors of the referrers. No digest occurs twice.
    pub manifests: Vec<Descriptor>,
}

/// The descriptors that are listed in a document found under a referrers tag.
///
/// Some registries read such a tag as a digest, and answer with the subject itself: that is a manifest, and gives an
/// empty list. The caller must read each listed manifest before it counts as a referrer: only the manifest itself says
/// what its subject is, and tools have listed manifests with wrong types.
pub fn members(bytes: &[u8], content_type: &str) -> Result<Vec<Descriptor>, ManifestError> {
    match ManifestDocument::parse(bytes, content_type)? {
        ManifestDocument::Index(index) => Ok(index.manifests),
        ManifestDocument::Manifest(_) => Ok(Vec::new()),
    }
}

impl ReferrersIndex {
    /// The index of all descriptors that are `there` and `added`. An added one replaces the one of the same digest, in
    /// its place. None if the result equals what is there.
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

    /// The index without the descriptor of this digest; None if it is not listed.
    pub fn without(there: &[Descriptor], removed: &Digest) -> Option<Self> {
        let manifests: Vec<_> = there.iter().filter(|member| member.digest != *removed).cloned().collect();
        (manifests.len() < there.len()).then_some(Self {
            schema_version: 2,
            media_type: media_type::INDEX,
            manifests,
        })
    }

    /// The JSON of the index. It depends on the descriptors and their order alone.
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
        // A descriptor that was listed with a wrong type is corrected in its place.
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
