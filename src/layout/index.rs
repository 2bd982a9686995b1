//! The index of a layout: `index.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::go_json;
use crate::manifest::Descriptor;
use crate::media_type;

/// The key under which the index of a bundle that leaves out what others have names their indexes, by their digests.
const SINCE: &str = "io.github.helm-oci.since";

/// What a layout says that it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayoutIndex {
    /// Its entries.
    pub manifests: Vec<Descriptor>,
    /// The indexes of the bundles without which it is not whole.
    pub since: Vec<Digest>,
}

/// The bytes of an `index.json`.
pub type IndexText = Vec<u8>;

/// Why an `index.json` is none.
#[derive(Debug, thiserror::Error)]
pub enum LayoutIndexError {
    /// Not JSON, or not what the image spec has.
    #[error("its index.json cannot be read")]
    Json(#[from] serde_json::Error),
    /// Something else than an index.
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
    /// Reads an index. It is the caller's to limit its size.
    pub fn parse(text: &[u8]) -> Result<Self, LayoutIndexError> {
        let document: IndexDocument = serde_json::from_slice(text)?;
        let since = document.annotations.as_ref().and_then(|annotations| annotations.get(SINCE));
        let since = since.map_or("", String::as_str).split(' ').filter_map(|digest| digest.parse().ok());
        Ok(Self { since: since.collect(), manifests: document.manifests.ok_or(LayoutIndexError::None)? })
    }

    /// Its bytes, the same for the same entries.
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
