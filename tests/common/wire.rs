//! What lies in a registry, byte by byte: put there past all of our own code, or served by a mock.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use oci::cache::Cache;
use oci::digest::Digest;
use oci::media_type;

use super::home::Home;
use super::mock::{Action, Mock, Recorded, Step, answer, on};

/// Helm's gzip header: every version to 4.2.3 writes this extra field and this comment.
const EXTRA: &[u8] = b"+aHR0cHM6Ly95b3V0dS5iZS96OVV6MWljandyTQo=";

/// An archive as Helm's chartutil.Save makes it.
pub fn tgz(files: &[(&str, &str)]) -> Vec<u8> {
    let gzip = flate2::GzBuilder::new().extra(EXTRA).comment("Helm").operating_system(255);
    let mut tar = tar::Builder::new(gzip.write(Vec::new(), flate2::Compression::default()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        // Past the tar crate's checks: some tests are about paths that it would not write.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        tar.append(&header, content.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

/// `{"mediaType":…,"digest":…,"size":…}` as Go writes it.
pub fn descriptor(media_type: &str, content: &[u8]) -> String {
    format!(r#"{{"mediaType":"{media_type}","digest":"{}","size":{}}}"#, Digest::of(content), content.len())
}

/// A manifest of these descriptors, and nothing else.
pub fn manifest(config: &str, layers: &[String]) -> Vec<u8> {
    format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{}]}}"#, layers.join(",")).into_bytes()
}

/// Something under one tag: a manifest, the manifest that it points to if it is an index, and blobs.
#[derive(Clone, Debug)]
pub struct Artifact {
    pub content_type: String,
    pub manifest: Vec<u8>,
    pub child: Option<Vec<u8>>,
    pub blobs: Vec<Vec<u8>>,
}

impl Artifact {
    pub fn new(manifest: Vec<u8>, blobs: &[&[u8]]) -> Self {
        let blobs = blobs.iter().map(|blob| blob.to_vec()).collect();
        Self { content_type: media_type::MANIFEST.to_owned(), manifest, child: None, blobs }
    }

    /// A chart as Helm 3.8 pushes it.
    pub fn chart(name: &str, version: &str) -> Self {
        let config = format!(r#"{{"name":"{name}","version":"{version}","apiVersion":"v2"}}"#);
        let chart_yaml = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        let layer = tgz(&[
            (&format!("{name}/Chart.yaml"), &chart_yaml),
            (&format!("{name}/values.yaml"), "# kept\na: 1\n"),
        ]);
        Self::of(config.as_bytes(), &layer)
    }

    /// What Helm 3.8 would push, had it these as config and chart.
    pub fn of(config: &[u8], layer: &[u8]) -> Self {
        let layers = [descriptor(media_type::CHART, layer)];
        Self::new(manifest(&descriptor(media_type::CONFIG, config), &layers), &[config, layer])
    }

    /// The same through an index that holds nothing else.
    pub fn in_index(self, content_type: &str) -> Self {
        let child = descriptor(&self.content_type, &self.manifest);
        let index = format!(r#"{{"schemaVersion":2,"mediaType":"{content_type}","manifests":[{child}]}}"#);
        let (manifest, child) = (index.into_bytes(), Some(self.manifest));
        Self { content_type: content_type.to_owned(), manifest, child, blobs: self.blobs }
    }

    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    pub fn config(&self) -> &[u8] {
        &self.blobs[0]
    }

    pub fn layer(&self) -> &[u8] {
        &self.blobs[1]
    }

    /// Puts it into a registry, as `curl` would.
    pub fn put(&self, registry: &str, repository: &str, tag: &str) {
        let base = format!("http://{registry}/v2/{repository}");
        for blob in &self.blobs {
            let opened = ureq::post(format!("{base}/blobs/uploads/")).send_empty().unwrap();
            let at = opened.headers()["location"].to_str().unwrap();
            let at = if at.starts_with('/') { format!("http://{registry}{at}") } else { at.to_owned() };
            let mark = if at.contains('?') { '&' } else { '?' };
            ureq::put(format!("{at}{mark}digest={}", Digest::of(blob))).send(blob).unwrap();
        }
        let put = |target: &str, content_type: &str, bytes: &[u8]| {
            let request =
                ureq::put(format!("{base}/manifests/{target}")).header("Content-Type", content_type);
            request.send(bytes).unwrap();
        };
        if let Some(child) = &self.child {
            put(&Digest::of(child).to_string(), media_type::MANIFEST, child);
        }
        put(tag, &self.content_type, &self.manifest);
    }

    /// What a mock answers about it as `/v2/a/…:1.0`, by path.
    pub fn answers(&self) -> BTreeMap<String, Vec<u8>> {
        let found = |content_type: &str, bytes: &[u8]| {
            let digest = Digest::of(bytes).to_string();
            let headers = [("Content-Type", content_type), ("Docker-Content-Digest", &digest)];
            answer(200, &headers, bytes, false)
        };
        let mut answers = BTreeMap::new();
        answers.insert("/v2/a/manifests/1.0".to_owned(), found(&self.content_type, &self.manifest));
        if let Some(child) = &self.child {
            let path = format!("/v2/a/manifests/{}", Digest::of(child));
            answers.insert(path, found(media_type::MANIFEST, child));
        }
        for blob in &self.blobs {
            let path = format!("/v2/a/blobs/{}", Digest::of(blob));
            answers.insert(path, found("application/octet-stream", blob));
        }
        answers
    }

    /// The path of a blob in a mock.
    pub fn path_of(blob: &[u8]) -> String {
        format!("/v2/a/blobs/{}", Digest::of(blob))
    }
}

/// A mock registry that answers by path, and 404 to all else. What it says can be changed while it runs.
pub struct Shelf {
    pub mock: Mock,
    answers: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
}

impl Shelf {
    pub fn new(artifact: &Artifact) -> Self {
        Self::start(artifact, |handler| Mock::serve(handler))
    }

    /// At all addresses of this machine.
    pub fn everywhere(artifact: &Artifact) -> Self {
        Self::start(artifact, |handler| Mock::serve_everywhere(handler))
    }

    fn start(
        artifact: &Artifact,
        serve: impl FnOnce(Box<dyn Fn(&Recorded) -> Step + Send + Sync>) -> Mock,
    ) -> Self {
        let answers = Arc::new(Mutex::new(artifact.answers()));
        let shared = Arc::clone(&answers);
        let mock = serve(Box::new(move |request: &Recorded| {
            let path = request.line.split_once(' ').map_or("", |(_, path)| path);
            let bytes = shared.lock().unwrap().get(path).cloned();
            let missing = || answer(404, &[], br#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#, false);
            let step = on(&request.line).then(Action::Send(bytes.clone().unwrap_or_else(missing)));
            // What says that it closes does so: how else would a body be cut short?
            let closes = bytes.is_some_and(|b| String::from_utf8_lossy(&b).contains("Connection: close"));
            if closes { step.then(Action::Close) } else { step }
        }));
        Self { mock, answers }
    }

    pub fn set(&self, path: &str, bytes: Vec<u8>) {
        self.answers.lock().unwrap().insert(path.to_owned(), bytes);
    }

    pub fn replace(&self, artifact: &Artifact) {
        *self.answers.lock().unwrap() = artifact.answers();
    }

    /// `127.0.0.1:port/a:1.0`
    pub fn reference(&self) -> String {
        format!("{}/a:1.0", self.mock.host())
    }
}

/// Everything in a cache that counts: blobs with their content, charts, references with where they lead, and what was left
/// lying about.
pub fn snapshot(cache: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, directory: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        let Ok(entries) = fs::read_dir(directory) else { return };
        for entry in entries {
            let path = entry.unwrap().path();
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let content = if kind.is_symlink() {
                fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
            } else if kind.is_dir() {
                walk(root, &path, found);
                continue;
            } else {
                fs::read(&path).unwrap()
            };
            found.insert(path.strip_prefix(root).unwrap().to_owned(), content);
        }
    }
    let mut found = BTreeMap::new();
    walk(cache, cache, &mut found);
    found.retain(|path, _| !matches!(path.to_str(), Some("lock" | "gate")));
    found
}

/// Gives what the cache has as `from` a second name.
pub fn name_again(home: &Home, from: &str, to: &str) {
    home.command("helm-chart-tag").args([from, to]).run().prints(&format!("{to}: tagged\n"));
}

/// What a registry answers to a plain GET.
pub fn get(registry: &str, path: &str) -> Vec<u8> {
    let accept = [media_type::MANIFEST, media_type::INDEX].join(", ");
    let mut response =
        ureq::get(format!("http://{registry}/v2/{path}")).header("Accept", accept).call().unwrap();
    response.body_mut().read_to_vec().unwrap()
}
