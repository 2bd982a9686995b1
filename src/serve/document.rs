//! Manifests as they come in: what they are, what they need, and what they are about.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::naming::{Parts, Referrer};
use super::refusal::Refusal;
use crate::digest::Digest;
use crate::manifest::Descriptor;
use crate::media_type::{self, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, INDEX, MANIFEST};

/// A manifest that was looked through. Its bytes are kept elsewhere, exactly as they came.
#[derive(Debug)]
pub(super) struct Document {
    /// What it is.
    pub(super) media_type: String,
    /// What must be there before it.
    pub(super) parts: Parts,
    /// What it is about, and how it is listed there.
    pub(super) referrer: Option<Referrer>,
}

/// The fields that matter to a registry, of manifests and indexes alike.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Fields {
    schema_version: Option<u32>,
    media_type: Option<String>,
    artifact_type: Option<String>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    manifests: Option<Vec<Descriptor>>,
    subject: Option<Descriptor>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Document {
    /// Looks through a manifest that came under the given Content-Type.
    pub(super) fn parse(
        content: &[u8],
        content_type: Option<&str>,
        digest: &Digest,
    ) -> Result<Self, Refusal> {
        let fields: Fields = match serde_json::from_slice(content) {
            Ok(fields) => fields,
            Err(e) => return invalid(&e.to_string()),
        };
        let media_type = fields.media_type(content_type)?;
        fields.check(&media_type)?;
        let referrer = fields.subject.as_ref().map(|subject| Referrer {
            subject: subject.digest.clone(),
            descriptor: fields.descriptor(&media_type, digest, content.len() as u64),
        });
        let digests = |descriptors: Option<Vec<Descriptor>>| {
            let stored = descriptors.unwrap_or_default().into_iter().filter(|d| !is_foreign(&d.media_type));
            stored.map(|descriptor| descriptor.digest).collect::<Vec<_>>()
        };
        let mut blobs = digests(fields.layers);
        blobs.extend(fields.config.map(|config| config.digest));
        let parts = Parts { blobs, manifests: digests(fields.manifests) };
        Ok(Self { media_type, parts, referrer })
    }
}

impl Fields {
    /// "The registry SHOULD ignore parameters on the Content-Type header"; and what the document calls itself must be
    /// what the client calls it, else two readers would see two things (CVE-2021-41190).
    fn media_type(&self, content_type: Option<&str>) -> Result<String, Refusal> {
        let outer = content_type.map(media_type::essence).filter(|outer| !outer.is_empty());
        match (outer, self.media_type.as_deref().map(media_type::essence)) {
            (Some(outer), Some(inner)) if outer != inner => {
                invalid(&format!("its mediaType is {inner}, its Content-Type is {outer}"))
            }
            (Some(outer), _) => Ok(outer),
            (None, Some(inner)) if is_media_type(&inner) => Ok(inner),
            (None, _) => invalid("it has no Content-Type"),
        }
    }

    fn check(&self, media_type: &str) -> Result<(), Refusal> {
        if self.manifests.is_some() && (self.config.is_some() || self.layers.is_some()) {
            return invalid("it has both `manifests` and `config` or `layers`");
        }
        let known = [MANIFEST, DOCKER_MANIFEST, INDEX, DOCKER_MANIFEST_LIST].contains(&media_type);
        if known && self.schema_version != Some(2) {
            return invalid("its schemaVersion is not 2");
        }
        match media_type {
            MANIFEST | DOCKER_MANIFEST if self.config.is_none() => invalid("it has no `config`"),
            INDEX | DOCKER_MANIFEST_LIST if self.manifests.is_none() => invalid("it has no `manifests`"),
            // Other kinds are kept as they are, if all that they refer to is there.
            _ => Ok(()),
        }
    }

    /// How the manifest is listed among the referrers of its subject ("Listing Referrers").
    fn descriptor(&self, media_type: &str, digest: &Digest, size: u64) -> Descriptor {
        let own = self.artifact_type.as_ref().filter(|own| !own.is_empty());
        // Of an index, artifactType "MUST be omitted" where it is empty: there is no config.
        let artifact_type = own.or(self.config.as_ref().map(|config| &config.media_type)).cloned();
        Descriptor {
            artifact_type,
            annotations: self.annotations.clone().unwrap_or_default(),
            ..Descriptor::new(media_type, digest.clone(), size)
        }
    }
}

/// Layers that are not meant to be in a registry (image spec, "Non-Distributable Layers"; docker's "foreign" ones).
fn is_foreign(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.nondistributable.")
        || media_type == "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
}

/// It will be a header.
fn is_media_type(text: &str) -> bool {
    text.contains('/') && text.bytes().all(|b| b.is_ascii_graphic())
}

fn invalid<T>(why: &str) -> Result<T, Refusal> {
    Err(Refusal::ManifestInvalid(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(document: &Value, content_type: Option<&str>) -> Result<Document, Refusal> {
        Document::parse(document.to_string().as_bytes(), content_type, &Digest::of(b""))
    }

    fn descriptor(content: &str) -> Value {
        json!({ "mediaType": "text/plain", "digest": Digest::of(content.as_bytes()), "size": content.len() })
    }

    #[test]
    fn refuses_documents_that_are_two_things_or_nothing() {
        for (document, content_type) in [
            (json!([]), Some(MANIFEST)),
            (json!({}), Some(MANIFEST)),
            (json!({}), None),
            (json!({ "schemaVersion": 1, "config": descriptor("") }), Some(MANIFEST)),
            (json!({ "schemaVersion": 2, "layers": [] }), Some(MANIFEST)),
            (json!({ "schemaVersion": 2 }), Some(INDEX)),
            (json!({ "schemaVersion": 2, "config": descriptor(""), "manifests": [] }), Some(MANIFEST)),
            (json!({ "schemaVersion": 2, "layers": [], "manifests": [] }), Some("application/x+json")),
            (json!({ "schemaVersion": 2, "config": descriptor(""), "mediaType": INDEX }), Some(MANIFEST)),
            (json!({ "schemaVersion": 2, "config": { "digest": "sha256:../x" } }), Some(MANIFEST)),
        ] {
            let refusal = parse(&document, content_type).unwrap_err();
            assert!(matches!(refusal, Refusal::ManifestInvalid(_)), "{document}: {refusal}");
        }
    }

    #[test]
    fn finds_what_a_manifest_needs_and_what_it_is_about() {
        let mut foreign = descriptor("elsewhere");
        foreign["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip".into();
        let document = json!({
            "schemaVersion": 2,
            "config": descriptor("config"),
            "layers": [descriptor("layer"), foreign],
            "subject": descriptor("subject"),
            "annotations": { "a": "b" },
        });
        let found =
            parse(&document, Some("Application/vnd.oci.image.manifest.v1+json; charset=utf-8")).unwrap();
        assert_eq!(found.media_type, MANIFEST);
        assert_eq!(found.parts.blobs, [Digest::of(b"layer"), Digest::of(b"config")]);
        let referrer = found.referrer.unwrap();
        assert_eq!(referrer.subject, Digest::of(b"subject"));
        assert_eq!(referrer.descriptor.artifact_type.as_deref(), Some("text/plain"));
        assert_eq!(referrer.descriptor.annotations["a"], "b");
    }
}
