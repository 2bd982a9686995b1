//! A registry as `curl` sees it, and manifests that are about others.

use std::sync::Arc;
use std::time::Duration;

use oci::digest::Digest;
use oci::graph::Node;
use oci::media_type::{INDEX, MANIFEST};
use oci::registry::{Client, RegistryOptions, RepositoryClient};
use serde_json::{Value, json};

/// The content of a config that says nothing (image spec, "Guidance for an Empty Descriptor").
pub const EMPTY: &[u8] = b"{}";
pub const EMPTY_TYPE: &str = "application/vnd.oci.empty.v1+json";
pub const SBOM: &str = "application/spdx+json";

/// One repository of a registry.
#[derive(Clone, Debug)]
pub struct There {
    pub address: String,
    pub name: String,
}

pub fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(Duration::from_secs(60))).build().into()
}

impl There {
    pub fn new(address: &str, name: &str) -> Self {
        Self { address: address.to_owned(), name: name.to_owned() }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v2/{}/{path}", self.address, self.name)
    }

    /// Our client of it.
    pub fn client(&self) -> RepositoryClient {
        let client = Client::new(&RegistryOptions::default()).unwrap();
        client.repository(&self.address.parse().unwrap(), &self.name.parse().unwrap()).unwrap().for_push()
    }

    pub fn put_blob(&self, content: &[u8]) {
        let opened = agent().post(self.url("blobs/uploads/")).send_empty().unwrap();
        let at = opened.headers()["location"].to_str().unwrap();
        let at = if at.starts_with('/') { format!("http://{}{at}", self.address) } else { at.to_owned() };
        let mark = if at.contains('?') { '&' } else { '?' };
        let put = agent().put(format!("{at}{mark}digest={}", Digest::of(content))).send(content).unwrap();
        assert_eq!(put.status(), 201, "{put:?}");
    }

    pub fn put(&self, target: &str, media_type: &str, manifest: &[u8]) {
        let put = agent().put(self.url(&format!("manifests/{target}"))).header("Content-Type", media_type);
        let mut put = put.send(manifest).unwrap();
        assert_eq!(put.status(), 201, "{target}: {}", put.body_mut().read_to_string().unwrap());
    }

    /// What is under a tag or a digest.
    pub fn get(&self, target: &str) -> Option<Vec<u8>> {
        let accept = format!("{MANIFEST}, {INDEX}");
        let got = agent().get(self.url(&format!("manifests/{target}"))).header("Accept", &accept);
        let mut got = got.call().unwrap();
        (got.status() == 200).then(|| got.body_mut().read_to_vec().unwrap())
    }

    /// The digests of what is about a manifest, as clients of this registry find them, sorted.
    pub fn found(&self, subject: &Digest) -> Vec<String> {
        let mut got = agent().get(self.url(&format!("referrers/{subject}"))).call().unwrap();
        let index: Value = match got.status().as_u16() {
            200 => serde_json::from_slice(&got.body_mut().read_to_vec().unwrap()).unwrap(),
            404 => match self.get(&subject.to_string().replace(':', "-")) {
                Some(index) => serde_json::from_slice(&index).unwrap(),
                None => return Vec::new(),
            },
            status => panic!("{status}"),
        };
        let members = index["manifests"].as_array().unwrap();
        let mut found: Vec<_> = members.iter().map(|m| m["digest"].as_str().unwrap().to_owned()).collect();
        found.sort();
        found
    }

    /// Puts an artifact that is about `subject`, with this as its only layer, as `oras attach` does; in a registry that does
    /// not list it, it is put into no index. Gives the manifest.
    pub fn attach(&self, subject: &[u8], artifact_type: &str, content: &str) -> Vec<u8> {
        let manifest = referrer(subject, artifact_type, content);
        self.put_blob(EMPTY);
        self.put_blob(content.as_bytes());
        self.put(&Digest::of(&manifest).to_string(), MANIFEST, &manifest);
        manifest
    }

    /// All blobs are there that a manifest names.
    #[track_caller]
    pub fn is_whole(&self, manifest: &[u8]) {
        for blob in Node::parse(manifest, MANIFEST).unwrap().blobs {
            let mut got = agent().get(self.url(&format!("blobs/{}", blob.digest))).call().unwrap();
            let content = got.body_mut().read_to_vec().unwrap();
            assert_eq!(Digest::of(&content), blob.digest, "{self:?}");
        }
    }

    pub fn delete(&self, target: &str) {
        let deleted = agent().delete(self.url(&format!("manifests/{target}"))).call().unwrap();
        assert_eq!(deleted.status(), 202);
    }

    /// Takes a blob over from another repository of the registry.
    pub fn mount(&self, digest: &str, from: &str) {
        let mounted = agent().post(self.url(&format!("blobs/uploads/?mount={digest}&from={from}")));
        assert_eq!(mounted.send_empty().unwrap().status(), 201);
    }

    /// Writes the index of the referrers tag schema.
    pub fn index(&self, subject: &Digest, members: &[Value]) {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": members }).to_string();
        self.put(&subject.to_string().replace(':', "-"), INDEX, index.as_bytes());
    }
}

pub fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(content), "size": content.len() })
}

pub fn referrer(subject: &[u8], artifact_type: &str, content: &str) -> Vec<u8> {
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": descriptor(EMPTY_TYPE, EMPTY),
        "layers": [descriptor("text/plain", content.as_bytes())],
        "subject": descriptor(MANIFEST, subject),
    });
    manifest.to_string().into_bytes()
}

/// Waits for nothing.
pub fn impatient() -> RegistryOptions {
    let mut options = RegistryOptions::default();
    options.http.sleep = Arc::new(|_| {});
    options
}
