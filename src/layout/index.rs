//! The index of an image layout: the file `index.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::go_json;
use crate::manifest::Descriptor;
use crate::media_type;

/// The annotation key of a bundle that leaves out blobs: its value lists the digests of the `index.json` of the bundles
/// that have them, separated by spaces.
const SINCE: &str = "io.github.helm-oci.since";

/// What an `index.json` says about its layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayoutIndex {
    /// The manifests that the layout lists.
    pub manifests: Vec<Descriptor>,
    /// The digests of the `index.json` of bundles that hold blobs which this one leaves out. Empty if it leaves out
    /// none.
    pub since: Vec<Digest>,
}

/// The bytes of an `index.json`, which is JSON.
pub type IndexText = Vec<u8>;

/// Why an `index.json` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayoutIndexError {
    /// The text is not JSON, or its fields do not have the types of the image spec.
    #[error("its index.json cannot be read")]
    Json(#[from] serde_json::Error),
    /// The text has no field `manifests`, so it is not an index.
    #[error("its index.json is no index: it has no list of manifests")]
    None,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct IndexDocument {
    schema_version: u32,
    #[serde(default)]
    media_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
}

impl LayoutIndex {
    /// Reads the text of an `index.json`. The caller limits its size.
    pub fn parse(text: &[u8]) -> Result<Self, LayoutIndexError> {
        let document: IndexDocument = serde_json::from_slice(text)?;
        let since = document.annotations.as_ref().and_then(|annotations| annotations.get(SINCE));
        let since = since.map_or("", String::as_str).split(' ').filter_map(|digest| digest.parse().ok());
        Ok(Self { since: since.collect(), manifests: document.manifests.ok_or(LayoutIndexError::None)? })
    }

    /// The JSON of the index. It depends on the entries, their order and the digests in `since` alone.
    pub fn to_text(&self) -> Result<IndexText, serde_json::Error> {
        let since: Vec<_> = self.since.iter().map(ToString::to_string).collect();
        go_json::to_vec(&IndexDocument {
            schema_version: 2,
            media_type: Some(media_type::INDEX.to_owned()),
            manifests: Some(self.manifests.clone()),
            annotations: (!since.is_empty()).then(|| BTreeMap::from([(SINCE.to_owned(), since.join(" "))])),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let entry = |content: &str| Descriptor::of(media_type::MANIFEST, content.as_bytes());
        for since in [vec![], vec![Digest::of(b"old"), Digest::of(b"older")]] {
            let index = LayoutIndex { manifests: vec![entry("a"), entry("b")], since };
            let text = index.to_text().unwrap();
            assert_eq!(LayoutIndex::parse(&text).unwrap(), index, "{}", String::from_utf8_lossy(&text));
        }
        assert!(LayoutIndex::parse(br#"{"schemaVersion":2}"#).is_err());
        assert!(LayoutIndex::parse(b"[]").is_err());
        assert!(LayoutIndex::parse(br#"{"schemaVersion":2,"manifests":[{"digest":"x"}]}"#).is_err());
    }
}
