//! A manifest or an index as a node of the graph.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::Digest;
use crate::manifest::{Descriptor, ManifestDocument, ManifestError};
use crate::media_type;

/// What a manifest or an index refers to, and of what type it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its media type: its `mediaType` field, else the Content-Type that it came with, else the OCI type that its
    /// fields suggest.
    pub media_type: String,
    /// The kind of artifact: its `artifactType` field, else the media type of its config (image spec, "Guidelines for
    /// Artifact Usage"). None for an index without the field.
    pub artifact_type: Option<String>,
    /// The blobs that it needs: the config, then the layers. Layers that registries need not have are left out: those
    /// of non-distributable types.
    pub blobs: Vec<Descriptor>,
    /// The manifests that it needs: the entries of an index; empty for a manifest.
    pub manifests: Vec<Descriptor>,
    /// Its subject, the manifest that it refers to as an attachment. That manifest need not exist.
    pub subject: Option<Descriptor>,
    /// The annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// The fields that make a node, for manifests and indexes alike.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NodeFields {
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Node {
    /// Reads a manifest or an index that came with this Content-Type, which may be empty. An error if it is neither, or
    /// could be read as both, as in [`ManifestDocument::parse`].
    pub fn parse(bytes: &[u8], content_type: &str) -> Result<Self, ManifestError> {
        let is_index = matches!(ManifestDocument::parse(bytes, content_type)?, ManifestDocument::Index(_));
        let fields: NodeFields = serde_json::from_slice(bytes)?;
        let outer = media_type::essence(content_type);
        let own = fields.media_type.as_deref().map(media_type::essence).filter(|own| !own.is_empty());
        let by_fields = if is_index { media_type::INDEX } else { media_type::MANIFEST };
        let media_type = own.unwrap_or(if outer.is_empty() { by_fields.to_owned() } else { outer });
        let artifact_type = fields.artifact_type.filter(|own| !own.is_empty());
        let artifact_type =
            artifact_type.or_else(|| fields.config.as_ref().map(|config| config.media_type.clone()));
        let blobs = fields.config.into_iter().chain(fields.layers.into_iter().flatten());
        Ok(Self {
            media_type,
            artifact_type,
            blobs: blobs.filter(|blob| !is_foreign(&blob.media_type)).collect(),
            manifests: fields.manifests.unwrap_or_default(),
            subject: fields.subject,
            annotations: fields.annotations.unwrap_or_default(),
        })
    }

    /// Everything that a registry must have before it takes this manifest: blobs, then manifests. The subject is not
    /// required (distribution spec, "Pushing Manifests with Subject").
    pub fn successors(&self) -> impl Iterator<Item = &Descriptor> {
        self.blobs.iter().chain(&self.manifests)
    }

    /// Whether its subject is the manifest of this digest.
    pub fn is_about(&self, digest: &Digest) -> bool {
        self.subject.as_ref().is_some_and(|subject| subject.digest == *digest)
    }

    /// Whether this manifest has every layer of `other`. The configs, which are the first blob of each, are not
    /// compared: cosign's config lists the digests of the layers, so it changes with them.
    pub fn holds_layers_of(&self, other: &Self) -> bool {
        let own = self.blobs.get(1..).unwrap_or_default();
        other.blobs.iter().skip(1).all(|layer| own.contains(layer))
    }

    /// The descriptor under which this manifest, of this digest and size, is listed as a referrer of its subject: with
    /// its artifact type and annotations (distribution spec, "Listing Referrers").
    pub fn as_referrer(&self, digest: Digest, size: u64) -> Descriptor {
        Descriptor {
            artifact_type: self.artifact_type.clone(),
            annotations: self.annotations.clone(),
            ..Descriptor::new(&self.media_type, digest, size)
        }
    }
}

/// Whether layers of this type need not be in a registry (image spec, "Non-Distributable Layers"; docker calls them
/// foreign).
fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn descriptor(media_type: &str, content: &str) -> Value {
        json!({ "mediaType": media_type, "digest": Digest::of(content.as_bytes()), "size": content.len() })
    }

    fn parse(document: &Value, content_type: &str) -> Result<Node, ManifestError> {
        Node::parse(document.to_string().as_bytes(), content_type)
    }

    #[test]
    fn a_manifest_needs_its_blobs_and_an_index_its_manifests() {
        let foreign = descriptor("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "elsewhere");
        let manifest = json!({
            "schemaVersion": 2,
            "config": descriptor("text/config", "config"),
            "layers": [descriptor("text/plain", "layer"), foreign],
            "subject": descriptor(media_type::MANIFEST, "subject"),
            "annotations": { "a": "b" },
        });
        let node = parse(&manifest, "Application/vnd.oci.image.manifest.v1+json; charset=utf-8").unwrap();
        assert_eq!(node.media_type, media_type::MANIFEST);
        assert_eq!(node.artifact_type.as_deref(), Some("text/config"));
        let needs: Vec<_> = node.successors().map(|needed| needed.digest.clone()).collect();
        assert_eq!(needs, [Digest::of(b"config"), Digest::of(b"layer")]);
        assert!(node.is_about(&Digest::of(b"subject")) && !node.is_about(&Digest::of(b"config")));
        let listed = node.as_referrer(Digest::of(b"x"), 7);
        assert_eq!((listed.size, listed.annotations["a"].as_str()), (7, "b"));

        let index = json!({
            "schemaVersion": 2,
            "mediaType": media_type::INDEX,
            "manifests": [descriptor(media_type::MANIFEST, "one"), descriptor(media_type::INDEX, "two")],
        });
        let node = parse(&index, "").unwrap();
        assert_eq!((node.media_type.as_str(), node.artifact_type.as_deref()), (media_type::INDEX, None));
        let needs: Vec<_> = node.successors().map(|needed| needed.digest.clone()).collect();
        assert_eq!(needs, [Digest::of(b"one"), Digest::of(b"two")]);
        assert_eq!(node.subject, None);
    }

    #[test]
    fn an_artifact_is_what_it_says_that_it_is() {
        let manifest = |artifact_type: Value| {
            json!({
                "schemaVersion": 2,
                "artifactType": artifact_type,
                "config": descriptor("application/vnd.oci.empty.v1+json", "{}"),
                "layers": Value::Null,
            })
        };
        for (given, expected) in [
            (json!("application/sbom"), "application/sbom"),
            (json!(""), "application/vnd.oci.empty.v1+json"),
            (Value::Null, "application/vnd.oci.empty.v1+json"),
        ] {
            let node = parse(&manifest(given.clone()), media_type::MANIFEST).unwrap();
            assert_eq!(node.artifact_type.as_deref(), Some(expected), "{given}");
        }
    }

    #[test]
    fn what_is_two_things_is_no_node() {
        for (document, content_type) in [
            (json!({ "layers": [], "manifests": [], "config": descriptor("a/b", "") }), ""),
            (json!({}), ""),
            (json!({ "manifests": [], "mediaType": media_type::MANIFEST }), ""),
            (json!({ "manifests": [] }), media_type::MANIFEST),
            (json!([]), media_type::INDEX),
        ] {
            assert!(parse(&document, content_type).is_err(), "{document}");
        }
    }
}
