//! What is attached to a chart, put into a registry past the commands, and looked for there.

use crate::common::target::target;
use oci::digest::Digest;
use oci::graph::{Attachment, FoundManifest, Node, WalkAnswer, WalkError, WalkQuestion, attachments};
use oci::limits::Budget;
use oci::manifest::Descriptor;
use oci::media_type::MANIFEST;
use oci::registry::{Client, ManifestAnswer, RawManifest, RegistryOptions, RepositoryClient};
use serde_json::{Value, json};

/// How many manifests [`attach`] attaches.
pub const COUNT: usize = 4;

fn repository(host: &str, name: &str) -> RepositoryClient {
    let client = Client::new(&RegistryOptions::default()).unwrap();
    client.repository(&host.parse().unwrap(), &name.parse().unwrap()).unwrap().for_push()
}

fn found(RawManifest { digest, bytes, content_type }: RawManifest) -> WalkAnswer {
    WalkAnswer::Found(FoundManifest { digest, bytes, content_type })
}

/// Attaches a signature under a tag, an SBOM by its subject, and both to the SBOM.
pub fn attach(host: &str, name: &str, tag: &str) {
    let there = repository(host, name);
    let ManifestAnswer::Manifest(chart) = there.get_manifest(target(tag), None).unwrap() else {
        panic!("{name}:{tag}")
    };
    let put = |about: &Digest, kind: &str, subject: Option<&Value>| {
        let config = b"{}".to_vec();
        let content = format!("{kind} of {about}").into_bytes();
        let describe = |content: &[u8]| Descriptor::of("text/plain", content);
        for blob in [&config, &content] {
            there.push_blob_once(&describe(blob), blob, &|_| {}).unwrap();
        }
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": describe(&config),
            "layers": [describe(&content)], "subject": subject });
        let bytes = manifest.to_string().into_bytes();
        let digest = Digest::of(&bytes);
        let name = match subject {
            Some(_) => digest.to_string(),
            None => format!("{}.sig", about.to_string().replace(':', "-")),
        };
        if there.put_attached(target(&name), MANIFEST, &bytes, subject.map(|_| about)).unwrap() {
            let listed = Node::parse(&bytes, MANIFEST).unwrap().as_referrer(digest, bytes.len() as u64);
            there.index_referrers(about, &[listed]).unwrap();
        }
        bytes
    };
    let subject = |bytes: &[u8]| json!(Descriptor::of(MANIFEST, bytes));
    put(&chart.digest, "signature", None);
    let sbom = put(&chart.digest, "sbom", Some(&subject(&chart.bytes)));
    put(&Digest::of(&sbom), "signature", None);
    put(&Digest::of(&sbom), "bundle", Some(&subject(&sbom)));
}

/// How many manifests are found that are attached to what the tag stands for; nothing if there is no such tag. Each blob that
/// they name is there.
pub fn count(host: &str, name: &str, tag: &str) -> Option<usize> {
    let there = repository(host, name);
    let chart = there.tagged(&tag.parse().unwrap()).unwrap()?;
    let answer = |question: &WalkQuestion| match question {
        WalkQuestion::Referrers(subject) => WalkAnswer::Listed(there.referrers(subject).unwrap().members),
        WalkQuestion::Tag(tag) => there.tagged(tag).unwrap().map_or(WalkAnswer::Nothing, found),
        WalkQuestion::Manifest(one) => {
            there.manifest(&one.digest).unwrap().map_or(WalkAnswer::Nothing, found)
        }
    };
    let walked: Result<Vec<Attachment>, WalkError> =
        attachments(&chart.digest, &Budget::default(), |asked| Ok(asked.iter().map(answer).collect()));
    let walked = walked.unwrap();
    for blob in walked.iter().flat_map(|attachment| &attachment.node.blobs) {
        there.get_small_blob(blob).unwrap();
    }
    Some(walked.len())
}
