//! The fields of manifests and indexes that a registry needs. Everything else is skipped while parsing, to save memory.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};

use crate::digest::Digest;

/// The fields that a registry needs, of manifests and indexes alike.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ManifestFields {
    pub(super) schema_version: Option<u32>,
    pub(super) media_type: Option<String>,
    pub(super) artifact_type: Option<String>,
    pub(super) config: Option<DescriptorFields>,
    pub(super) layers: Option<Digests>,
    pub(super) manifests: Option<Digests>,
    pub(super) subject: Option<DescriptorFields>,
    pub(super) annotations: Option<Annotations>,
}

/// The fields of a descriptor. All fields that the image spec defines are checked, even those that are not used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescriptorFields {
    pub(super) media_type: String,
    pub(super) digest: Digest,
    #[expect(dead_code, reason = "it must be there")]
    size: u64,
    #[serde(default)]
    #[expect(dead_code, reason = "they must be text")]
    annotations: Option<Texts>,
    #[expect(dead_code, reason = "it must be text")]
    artifact_type: Option<String>,
}

/// The digests in a list of descriptors, without those of layers that are not stored in registries.
#[derive(Debug)]
pub(super) struct Digests(pub(super) Vec<Digest>);

impl<'de> Deserialize<'de> for Digests {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Digests;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of descriptors")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Digests, A::Error> {
                let mut digests = Vec::new();
                while let Some(described) = list.next_element::<DescriptorFields>()? {
                    if !is_foreign(&described.media_type) {
                        digests.push(described.digest);
                    }
                }
                Ok(Digests(digests))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

/// Annotations for the list of referrers, written as JSON again; `None` if there are none.
#[derive(Debug)]
pub(super) struct Annotations(pub(super) Option<Vec<u8>>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut json = Vec::new();
        deserializer.deserialize_map(EachText(|key: &str, value: &str| {
            json.push(if json.is_empty() { b'{' } else { b',' });
            // Writing strings into memory never fails.
            let _ = serde_json::to_writer(&mut json, key);
            json.push(b':');
            let _ = serde_json::to_writer(&mut json, value);
        }))?;
        if !json.is_empty() {
            json.push(b'}');
        }
        Ok(Self(Some(json).filter(|json| !json.is_empty())))
    }
}

/// Annotations that are checked and not kept.
#[derive(Debug)]
struct Texts;

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EachText(|_: &str, _: &str| {})).map(|()| Self)
    }
}

/// Reads a map of strings, and calls the function with one entry at a time.
struct EachText<F>(F);

impl<'de, F: FnMut(&str, &str)> Visitor<'de> for EachText<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of text")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            (self.0)(&key, &value);
        }
        Ok(())
    }
}

/// Whether layers of this type are not stored in registries (image spec, "Non-Distributable Layers"; docker's "foreign"
/// layers).
fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
}
