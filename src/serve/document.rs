//! Parses manifests that are pushed: their media type, the blobs and manifests that they need, and their subject.

use serde::{Deserialize, Serialize};

use super::fields::{Annotations, Digests, ManifestFields};
use super::naming::{NeededParts, Referrer};
use super::refusal::{RequestRefusal, shorten};
use crate::digest::Digest;
use crate::media_type::{self, DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, INDEX, MANIFEST};

/// The memory that parsing a document takes, for each of its bytes: the document, what is kept of it, and either the
/// string that is being read or the descriptor for the list of referrers. Only the digests that it refers to and its
/// own annotations are kept: everything in 4 MiB of the smallest values would take sixty.
pub(super) const MEMORY: u64 = 3;

/// The longest media type, in bytes. It becomes a header when the manifest is read: a type and a subtype of 127 bytes
/// each (RFC 6838 4.2).
const MAX_MEDIA_TYPE: usize = 255;

/// A manifest that was parsed. Its bytes are stored elsewhere, exactly as the client sent them.
#[derive(Debug)]
pub(super) struct ServedManifest {
    /// The media type of the manifest.
    pub(super) media_type: String,
    /// The blobs and manifests that must be in the repository before it.
    pub(super) parts: NeededParts,
    /// The subject of the manifest, and its descriptor in the list of that subject's referrers; `None` without a
    /// subject.
    pub(super) referrer: Option<Referrer>,
}

/// The descriptor of a manifest in the list of its subject's referrers ("Listing Referrers"), without its annotations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedReferrer<'a> {
    media_type: &'a str,
    digest: &'a Digest,
    size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_type: Option<&'a str>,
}

impl ServedManifest {
    /// Parses a manifest that came with this Content-Type. An error if the manifest is invalid.
    pub(super) fn parse(
        content: Vec<u8>,
        content_type: Option<&str>,
        digest: &Digest,
    ) -> Result<Self, RequestRefusal> {
        let fields: ManifestFields = match serde_json::from_slice(&content) {
            Ok(fields) => fields,
            Err(e) => return invalid(&e.to_string()),
        };
        let size = content.len();
        drop(content);
        let media_type = fields.media_type(content_type)?;
        fields.check(&media_type)?;
        let descriptor = fields.subject.is_some().then(|| fields.descriptor(&media_type, digest, size));
        let subject = fields.subject.map(|subject| subject.digest);
        let referrer = subject.zip(descriptor).map(|(subject, descriptor)| Referrer { subject, descriptor });
        let digests = |list: Option<Digests>| list.map_or_else(Vec::new, |list| list.0);
        let mut blobs = digests(fields.layers);
        blobs.extend(fields.config.map(|config| config.digest));
        let parts = NeededParts { blobs, manifests: digests(fields.manifests) };
        Ok(Self { media_type, parts, referrer })
    }

    /// How many bytes of memory it takes without the document.
    pub(super) fn memory(&self) -> u64 {
        // A digest, its string, and the overhead of the allocator.
        const DIGEST: usize = 128;
        let digests = self.parts.blobs.capacity() + self.parts.manifests.capacity();
        let listed = self.referrer.as_ref().map_or(0, |referrer| referrer.descriptor.capacity());
        (self.media_type.len() + digests * DIGEST + listed) as u64
    }

    /// The subject of a stored manifest, if it has one.
    pub(super) fn subject(content: &[u8]) -> Option<Digest> {
        #[derive(Deserialize)]
        struct Fields {
            subject: Option<Subject>,
        }
        #[derive(Deserialize)]
        struct Subject {
            digest: Digest,
        }
        serde_json::from_slice::<Fields>(content).ok()?.subject.map(|subject| subject.digest)
    }
}

impl ManifestFields {
    /// "The registry SHOULD ignore parameters on the Content-Type header". The `mediaType` of the document must equal
    /// the Content-Type, or two readers could take it for two different things (CVE-2021-41190).
    fn media_type(&self, content_type: Option<&str>) -> Result<String, RequestRefusal> {
        let outer = content_type.map(media_type::essence).filter(|outer| !outer.is_empty());
        let media_type = match (outer, self.media_type.as_deref().map(media_type::essence)) {
            (Some(outer), Some(inner)) if outer != inner => {
                return invalid(&format!("its Content-Type is {outer}, its mediaType is {inner}"));
            }
            (Some(outer), _) => outer,
            (None, Some(inner)) if is_media_type(&inner) => inner,
            (None, _) => return invalid("it has no Content-Type"),
        };
        if media_type.len() > MAX_MEDIA_TYPE {
            return invalid(&format!("its media type is longer than {MAX_MEDIA_TYPE} bytes"));
        }
        Ok(media_type)
    }

    fn check(&self, media_type: &str) -> Result<(), RequestRefusal> {
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
            // Documents of other types are accepted if everything that they refer to is there.
            _ => Ok(()),
        }
    }

    /// The descriptor of the manifest in the list of its subject's referrers, as JSON.
    fn descriptor(&self, media_type: &str, digest: &Digest, size: usize) -> Vec<u8> {
        let own = self.artifact_type.as_ref().filter(|own| !own.is_empty());
        // An index has no config, so its `artifactType` "MUST be omitted" if it is empty.
        let artifact_type = own.or(self.config.as_ref().map(|config| &config.media_type)).map(String::as_str);
        let listed = ListedReferrer { media_type, digest, size: size as u64, artifact_type };
        // Writing JSON only fails for maps whose keys are not strings, and there are none here.
        let mut json = serde_json::to_vec(&listed).unwrap_or_default();
        if let Some(Annotations(Some(annotations))) = &self.annotations {
            json.pop();
            json.extend_from_slice(b",\"annotations\":");
            json.extend_from_slice(annotations);
            json.push(b'}');
        }
        json
    }
}

/// Whether this can be a media type and stand in a header.
fn is_media_type(text: &str) -> bool {
    text.contains('/') && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The refusal of an invalid manifest. The reason may quote any part of the document, so it is shortened.
fn invalid<T>(why: &str) -> Result<T, RequestRefusal> {
    Err(RequestRefusal::ManifestInvalid(shorten(why)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(document: &Value, content_type: Option<&str>) -> Result<ServedManifest, RequestRefusal> {
        ServedManifest::parse(document.to_string().into_bytes(), content_type, &Digest::of(b""))
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
            assert!(matches!(refusal, RequestRefusal::ManifestInvalid(_)), "{document}: {refusal}");
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
        let listed: Value = serde_json::from_slice(&referrer.descriptor).unwrap();
        let expected = json!({
            "mediaType": MANIFEST,
            "digest": Digest::of(b""),
            "size": document.to_string().len(),
            "artifactType": "text/plain",
            "annotations": { "a": "b" },
        });
        assert_eq!(listed, expected);
        assert_eq!(ServedManifest::subject(document.to_string().as_bytes()), Some(Digest::of(b"subject")));
    }

    #[test]
    fn annotations_are_listed_as_they_are() {
        for (annotations, expected) in [
            (
                r#"{ "a" : "\u0001\"\\/\ud83d\ude00é" , "": "" }"#,
                Some(json!({ "a": "\u{1}\"\\/😀é", "": "" })),
            ),
            ("{}", None),
            ("null", None),
        ] {
            let descriptor = descriptor("subject");
            let document = format!(
                r#"{{"schemaVersion":2,"config":{descriptor},"subject":{descriptor},"annotations":{annotations}}}"#
            );
            let found =
                ServedManifest::parse(document.into_bytes(), Some(MANIFEST), &Digest::of(b"")).unwrap();
            let listed: Value = serde_json::from_slice(&found.referrer.unwrap().descriptor).unwrap();
            assert_eq!(listed.get("annotations"), expected.as_ref(), "{annotations}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_in_a_few_words_however_long_it_is() {
        let long = "x".repeat(1 << 20);
        for document in [
            json!({ "schemaVersion": 2, "config": long }),
            json!({ "schemaVersion": 2, "config": descriptor(""), "mediaType": long }),
            json!({ "schemaVersion": 2, "config": { "mediaType": "x/y", "digest": long, "size": 1 } }),
            json!({ "schemaVersion": 2, "config": descriptor(""), "annotations": { "a": [long] } }),
        ] {
            let refusal = parse(&document, Some(MANIFEST)).unwrap_err();
            assert!(refusal.to_string().len() < 1000, "{}", refusal.to_string().len());
        }
        let long = json!({ "schemaVersion": 2, "config": descriptor(""), "mediaType": format!("x/{long}") });
        assert!(matches!(parse(&long, None), Err(RequestRefusal::ManifestInvalid(_))));
    }
}
