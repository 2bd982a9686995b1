//! The registry client against registries of every temper.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use crate::common::DockerRegistry;
use crate::common::log_lines;
use crate::common::mock::{Action, Mock, Recorded, Step, answer, on};
use crate::common::target::target;
use crate::common::tls::{Authority, Server};
use oci::digest::{Digest, Hasher};
use oci::http::{self, Backoff, BodySource, HttpError as Http, HttpFailure, Sink};
use oci::manifest::Descriptor;
use oci::media_type;
use oci::reference::Tag;
use oci::registry::{
    Client, ErrorCode, ManifestAnswer, RegistryError, RegistryOptions, RepositoryClient, Uploaded,
};

const MANIFEST: &[u8] = br#"{"schemaVersion":2,"config":{},"layers":[]}"#;
const UPLOADS: &str = "/v2/a/blobs/uploads/";

/// Options that wait for nothing, and the waits they were asked for.
fn options() -> (RegistryOptions, Arc<Mutex<Vec<Duration>>>) {
    let waits = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&waits);
    let http = http::HttpOptions {
        sleep: Arc::new(move |wait| kept.lock().unwrap().push(wait)),
        backoff: Backoff { first: Duration::from_millis(1), ..Backoff::default() },
        ..http::HttpOptions::default()
    };
    (RegistryOptions { http, ..RegistryOptions::default() }, waits)
}

fn repository_with(options: &RegistryOptions, host: &str) -> RepositoryClient {
    Client::new(options).unwrap().repository(&host.parse().unwrap(), &"a".parse().unwrap()).unwrap()
}

fn repository(mock: &Mock) -> RepositoryClient {
    repository_with(&options().0, &mock.host())
}

fn blob(content: &[u8]) -> (Descriptor, String) {
    let descriptor = Descriptor::of("application/octet-stream", content);
    let path = format!("/v2/a/blobs/{}", descriptor.digest);
    (descriptor, path)
}

fn mount(descriptor: &Descriptor) -> String {
    format!("POST {UPLOADS}?mount={}&from=a", descriptor.digest)
}

fn put(session: &str, descriptor: &Descriptor) -> String {
    format!("PUT {session}digest={}", descriptor.digest)
}

/// Pushes without looking at the progress.
fn push(repository: &RepositoryClient, content: &[u8]) -> Result<Uploaded, RegistryError> {
    repository.push_blob(&blob(content).0, &content.to_vec(), &|_| {})
}

/// The message with all its causes, as the user sees it.
fn chain(error: &RegistryError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// What a download ends up in.
#[derive(Default)]
struct Memory {
    bytes: Vec<u8>,
    restarts: usize,
}

impl Memory {
    fn holding(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), restarts: 0 }
    }
}

impl Sink for Memory {
    fn held(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn restart(&mut self) -> io::Result<()> {
        self.restarts += 1;
        self.bytes.clear();
        Ok(())
    }

    fn digest(&self) -> Digest {
        let mut hasher = Hasher::sha256();
        hasher.update(&self.bytes);
        hasher.finish()
    }
}

// Request budgets

#[test]
fn a_cold_push_is_six_requests_on_one_connection() {
    let ((config, _), (layer, _)) = (blob(b"config"), blob(b"layer"));
    let digest = Digest::of(MANIFEST).to_string();
    let mock = Mock::script([
        on("HEAD /v2/a/manifests/1.0").answer(404, &[], b""),
        on(&mount(&config)).answer(202, &[("Location", "/u/1?s=x")], b""),
        on(&put("/u/1?s=x&", &config)).answer(201, &[("Location", "/v2/a/blobs/x")], b""),
        on(&mount(&layer)).answer(202, &[("Location", "/u/2")], b""),
        on(&put("/u/2?", &layer)).answer(201, &[], b""),
        on("PUT /v2/a/manifests/1.0").answer(201, &[("Docker-Content-Digest", &digest)], b""),
    ]);
    let repository = repository(&mock);
    assert_eq!(repository.head_manifest(target("1.0")).unwrap(), None);
    assert_eq!(push(&repository, b"config").unwrap(), Uploaded::Sent);
    assert_eq!(push(&repository, b"layer").unwrap(), Uploaded::Sent);
    repository.put_manifest(target("1.0"), media_type::MANIFEST, MANIFEST).unwrap();
    mock.is_done();
    assert_eq!(mock.connections(), 1);
    let requests = mock.requests();
    assert_eq!(requests[2].body, b"config");
    assert_eq!(requests[2].header("content-length"), Some("6"));
    assert_eq!(requests[2].header("content-type"), Some("application/octet-stream"));
    assert_eq!(requests[2].header("transfer-encoding"), None);
    assert_eq!(requests[2].header("expect"), None);
    assert_eq!(requests[1].header("content-length"), Some("0"));
    assert_eq!(requests[5].header("content-type"), Some(media_type::MANIFEST));
    for request in requests {
        assert_eq!(request.header("accept-encoding"), Some("identity"), "{}", request.line);
        assert!(request.header("user-agent").unwrap().starts_with("helm-oci/"), "{}", request.line);
        assert_eq!(request.header("authorization"), None, "{}", request.line);
    }
}

#[test]
fn an_unchanged_push_is_one_request() {
    let digest = Digest::of(MANIFEST);
    let mock = Mock::script([on("HEAD /v2/a/manifests/1.0").answer(
        200,
        &[("Docker-Content-Digest", &digest.to_string())],
        b"",
    )]);
    assert_eq!(repository(&mock).head_manifest(target("1.0")).unwrap().unwrap().digest, digest);
    mock.is_done();
}

#[test]
fn the_same_content_under_a_new_tag_is_four_requests() {
    let ((config, _), (layer, _)) = (blob(b"config"), blob(b"layer"));
    let mock = Mock::script([
        on("HEAD /v2/a/manifests/1.0").answer(404, &[], b""),
        on(&mount(&config)).answer(201, &[], b""),
        on(&mount(&layer)).answer(201, &[], b""),
        on("PUT /v2/a/manifests/1.0").answer(201, &[], b""),
    ]);
    let repository = repository(&mock).for_push();
    assert_eq!(repository.head_manifest(target("1.0")).unwrap(), None);
    assert_eq!(push(&repository, b"config").unwrap(), Uploaded::Existed);
    assert_eq!(push(&repository, b"layer").unwrap(), Uploaded::Existed);
    repository.put_manifest(target("1.0"), media_type::MANIFEST, MANIFEST).unwrap();
    mock.is_done();
    assert_eq!(mock.connections(), 1);
}

#[test]
fn a_push_asks_for_all_its_rights_at_once() {
    for (for_push, scope) in [(false, "repository:a:pull"), (true, "repository:a:pull,push")] {
        let mock = Mock::script([on("HEAD /v2/a/manifests/1.0").answer(401, &[], b"")]);
        let repository = repository(&mock);
        let repository = if for_push { repository.for_push() } else { repository };
        let error = repository.head_manifest(target("1.0")).unwrap_err();
        assert!(
            matches!(&error, RegistryError::Unauthorized { scope: asked, .. } if asked == scope),
            "{error:?}"
        );
    }
}

#[test]
fn a_cold_pull_is_three_requests_on_one_connection() {
    let ((config, config_path), (layer, layer_path)) = (blob(b"config"), blob(b"layer"));
    let mock = Mock::script([
        on("GET /v2/a/manifests/1.0").answer(200, &[("Content-Type", media_type::MANIFEST)], MANIFEST),
        on(&format!("GET {config_path}")).answer(200, &[], b"config"),
        on(&format!("GET {layer_path}")).answer(200, &[], b"layer"),
    ]);
    let repository = repository(&mock);
    let ManifestAnswer::Manifest(manifest) = repository.get_manifest(target("1.0"), None).unwrap() else {
        panic!()
    };
    assert_eq!((manifest.bytes.as_slice(), manifest.digest), (MANIFEST, Digest::of(MANIFEST)));
    assert_eq!(manifest.content_type, media_type::MANIFEST);
    assert_eq!(repository.get_small_blob(&config).unwrap(), b"config");
    let mut memory = Memory::default();
    repository.fetch_blob(&layer, &mut memory).unwrap();
    assert_eq!(memory.bytes, b"layer");
    mock.is_done();
    assert_eq!(mock.connections(), 1);
    let accept = mock.requests()[0].header("accept").unwrap().to_owned();
    for kind in [media_type::MANIFEST, media_type::INDEX, media_type::DOCKER_MANIFEST] {
        assert!(accept.contains(kind), "{accept}");
    }
}

/// A registry that takes every upload and has every blob that begins with `b`.
fn willing(request: &Recorded) -> Step {
    let line = request.line.as_str();
    if line.starts_with("POST ") {
        on(line).answer(202, &[("Location", "/u/1")], b"")
    } else if line.starts_with("PUT ") {
        on(line).answer(201, &[], b"")
    } else {
        on(line).answer(404, &[], b"")
    }
}

#[test]
fn two_threads_need_two_connections_at_most() {
    let mock = Mock::serve(willing);
    let repository = repository(&mock);
    thread::scope(|scope| {
        for thread in 0..2 {
            let repository = &repository;
            scope.spawn(move || {
                for blob in 0..10 {
                    push(repository, format!("{thread} {blob}").as_bytes()).unwrap();
                }
            });
        }
    });
    assert_eq!(mock.requests().len(), 40);
    assert!(mock.connections() <= 2, "{}", mock.connections());
}

// Manifests

#[test]
fn asks_by_get_where_head_does_not_tell() {
    for head in [200, 400, 405] {
        let mock = Mock::script([
            on("HEAD /v2/a/manifests/1.0").answer(head, &[], b""),
            on("GET /v2/a/manifests/1.0").answer(200, &[], MANIFEST),
        ]);
        let found = repository(&mock).head_manifest(target("1.0")).unwrap().unwrap();
        assert_eq!(found.digest, Digest::of(MANIFEST), "{head}");
        mock.is_done();
    }
}

#[test]
fn takes_an_unchanged_manifest_as_such() {
    let known = Digest::of(MANIFEST);
    let mock = Mock::script([on("GET /v2/a/manifests/1.0").answer(304, &[], b"")]);
    assert_eq!(
        repository(&mock).get_manifest(target("1.0"), Some(&known)).unwrap(),
        ManifestAnswer::NotModified
    );
    assert_eq!(mock.requests()[0].header("if-none-match"), Some(format!("\"{known}\"").as_str()));
}

#[test]
fn a_manifest_has_the_digest_it_was_asked_for_by() {
    let other = Digest::of(b"other");
    let line = format!("GET /v2/a/manifests/{other}");
    let mock = Mock::script([on(&line).answer(200, &[], MANIFEST), on(&line).answer(200, &[], MANIFEST)]);
    let error = repository(&mock).get_manifest((&other).into(), None).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Mismatch { .. })), "{error}");
    mock.is_done();
}

#[test]
fn a_manifest_has_the_digest_that_the_registry_says() {
    let wrong = [("Docker-Content-Digest", &*Digest::of(b"other").to_string())];
    let right = [("Docker-Content-Digest", &*Digest::of(MANIFEST).to_string())];
    let line = "GET /v2/a/manifests/1.0";
    let mock = Mock::script([on(line).answer(200, &wrong, MANIFEST), on(line).answer(200, &right, MANIFEST)]);
    repository(&mock).get_manifest(target("1.0"), None).unwrap();
    mock.is_done();
    let mock = Mock::script([on(line).answer(200, &wrong, MANIFEST), on(line).answer(200, &wrong, MANIFEST)]);
    let error = repository(&mock).get_manifest(target("1.0"), None).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Mismatch { .. })), "{error}");
    mock.is_done();
}

#[test]
fn a_manifest_in_sha512_is_verified_as_such() {
    let mut hasher = Hasher::new(oci::digest::Algorithm::Sha512);
    hasher.update(MANIFEST);
    let digest = hasher.finish();
    let headers = [("Docker-Content-Digest", &*Digest::of(MANIFEST).to_string())];
    let mock = Mock::script([on(&format!("GET /v2/a/manifests/{digest}")).answer(200, &headers, MANIFEST)]);
    let ManifestAnswer::Manifest(manifest) = repository(&mock).get_manifest((&digest).into(), None).unwrap()
    else {
        panic!()
    };
    assert_eq!(manifest.digest, digest);
}

#[test]
fn an_endless_manifest_is_too_large() {
    let mut head = answer(200, &[("Transfer-Encoding", "chunked")], b"", true);
    for _ in 0..65 {
        head.extend_from_slice(b"10000\r\n");
        head.extend_from_slice(&[b' '; 0x10000]);
        head.extend_from_slice(b"\r\n");
    }
    let mock = Mock::script([on("GET /v2/a/manifests/1.0").then(Action::Send(head)).then(Action::Hang)]);
    let error = repository(&mock).get_manifest(target("1.0"), None).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::TooLarge { limit: 4_194_304, .. })), "{error}");
}

#[test]
fn names_the_blobs_that_a_manifest_lacks() {
    for status in [400, 404] {
        let lacking = Digest::of(b"layer");
        let body = format!(
            r#"{{"errors":[{{"code":"MANIFEST_BLOB_UNKNOWN","message":"blob unknown","detail":{{"digest":"{lacking}"}}}}]}}"#
        );
        let mock = Mock::script([on("PUT /v2/a/manifests/1.0").answer(status, &[], body.as_bytes())]);
        let error =
            repository(&mock).put_manifest(target("1.0"), media_type::MANIFEST, MANIFEST).unwrap_err();
        let RegistryError::BlobsUnknown { digests, .. } = &error else { panic!("{error}") };
        assert_eq!(*digests, [lacking]);
    }
}

#[test]
fn a_manifest_that_arrives_altered_is_no_success() {
    let other = Digest::of(b"other").to_string();
    let mock =
        Mock::script([on("PUT /v2/a/manifests/1.0").answer(201, &[("Docker-Content-Digest", &other)], b"")]);
    let error = repository(&mock).put_manifest(target("1.0"), media_type::MANIFEST, MANIFEST).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Mismatch { .. })), "{error}");
}

#[test]
fn some_things_are_refused_without_a_request() {
    let mock = Mock::script([]);
    let repository = repository(&mock);
    for target in ["", "a/b", "../x", "sha256:../../x", "sha256:abc", "1.0?x", "1.0 x", "-1"] {
        assert!(target.parse::<Tag>().is_err() && target.parse::<Digest>().is_err(), "{target}");
    }
    let large = vec![b' '; (4 << 20) + 1];
    assert!(matches!(
        repository.put_manifest(target("1"), "", &large),
        Err(RegistryError::Http(Http::TooLarge { .. }))
    ));
    let claimed = Descriptor::new("", Digest::of(b""), u64::MAX);
    assert!(matches!(repository.get_small_blob(&claimed), Err(RegistryError::Http(Http::TooLarge { .. }))));
    assert_eq!(mock.connections(), 0);
}

// Uploads

#[test]
fn a_blob_that_is_there_is_not_sent() {
    let (descriptor, _) = blob(b"layer");
    let mock = Mock::script([on(&mount(&descriptor)).answer(201, &[], b"")]);
    assert_eq!(push(&repository(&mock), b"layer").unwrap(), Uploaded::Existed);
    mock.is_done();
}

#[test]
fn a_registry_without_mount_gets_a_plain_upload() {
    for status in [400, 403, 404, 405] {
        let (descriptor, _) = blob(b"layer");
        let mock = Mock::script([
            on(&mount(&descriptor)).answer(status, &[], b"{}"),
            on(&format!("POST {UPLOADS}")).answer(202, &[("Location", "/u/1?")], b""),
            on(&put("/u/1?", &descriptor)).answer(204, &[], b""),
        ]);
        assert_eq!(push(&repository(&mock), b"layer").unwrap(), Uploaded::Sent, "{status}");
        mock.is_done();
        assert_eq!(mock.connections(), 1);
    }
}

#[test]
fn goes_on_wherever_the_registry_says_as_long_as_it_is_the_registry() {
    for (location, session) in [
        ("/u/1", "/u/1?"),
        ("1?s=a%2Fb'", "/v2/a/blobs/uploads/1?s=a%2Fb'&"),
        ("http://HOST/u/1?_state=x==", "/u/1?_state=x==&"),
        ("//HOST/u/1", "/u/1?"),
    ] {
        let (descriptor, _) = blob(b"layer");
        let mock = Mock::script_at(|host| {
            let location = location.replace("HOST", host);
            vec![
                on(&mount(&descriptor)).answer(202, &[("Location", &location)], b""),
                on(&put(session, &descriptor)).answer(200, &[], b""),
            ]
        });
        push(&repository(&mock), b"layer").unwrap();
        mock.is_done();
    }
}

#[test]
fn content_goes_to_the_registry_only() {
    let sink = Mock::script([]);
    let elsewhere = format!("http://{}/u/1?sig=s3cret", sink.host());
    for location in [elsewhere.as_str(), "http://user:hunter2@127.0.0.1/u", "ftp://127.0.0.1/", "http://"] {
        let (descriptor, _) = blob(b"layer");
        let mock = Mock::script([on(&mount(&descriptor)).answer(202, &[("Location", location)], b"")]);
        let error = push(&repository(&mock), b"layer").unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Elsewhere { .. })), "{error}");
        let text = chain(&error);
        assert!(!text.contains("s3cret") && !text.contains("hunter2"), "{text}");
        mock.is_done();
    }
    assert_eq!(sink.connections(), 0);
}

#[test]
fn a_session_needs_a_location() {
    let (descriptor, _) = blob(b"layer");
    let mock = Mock::script([
        on(&mount(&descriptor)).answer(202, &[], b""),
        on(&format!("POST {UPLOADS}")).answer(202, &[], b""),
    ]);
    assert!(matches!(push(&repository(&mock), b"layer"), Err(RegistryError::Http(Http::Protocol { .. }))));
    mock.is_done();
}

#[test]
fn a_broken_upload_may_have_done_its_work() {
    let (descriptor, path) = blob(b"layer");
    let mock = Mock::script([
        on(&mount(&descriptor)).answer(202, &[("Location", "/u/1"), ("Connection", "close")], b""),
        on(&put("/u/1?", &descriptor)).then(Action::Close),
        on(&format!("HEAD {path}")).answer(200, &[], b""),
    ]);
    assert_eq!(push(&repository(&mock), b"layer").unwrap(), Uploaded::Sent);
    mock.is_done();
}

#[test]
fn a_broken_upload_starts_again_with_a_new_session() {
    for failure in [Action::Close, Action::Reset, Action::Send(answer(502, &[], b"", false))] {
        let (descriptor, path) = blob(b"layer");
        let mock = Mock::script([
            on(&mount(&descriptor)).answer(202, &[("Location", "/u/1"), ("Connection", "close")], b""),
            on(&put("/u/1?", &descriptor)).then(failure),
            on(&format!("HEAD {path}")).answer(404, &[], b""),
            on(&mount(&descriptor)).answer(202, &[("Location", "/u/2")], b""),
            on(&put("/u/2?", &descriptor)).answer(201, &[], b""),
        ]);
        assert_eq!(push(&repository(&mock), b"layer").unwrap(), Uploaded::Sent);
        mock.is_done();
    }
}

#[test]
fn a_lost_session_is_replaced() {
    let (descriptor, path) = blob(b"layer");
    let lost = br#"{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"blob upload invalid"}]}"#;
    let mock = Mock::script([
        on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
        on(&put("/u/1?", &descriptor)).answer(404, &[], lost),
        on(&format!("HEAD {path}")).answer(404, &[], b""),
        on(&mount(&descriptor)).answer(202, &[("Location", "/u/2")], b""),
        on(&put("/u/2?", &descriptor)).answer(201, &[], b""),
    ]);
    push(&repository(&mock), b"layer").unwrap();
    mock.is_done();
}

#[test]
fn a_refused_upload_is_cancelled_and_not_repeated() {
    let (descriptor, _) = blob(b"layer");
    for after in [204, 400] {
        let mock = Mock::script([
            on(&mount(&descriptor)).answer(202, &[("Location", "/u/1?s")], b""),
            on(&put("/u/1?s&", &descriptor)).answer(413, &[], b"<html>413</html>"),
            on("DELETE /u/1?s").answer(after, &[], b""),
        ]);
        let error = push(&repository(&mock), b"layer").unwrap_err();
        assert!(matches!(error, RegistryError::Refused { status: 413, .. }), "{error}");
        assert_eq!(error.to_string(), format!("PUT http://{}/u/1: 413", mock.host()));
        mock.is_done();
    }
}

#[test]
fn hears_an_early_refusal_of_a_large_body() {
    let content = vec![7; 8 << 20];
    let (descriptor, _) = blob(&content);
    let challenge = [("WWW-Authenticate", "Bearer realm=\"x\""), ("Connection", "close")];
    let mock = Mock::script([
        on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
        on(&put("/u/1?", &descriptor)).early().answer(401, &challenge, b"").then(Action::Close),
        on("DELETE /u/1").answer(204, &[], b""),
    ]);
    let error = push(&repository(&mock), &content).unwrap_err();
    let RegistryError::Unauthorized { challenges, scope, from_registry: true, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*challenges, ["Bearer realm=\"x\""]);
    assert_eq!(scope, "repository:a:pull,push");
    assert_eq!(mock.requests()[1].header("expect"), Some("100-continue"));
    assert_eq!(mock.requests()[1].header("content-length"), Some("8388608"));
    mock.is_done();
}

#[test]
fn sends_large_bodies_with_and_without_leave() {
    let content: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let (descriptor, _) = blob(&content);
    for ignores in [false, true] {
        let step = on(&put("/u/1?", &descriptor)).answer(201, &[], b"");
        let mock = Mock::script([
            on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
            if ignores { step.ignores_expect() } else { step },
        ]);
        let sent = AtomicU64::new(0);
        let progress = |bytes| sent.store(bytes, Ordering::Relaxed);
        repository(&mock).push_blob(&descriptor, &content, &progress).unwrap();
        assert_eq!(sent.into_inner(), 3_000_000);
        assert!(mock.requests()[1].body == content);
        assert_eq!(mock.requests()[1].header("transfer-encoding"), None);
        mock.is_done();
    }
}

#[test]
fn an_empty_blob_is_a_blob() {
    let (descriptor, _) = blob(b"");
    let mock = Mock::script([
        on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
        on(&put("/u/1?", &descriptor)).answer(201, &[], b""),
    ]);
    push(&repository(&mock), b"").unwrap();
    assert_eq!(mock.requests()[1].header("content-length"), Some("0"));
    mock.is_done();
}

#[test]
fn content_that_changed_meanwhile_is_not_uploaded() {
    let (descriptor, _) = blob(b"layer");
    for found in [&b"lay"[..], b"LAYER", b"layers"] {
        // The PUT breaks off on one connection while the DELETE arrives on another: in any order.
        let mock = Mock::serve(|request| match request.line.split(' ').next() {
            Some("PUT") => on(&request.line).early().then(Action::Hang),
            Some("DELETE") => on(&request.line).answer(204, &[], b""),
            _ => willing(request),
        });
        let error = repository(&mock).push_blob(&descriptor, &found.to_vec(), &|_| {}).unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Source { .. })), "{error}");
        assert!(mock.lines().contains(&"DELETE /u/1".to_owned()), "{:?}", mock.lines());
    }
}

#[test]
fn a_source_that_cannot_be_opened_is_an_error_of_its_own() {
    struct Gone;
    impl BodySource for Gone {
        fn open(&self) -> io::Result<Box<dyn io::Read + '_>> {
            Err(io::ErrorKind::NotFound.into())
        }
    }
    let (descriptor, _) = blob(b"layer");
    let mock = Mock::script([
        on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
        on("DELETE /u/1").answer(204, &[], b""),
    ]);
    let error = repository(&mock).push_blob(&descriptor, &Gone, &|_| {}).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Source { .. })), "{error}");
    mock.is_done();
}

#[test]
fn an_upload_follows_only_redirects_that_keep_it_whole() {
    for size in [5, 300_000] {
        let content = vec![1; size];
        let (descriptor, _) = blob(&content);
        let redirect = on(&put("/u/1?", &descriptor)).answer(307, &[("Location", "/u/2?whole=1")], b"");
        let mock = Mock::script([
            on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
            // The large one is not even sent: its client waits for leave.
            if size > 5 { redirect.early() } else { redirect },
            on("PUT /u/2?whole=1").answer(201, &[], b""),
        ]);
        push(&repository(&mock), &content).unwrap();
        assert_eq!(mock.requests()[2].body, content);
        mock.is_done();
    }
    for status in [301, 302, 303] {
        let (descriptor, _) = blob(b"layer");
        let mock = Mock::script([
            on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
            on(&put("/u/1?", &descriptor)).answer(status, &[("Location", "/u/2")], b""),
            on("DELETE /u/1").answer(204, &[], b""),
        ]);
        let error = push(&repository(&mock), b"layer").unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Redirected { .. })), "{error}");
        let told = format!(": {status} to http://{}/u/2", mock.host());
        assert!(chain(&error).ends_with(&told), "{}", chain(&error));
        mock.is_done();
    }
    let sink = Mock::script([]);
    let (descriptor, _) = blob(b"layer");
    let mock = Mock::script([
        on(&mount(&descriptor)).answer(202, &[("Location", "/u/1")], b""),
        on(&put("/u/1?", &descriptor)).answer(307, &[("Location", &format!("http://{}/", sink.host()))], b""),
        on("DELETE /u/1").answer(204, &[], b""),
    ]);
    assert!(matches!(push(&repository(&mock), b"layer"), Err(RegistryError::Http(Http::Elsewhere { .. }))));
    assert_eq!(sink.connections(), 0);
}

// Downloads

/// The answer to a range: `content` from `start`.
fn partial(content: &[u8], start: usize) -> Vec<u8> {
    let range = format!("bytes {start}-{}/{}", content.len() - 1, content.len());
    answer(206, &[("Content-Range", &range)], &content[start..], false)
}

/// An answer that breaks off after `sent` bytes of the body.
fn broken(content: &[u8], sent: usize) -> Action {
    let whole = answer(200, &[], content, false);
    Action::Send(whole[..whole.len() - content.len() + sent].to_vec())
}

#[test]
fn takes_a_broken_download_up_where_it_broke() {
    let (descriptor, path) = blob(b"0123456789");
    let get = format!("GET {path}");
    let mock = Mock::script([
        on(&get).then(broken(b"0123456789", 4)).then(Action::Close),
        on(&get).then(Action::Send(partial(b"0123456789", 4))),
    ]);
    let (options, waits) = options();
    let mut memory = Memory::default();
    repository_with(&options, &mock.host()).fetch_blob(&descriptor, &mut memory).unwrap();
    assert_eq!(memory.bytes, b"0123456789");
    assert_eq!((memory.restarts, waits.lock().unwrap().len()), (0, 0));
    let request = &mock.requests()[1];
    assert_eq!(request.header("range"), Some("bytes=4-"));
    assert_eq!(request.header("if-range"), Some(format!("\"{}\"", descriptor.digest).as_str()));
    mock.is_done();
}

#[test]
fn takes_up_what_an_earlier_process_left() {
    let (descriptor, path) = blob(b"0123456789");
    let mock = Mock::script([on(&format!("GET {path}")).then(Action::Send(partial(b"0123456789", 7)))]);
    let mut memory = Memory::holding(b"0123456");
    repository(&mock).fetch_blob(&descriptor, &mut memory).unwrap();
    assert_eq!(memory.bytes, b"0123456789");
    mock.is_done();
    // All of it is there: nothing to ask for.
    let mock = Mock::script([]);
    repository(&mock).fetch_blob(&descriptor, &mut memory).unwrap();
    assert_eq!(mock.connections(), 0);
}

#[test]
fn starts_over_where_a_range_is_not_what_was_asked_for() {
    let whole = answer(200, &[], b"0123456789", false);
    let range = |range: &str| answer(206, &[("Content-Range", range)], b"456789", false);
    // What docker-registry 2.8.2 does: the length of the blob, and the body of an error.
    let mut unsatisfied = answer(416, &[("Content-Length", "5000")], b"", true);
    unsatisfied.extend_from_slice(b"{}");
    for (name, first, again) in [
        ("the whole", whole.clone(), false),
        ("416", answer(416, &[], b"", false), true),
        ("a broken 416", unsatisfied, true),
        ("another start", range("bytes 3-9/10"), true),
        ("another total", range("bytes 4-9/11"), true),
        ("no range", answer(206, &[], b"456789", false), true),
    ] {
        let (descriptor, path) = blob(b"0123456789");
        let get = format!("GET {path}");
        let mut steps = vec![on(&get).then(Action::Send(first))];
        if again {
            steps.push(on(&get).then(Action::Send(whole.clone())));
        }
        let mock = Mock::script(steps);
        let mut memory = Memory::holding(b"0123");
        repository(&mock).fetch_blob(&descriptor, &mut memory).unwrap();
        assert_eq!(memory.bytes, b"0123456789", "{name}");
        assert_eq!(memory.restarts, 1, "{name}");
        if again {
            assert_eq!(mock.requests()[1].header("range"), None, "{name}");
        }
        mock.is_done();
    }
}

#[test]
fn a_wrong_beginning_does_not_survive() {
    let (descriptor, path) = blob(b"0123456789");
    let get = format!("GET {path}");
    let mock = Mock::script([
        on(&get).then(Action::Send(partial(b"0123456789", 4))),
        on(&get).answer(200, &[], b"0123456789"),
    ]);
    let mut memory = Memory::holding(b"xxxx");
    repository(&mock).fetch_blob(&descriptor, &mut memory).unwrap();
    assert_eq!(memory.bytes, b"0123456789");
    mock.is_done();
    // Longer than the whole: it cannot be a beginning.
    let mock = Mock::script([on(&get).answer(200, &[], b"0123456789")]);
    let mut memory = Memory::holding(b"0123456789a");
    repository(&mock).fetch_blob(&descriptor, &mut memory).unwrap();
    mock.is_done();
}

#[test]
fn what_is_not_what_it_claims_is_fetched_twice_and_then_refused() {
    let endless = |content: &[u8]| {
        let mut bytes = answer(200, &[("Connection", "close"), ("Content-Length", "5")], b"", true);
        let end = bytes.len() - 2;
        bytes.splice(end.., b"\r\n".iter().copied().chain(content.iter().copied()));
        bytes
    };
    let chunked = |content: &str| {
        let mut bytes = answer(200, &[("Transfer-Encoding", "chunked")], b"", true);
        bytes.extend_from_slice(format!("{:x}\r\n{content}\r\n0\r\n\r\n", content.len()).as_bytes());
        bytes
    };
    for (name, wrong, says) in [
        ("other bytes", endless(b"LAYER"), "expected content sha256:"),
        ("too few, by length", answer(200, &[], b"lay", false), "is 3 bytes long, not 5"),
        ("too many, by length", answer(200, &[], b"layers and more", false), "is 15 bytes long, not 5"),
        ("too few, in chunks", chunked("lay"), "is 3 bytes long, not 5"),
        ("too many, in chunks", chunked("layers and more"), "is 6 bytes long, not 5"),
    ] {
        let (descriptor, path) = blob(b"layer");
        let get = format!("GET {path}");
        let step = || on(&get).then(Action::Send(wrong.clone()));
        let mock = Mock::script([step(), step()]);
        let mut memory = Memory::default();
        let error = repository(&mock).fetch_blob(&descriptor, &mut memory).unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Mismatch { .. })), "{name}: {}", chain(&error));
        assert!(chain(&error).contains(says), "{name}: {}", chain(&error));
        assert!(memory.bytes.is_empty(), "{name}");
        mock.is_done();
        // Damaged once only.
        let mock = Mock::script([step(), on(&get).answer(200, &[], b"layer")]);
        repository(&mock).fetch_blob(&descriptor, &mut memory).unwrap();
        assert_eq!(memory.bytes, b"layer", "{name}");
        mock.is_done();
    }
}

#[test]
fn a_claimed_size_is_never_believed() {
    let (mut descriptor, path) = blob(b"layer");
    descriptor.size = u64::MAX;
    let mut chunked = answer(200, &[("Transfer-Encoding", "chunked")], b"", true);
    chunked.extend_from_slice(b"5\r\nlayer\r\n0\r\n\r\n");
    let step = || on(&format!("GET {path}")).then(Action::Send(chunked.clone()));
    let mock = Mock::script([step(), step()]);
    let error = repository(&mock).fetch_blob(&descriptor, &mut Memory::default()).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Mismatch { .. })), "{}", chain(&error));
    mock.is_done();
}

#[test]
fn a_compressed_transfer_is_left_as_it_is() {
    let content = b"\x1f\x8b\x08 as if";
    let (descriptor, path) = blob(content);
    let mock =
        Mock::script([on(&format!("GET {path}")).answer(200, &[("Content-Encoding", "gzip")], content)]);
    assert_eq!(repository(&mock).get_small_blob(&descriptor).unwrap(), content);
}

#[test]
fn a_download_that_gets_on_is_taken_up_three_times() {
    let (descriptor, path) = blob(b"0123456789");
    let get = format!("GET {path}");
    let part = |start: usize| {
        let whole = partial(b"0123456789", start);
        Action::Send(whole[..whole.len() - (10 - start) + 1].to_vec())
    };
    let first = on(&get).then(broken(b"0123456789", 1)).then(Action::Close);
    let later = (1..7).map(|start| on(&get).then(part(start)).then(Action::Close));
    let mock = Mock::script(std::iter::once(first).chain(later));
    let (options, waits) = options();
    let mut memory = Memory::default();
    let error = repository_with(&options, &mock.host()).fetch_blob(&descriptor, &mut memory).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Unreachable { .. })), "{error}");
    assert_eq!(waits.lock().unwrap().len(), 3, "after three free ones");
    assert_eq!(memory.bytes, b"0123456", "kept for the next process");
    mock.is_done();
}

#[test]
fn a_missing_blob_is_not_found() {
    let (descriptor, path) = blob(b"layer");
    let body = br#"{"errors":[{"code":"BLOB_UNKNOWN","message":"blob unknown to registry"}]}"#;
    let mock = Mock::script([on(&format!("GET {path}")).answer(404, &[], body)]);
    let error = repository(&mock).get_small_blob(&descriptor).unwrap_err();
    assert!(
        matches!(error, RegistryError::NotFound { .. }) && error.has_code(&ErrorCode::BlobUnknown),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!("GET http://{}{path}: 404: BLOB_UNKNOWN: blob unknown to registry", mock.host())
    );
}

// Redirects

#[test]
fn follows_a_download_to_storage() {
    for status in [301, 302, 303, 307, 308] {
        let (descriptor, path) = blob(b"layer");
        let storage = Mock::script([on("GET /store/x?X-Amz-Signature=a%2Fb'c").answer(200, &[], b"layer")]);
        let location = format!("http://{}/store/x?X-Amz-Signature=a%2Fb'c", storage.host());
        let mock = Mock::script([on(&format!("GET {path}")).answer(status, &[("Location", &location)], b"")]);
        assert_eq!(repository(&mock).get_small_blob(&descriptor).unwrap(), b"layer", "{status}");
        mock.is_done();
        storage.is_done();
        assert_eq!(storage.requests()[0].header("authorization"), None);
    }
}

/// As Go follows it: no URL has bytes beyond ASCII, and real servers send them.
#[test]
fn a_location_in_raw_bytes_is_followed() {
    for (raw, asked) in [
        ("/\u{e9}/x y?q=\u{e9}".as_bytes(), "/%C3%A9/x%20y?q=%C3%A9"),
        (b"/\xe9/x?q=\xe9 z", "/%E9/x?q=%E9%20z"),
        (b"  /x  ", "/x"),
    ] {
        let (descriptor, path) = blob(b"layer");
        let location =
            [b"HTTP/1.1 307 Temporary Redirect\r\nContent-Length: 0\r\nLocation: ", raw, b"\r\n\r\n"];
        let mock = Mock::script([
            on(&format!("GET {path}")).then(Action::Send(location.concat())),
            on(&format!("GET {asked}")).answer(200, &[], b"layer"),
        ]);
        assert_eq!(repository(&mock).get_small_blob(&descriptor).unwrap(), b"layer", "{asked}");
        mock.is_done();
    }
    let (descriptor, path) = blob(b"layer");
    let mock = Mock::script([on(&format!("GET {path}")).answer(307, &[("Location", " ")], b"")]);
    let error = repository(&mock).get_small_blob(&descriptor).unwrap_err();
    assert!(chain(&error).ends_with(": 307 without a Location"), "{error}");
}

#[test]
fn shows_no_signature_when_storage_refuses() {
    let (descriptor, path) = blob(b"layer");
    let storage = Mock::script([on("GET /store/x?sig=s3cret").answer(403, &[], b"<Error>s3cret</Error>")]);
    let location = format!("http://{}/store/x?sig=s3cret", storage.host());
    let mock = Mock::script([on(&format!("GET {path}")).answer(307, &[("Location", &location)], b"")]);
    let error = repository(&mock).get_small_blob(&descriptor).unwrap_err();
    assert_eq!(chain(&error), format!("GET http://{}/store/x: 403", storage.host()));
    assert!(!format!("{error:?}").contains("s3cret"));
}

#[test]
fn logs_no_query() {
    log_lines::begin();
    let (descriptor, path) = blob(b"layer");
    let secret = "GET /logged?sig=c4nary";
    let storage = Mock::script([
        on(secret).answer(503, &[], b""),
        on(secret).then(broken(b"layer", 2)).then(Action::Close),
        on(secret).answer(200, &[], b"lay3r"),
        on(secret).answer(200, &[], b"layer"),
    ]);
    let location = format!("http://{}/logged?sig=c4nary", storage.host());
    let mock = Mock::serve(move |request| on(&request.line).answer(307, &[("Location", &location)], b""));
    assert_eq!(repository(&mock).get_small_blob(&descriptor).unwrap(), b"layer");
    // Libraries may log whole URLs: whoever installs a logger has to leave them out.
    let mut lines = log_lines::lines();
    lines.retain(|line| line.starts_with("oci"));
    assert!(lines.iter().any(|line| line.contains("/logged")), "{path}: {lines:?}");
    assert!(!lines.iter().any(|line| line.contains("c4nary")), "{lines:?}");
}

#[test]
fn a_challenge_from_elsewhere_is_marked() {
    let (descriptor, path) = blob(b"layer");
    let storage =
        Mock::script([on("GET /x").answer(401, &[("WWW-Authenticate", "Basic realm=\"phish\"")], b"")]);
    let location = format!("http://{}/x", storage.host());
    let mock = Mock::script([on(&format!("GET {path}")).answer(307, &[("Location", &location)], b"")]);
    let error = repository(&mock).get_small_blob(&descriptor).unwrap_err();
    assert!(matches!(error, RegistryError::Unauthorized { from_registry: false, .. }), "{error}");
}

#[test]
fn several_challenges_are_all_handed_on() {
    let mock = Mock::script([on("GET /v2/a/tags/list").answer(
        401,
        &[("WWW-Authenticate", "Basic realm=\"b\""), ("WWW-Authenticate", "Bearer realm=\"t\", Negotiate")],
        br#"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}"#,
    )]);
    let error = repository(&mock).tags().unwrap_err();
    let RegistryError::Unauthorized { challenges, scope, from_registry, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(*challenges, ["Basic realm=\"b\"", "Bearer realm=\"t\", Negotiate"]);
    assert_eq!((scope.as_str(), *from_registry), ("repository:a:pull", true));
    assert!(error.to_string().ends_with(": 401: UNAUTHORIZED: authentication required"), "{error}");
}

#[test]
fn does_not_run_in_circles() {
    let mock = Mock::serve(|request| {
        on(&request.line).answer(302, &[("Location", &request.line[4..])], b"over there")
    });
    let error = repository(&mock).get_small_blob(&blob(b"layer").0).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Protocol { .. })), "{error}");
    assert_eq!(mock.requests().len(), 6);
    assert_eq!(mock.connections(), 1);
}

#[test]
fn does_not_go_where_a_registry_has_no_business() {
    for to in [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[fd00::1]/",
        "file:///etc/passwd",
    ] {
        let (descriptor, path) = blob(b"layer");
        let mock = Mock::script([on(&format!("GET {path}")).answer(307, &[("Location", to)], b"")]);
        let error = repository(&mock).get_small_blob(&descriptor).unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Elsewhere { .. })), "{to}: {error}");
    }
    let (descriptor, path) = blob(b"layer");
    let mock = Mock::script([on(&format!("GET {path}")).answer(307, &[], b"")]);
    assert!(matches!(
        repository(&mock).get_small_blob(&descriptor),
        Err(RegistryError::Http(Http::Protocol { .. }))
    ));
}

// Tags

fn names(tags: &[Tag]) -> Vec<&str> {
    tags.iter().map(Tag::as_str).collect()
}

#[test]
fn reads_all_pages_once_and_in_order() {
    let mock = Mock::script_at(|host| {
        let absolute = format!("<http://{host}/v2/a/tags/list?last=c>; rel=\"next\"");
        vec![
            on("GET /v2/a/tags/list").answer(
                200,
                &[("Link", "</v2/a/tags/list?n=2&last=b>; rel=\"next\"")],
                br#"{"name":"a","tags":["b","10","not a tag"]}"#,
            ),
            on("GET /v2/a/tags/list?n=2&last=b").answer(
                200,
                &[("Link", &absolute)],
                br#"{"tags":["a","b"]}"#,
            ),
            on("GET /v2/a/tags/list?last=c").answer(200, &[], br#"{"tags":["9","A"]}"#),
        ]
    });
    assert_eq!(names(&repository(&mock).tags().unwrap()), ["10", "9", "A", "a", "b"]);
    mock.is_done();
    assert_eq!(mock.connections(), 1);
}

#[test]
fn no_tags_are_an_empty_list() {
    for body in [&br#"{"name":"a","tags":null}"#[..], br#"{"name":"a","tags":[]}"#, br#"{"name":"a"}"#] {
        let mock = Mock::script([on("GET /v2/a/tags/list").answer(200, &[], body)]);
        assert_eq!(repository(&mock).tags().unwrap(), []);
    }
}

#[test]
fn a_list_of_tags_comes_to_an_end() {
    let mock = Mock::serve(|request| {
        on(&request.line).answer(200, &[("Link", "</v2/a/tags/list?x>; rel=next")], br#"{"tags":["1"]}"#)
    });
    let error = repository(&mock).tags().unwrap_err();
    assert!(error.to_string().ends_with("comes back to a page that was read"), "{error}");
    assert_eq!(mock.requests().len(), 2);
    let mock = Mock::serve(|request| {
        let next = format!("<{}1>; rel=next", request.line[4..].replace("list", "list?").replace("??", "?"));
        on(&request.line).answer(200, &[("Link", &next)], br#"{"tags":["1"]}"#)
    });
    let error = repository(&mock).tags().unwrap_err();
    assert!(error.to_string().ends_with("more than 1000 pages"), "{error}");
    assert_eq!(mock.requests().len(), 1000);
}

#[test]
fn tags_come_from_the_registry_only() {
    let sink = Mock::script([]);
    let next = format!("<http://{}/v2/a/tags/list>; rel=\"next\"", sink.host());
    let mock =
        Mock::script([on("GET /v2/a/tags/list").answer(200, &[("Link", &next)], br#"{"tags":["1"]}"#)]);
    assert!(matches!(repository(&mock).tags(), Err(RegistryError::Http(Http::Elsewhere { .. }))));
    assert_eq!(sink.connections(), 0);
}

#[test]
fn a_page_that_is_no_list_is_an_error() {
    let large = format!(r#"{{"tags":["{}"]}}"#, "x".repeat(4 << 20));
    for (body, too_large) in [
        ("<html>", false),
        ("", false),
        ("{\"tags\":[1]}", false),
        (&*"[".repeat(100_000), false),
        (&*large, true),
    ] {
        let mock = Mock::script([on("GET /v2/a/tags/list").answer(200, &[], body.as_bytes())]);
        let error = repository(&mock).tags().unwrap_err();
        assert_eq!(matches!(error, RegistryError::Http(Http::TooLarge { .. })), too_large, "{error}");
        assert_eq!(matches!(error, RegistryError::Http(Http::Protocol { .. })), !too_large, "{error}");
    }
}

// Errors and retries

const TAGS: &str = "GET /v2/a/tags/list";

#[test]
fn tells_refusals_apart() {
    for (status, kind) in
        [(400, "Refused"), (403, "Forbidden"), (404, "NotFound"), (409, "Refused"), (501, "Refused")]
    {
        let body = b"{\"errors\":[{\"code\":\"X\",\"message\":\"\\u001b[2J\\u202eno\"}]}";
        let mock = Mock::script([on(TAGS).answer(status, &[("Content-Type", "text/html")], body)]);
        let error = repository(&mock).tags().unwrap_err();
        assert!(format!("{error:?}").starts_with(kind), "{status}: {error:?}");
        assert_eq!(error.to_string(), format!("GET http://{}/v2/a/tags/list: {status}: X: no", mock.host()));
        assert_eq!(error.report().unwrap().diagnostics.len(), 1);
        mock.is_done();
    }
}

#[test]
fn tries_again_what_may_pass() {
    for status in [408, 429, 499, 500, 502, 503, 504, 522] {
        let (options, waits) = options();
        let mock = Mock::script([
            on(TAGS).answer(status, &[], b"<html>"),
            on(TAGS).answer(200, &[], br#"{"tags":["1"]}"#),
        ]);
        assert_eq!(names(&repository_with(&options, &mock.host()).tags().unwrap()), ["1"], "{status}");
        assert_eq!(waits.lock().unwrap().len(), 1);
        assert_eq!(mock.connections(), 1);
        mock.is_done();
    }
}

#[test]
fn gives_up_after_four_attempts() {
    let (options, waits) = options();
    let mock = Mock::serve(|request| {
        on(&request.line).answer(503, &[], br#"{"errors":[{"code":"UNAVAILABLE","message":"busy"}]}"#)
    });
    let error = repository_with(&options, &mock.host()).tags().unwrap_err();
    assert!(
        matches!(
            error,
            RegistryError::Http(Http::Unreachable { source: HttpFailure::Status { status: 503, .. }, .. })
        ),
        "{error}"
    );
    assert!(chain(&error).ends_with("/v2/a/tags/list: 503: UNAVAILABLE: busy"), "{}", chain(&error));
    assert_eq!((mock.requests().len(), waits.lock().unwrap().len()), (4, 3));
}

#[test]
fn waits_as_long_as_the_registry_asks() {
    let (options, waits) = options();
    let past = "Sun, 06 Nov 1994 08:49:37 GMT";
    let mock = Mock::script([
        on(TAGS).answer(429, &[("Retry-After", "7")], b""),
        on(TAGS).answer(503, &[("Retry-After", past)], b""),
        on(TAGS).answer(200, &[], br#"{"tags":[]}"#),
    ]);
    repository_with(&options, &mock.host()).tags().unwrap();
    assert_eq!(*waits.lock().unwrap(), [Duration::from_secs(7), Duration::ZERO]);
    // Longer than anybody waits: said at once.
    let mock = Mock::script([on(TAGS).answer(429, &[("Retry-After", "3600")], b"")]);
    let error = repository(&mock).tags().unwrap_err();
    assert!(chain(&error).ends_with("429 (asks to wait 3600 s)"), "{}", chain(&error));
    mock.is_done();
}

#[test]
fn a_connection_that_died_of_idleness_is_no_failed_attempt() {
    for death in [Action::Close, Action::Reset] {
        let (options, waits) = options();
        let body = br#"{"tags":[]}"#;
        let mock = Mock::script([
            on(TAGS).answer(200, &[], body),
            on(TAGS).then(death),
            on(TAGS).answer(200, &[], body),
        ]);
        let repository = repository_with(&options, &mock.host());
        repository.tags().unwrap();
        repository.tags().unwrap();
        assert_eq!(waits.lock().unwrap().len(), 0);
        assert_eq!(mock.connections(), 2);
        mock.is_done();
    }
}

#[test]
fn not_even_if_all_idle_connections_have_died() {
    // Two connections at once, and both are closed when they are used again.
    let (together, first) = (Barrier::new(2), AtomicU64::new(0));
    let mock = Mock::serve(move |request| {
        if first.fetch_add(1, Ordering::SeqCst) < 2 {
            together.wait();
        } else if request.connection < 2 {
            return on(&request.line).then(Action::Close);
        }
        on(&request.line).answer(200, &[], br#"{"tags":[]}"#)
    });
    let (options, waits) = options();
    let repository = repository_with(&options, &mock.host());
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| repository.tags().unwrap());
        }
    });
    assert_eq!(mock.connections(), 2);
    repository.tags().unwrap();
    assert_eq!((mock.connections(), waits.lock().unwrap().len()), (3, 0));
}

#[test]
fn a_fresh_connection_that_dies_is_one() {
    for death in [Action::Close, Action::Reset] {
        let (options, waits) = options();
        let mock = Mock::script([on(TAGS).then(death), on(TAGS).answer(200, &[], br#"{"tags":[]}"#)]);
        repository_with(&options, &mock.host()).tags().unwrap();
        assert_eq!(waits.lock().unwrap().len(), 1);
        mock.is_done();
    }
}

#[test]
fn a_small_body_that_breaks_off_is_asked_for_again() {
    let body = br#"{"tags":["1"]}"#;
    let half = answer(200, &[], body, false);
    let half = half[..half.len() - 5].to_vec();
    let mock = Mock::script([
        on(TAGS).then(Action::Send(half)).then(Action::Close),
        on(TAGS).answer(200, &[], body),
    ]);
    assert_eq!(names(&repository(&mock).tags().unwrap()), ["1"]);
    mock.is_done();
}

#[test]
fn an_unreachable_host_is_unreachable() {
    let (options, waits) = options();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let error = repository_with(&options, &format!("127.0.0.1:{port}")).tags().unwrap_err();
    assert!(
        matches!(error, RegistryError::Http(Http::Unreachable { source: HttpFailure::Io(_), .. })),
        "{error:?}"
    );
    // One that restarts is waited for, and not for ever.
    assert_eq!(waits.lock().unwrap().iter().sum::<Duration>(), options.http.backoff.refused);
    assert!(waits.lock().unwrap().len() <= 64);

    let (mut options, _) = self::options();
    options.http.timeouts.resolve = Duration::from_secs(1);
    let error = repository_with(&options, "nowhere.invalid").tags().unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Unreachable { .. })), "{error:?}");
}

#[test]
fn silence_and_dripping_come_to_an_end() {
    let (mut options, _) = options();
    options.http.backoff.retries = 0;
    options.http.timeouts.response = Duration::from_millis(50);
    let mock = Mock::script([on(TAGS).then(Action::Hang)]);
    let error = repository_with(&options, &mock.host()).tags().unwrap_err();
    assert!(
        matches!(error, RegistryError::Http(Http::Unreachable { source: HttpFailure::Timeout(_), .. })),
        "{error:?}"
    );

    options.http.timeouts.response = Duration::from_secs(10);
    options.http.timeouts.idle = Duration::from_millis(50);
    let head = answer(200, &[], &[b' '; 1000], true);
    let mock = Mock::script([on(TAGS).then(Action::Send(head.clone())).then(Action::Hang)]);
    let error = repository_with(&options, &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Unreachable { .. })), "{error:?}");

    // Never silent for long, and never done.
    options.http.timeouts.idle = Duration::from_secs(10);
    options.http.timeouts.pace_window = Duration::from_millis(100);
    options.http.timeouts.pace_bytes = 500;
    let drip = Action::Drip(vec![b' '; 1000], Duration::from_millis(10));
    let mock = Mock::script([on(TAGS).then(Action::Send(head)).then(drip)]);
    let error = repository_with(&options, &mock.host()).tags().unwrap_err();
    assert!(chain(&error).contains("fewer than 500 bytes"), "{}", chain(&error));
}

#[test]
fn what_is_no_http_is_no_success() {
    for (bytes, kind) in [
        // A TLS alert: handshake failure.
        (&b"\x15\x03\x01\x00\x02\x02\x28"[..], "SpeaksTls"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "SpeaksTls"),
        (b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n", "SpeaksTls"),
        (b"HTTP/1.1 400 x\r\n\r\n<html>The plain HTTP request was sent to HTTPS port</html>", "SpeaksTls"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "Protocol"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "Protocol"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "Protocol"),
        (b"", "Unreachable"),
    ] {
        let mock = Mock::raw(bytes);
        let (mut options, _) = options();
        options.http.backoff.retries = 0;
        let error = repository_with(&options, &mock.host()).tags().unwrap_err();
        let kind = format!("Http({kind} ");
        assert!(format!("{error:?}").starts_with(&kind), "{:?}: {error:?}", String::from_utf8_lossy(bytes));
    }
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(5000));
    for text in [large, many] {
        let mock = Mock::raw(text.as_bytes());
        let error = repository(&mock).tags().unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Protocol { .. })), "{error:?}");
    }
}

#[test]
fn warnings_are_passed_on_once_and_clean() {
    let warned = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&warned);
    let (mut options, _) = options();
    options.warn = Arc::new(move |text| kept.lock().unwrap().push(text.to_owned()));
    let mock = Mock::serve(|request| {
        let headers = [
            ("Warning", "299 - \"this registry will be \\\"closed\\\"\""),
            ("Warning", "199 - \"something else\""),
        ];
        on(&request.line).answer(200, &headers, br#"{"tags":[]}"#)
    });
    let repository = repository_with(&options, &mock.host());
    repository.tags().unwrap();
    repository.tags().unwrap();
    assert_eq!(*warned.lock().unwrap(), ["this registry will be \"closed\""]);
}

// TLS

fn tags_answer() -> Vec<u8> {
    answer(200, &[], br#"{"tags":["1"]}"#, false)
}

/// Asks `localhost:<port>` or `127.0.0.1:<port>` over TLS.
fn tags_over_tls(server: &Server, options: &RegistryOptions) -> Result<usize, RegistryError> {
    repository_with(options, &format!("127.0.0.1:{}", server.port())).tags().map(|tags| tags.len())
}

#[test]
fn trusts_the_given_authority_and_no_other() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Server::start(&authority.issue("127.0.0.1", false), None, tags_answer());
    let (mut options, waits) = options();
    options.http.ca_file = Some(authority.ca_file());
    assert_eq!(tags_over_tls(&server, &options).unwrap(), 1);
    assert_eq!(server.connections(), 1);

    options.http.ca_file = Some(stranger.ca_file());
    let error = tags_over_tls(&server, &options).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Tls { .. })), "{error:?}");
    assert!(chain(&error).contains("certificate"), "{}", chain(&error));
    assert_eq!((server.connections(), waits.lock().unwrap().len()), (2, 0), "not tried again");

    options.http.ca_file = None;
    options.http.insecure = true;
    assert_eq!(tags_over_tls(&server, &options).unwrap(), 1);
}

#[test]
fn the_system_does_not_trust_a_stranger() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue("127.0.0.1", false), None, tags_answer());
    let (mut options, _) = options();
    // A way to ask for TLS at a loopback address that leaves the roots alone.
    let own = authority.issue("client", false);
    (options.http.cert_file, options.http.key_file) = (Some(own.cert_file), Some(own.key_file));
    let error = tags_over_tls(&server, &options).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Tls { .. })), "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn never_tries_the_other_scheme() {
    let server = Server::start(&Authority::new().issue("127.0.0.1", false), None, tags_answer());
    let error = tags_over_tls(&server, &options().0).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::SpeaksTls { .. })), "{error:?}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn refuses_expired_and_foreign_certificates() {
    let authority = Authority::new();
    let (mut options, _) = options();
    options.http.ca_file = Some(authority.ca_file());
    for issued in [authority.issue("127.0.0.1", true), authority.issue("r.example", false)] {
        let server = Server::start(&issued, None, tags_answer());
        let error = tags_over_tls(&server, &options).unwrap_err();
        assert!(matches!(error, RegistryError::Http(Http::Tls { .. })), "{error:?}");
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn shows_a_client_certificate_where_one_is_asked_for() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue("127.0.0.1", false), Some(&authority), tags_answer());
    let (mut options, _) = options();
    options.http.ca_file = Some(authority.ca_file());
    let error = tags_over_tls(&server, &options).unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::Tls { .. })), "{error:?}");
    assert_eq!(server.connections(), 1);
    let own = authority.issue("client", false);
    options.http.cert_file = Some(own.cert_file);
    options.http.key_file = Some(own.key_file);
    assert_eq!(tags_over_tls(&server, &options).unwrap(), 1);
}

#[test]
fn unusable_certificate_files_are_said_before_anything_is_sent() {
    let authority = Authority::new();
    let (own, other) = (authority.issue("own", false), authority.issue("other", false));
    let empty = authority.file("empty.pem", "");
    let broken = authority.file("broken.pem", "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n");
    let no_x509 = authority.file("no.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let missing = PathBuf::from("/nowhere/ca.pem");
    let options = |ca: Option<&PathBuf>, cert: Option<&PathBuf>, key: Option<&PathBuf>| {
        let (ca_file, cert_file, key_file) = (ca.cloned(), cert.cloned(), key.cloned());
        let http = http::HttpOptions { ca_file, cert_file, key_file, ..http::HttpOptions::default() };
        RegistryOptions { http, ..RegistryOptions::default() }
    };
    for (options, says) in [
        (options(Some(&empty), None, None), "it holds no certificate in PEM"),
        (options(Some(&broken), None, None), "it is not valid PEM"),
        (options(Some(&no_x509), None, None), "one of its certificates is broken"),
        (options(Some(&own.key_file), None, None), "it holds no certificate in PEM"),
        (options(Some(&missing), None, None), "cannot read /nowhere/ca.pem: "),
        (options(None, Some(&own.cert_file), None), "it needs its key as well"),
        (options(None, None, Some(&own.key_file)), "it needs its certificate as well"),
        (options(None, Some(&own.cert_file), Some(&other.key_file)), "it is not the key of "),
        (options(None, Some(&own.cert_file), Some(&own.cert_file)), "it holds no private key in PEM"),
        (options(None, Some(&no_x509), Some(&own.key_file)), "one of its certificates is broken"),
    ] {
        let error = Client::new(&options).err().map(|error| chain(&error)).unwrap_or_default();
        assert!(error.contains(says), "{says}: {error}");
    }
}

#[test]
fn tls_answered_in_plain_http_is_recognised() {
    let mock = Mock::raw(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request");
    let (mut options, waits) = options();
    options.http.insecure = true;
    let error = repository_with(&options, &mock.host()).tags().unwrap_err();
    assert!(matches!(error, RegistryError::Http(Http::SpeaksPlainHttp { .. })), "{error:?}");
    assert_eq!(waits.lock().unwrap().len(), 0);
}

/// The CA store is the system's, and found by the environment: this test is a program of its own.
#[test]
fn works_without_any_ca_store() {
    const PORT: &str = "TEST_TLS_PORT";
    if let Ok(port) = std::env::var(PORT) {
        let (mut options, _) = options();
        // As above: TLS by asking for a client certificate.
        options.http.cert_file = Some(std::env::var("TEST_CERT").unwrap().into());
        options.http.key_file = Some(std::env::var("TEST_KEY").unwrap().into());
        let error = repository_with(&options, &format!("127.0.0.1:{port}")).tags().unwrap_err();
        // Bundled roots do not know the server; without roots there would be no handshake to fail.
        assert!(chain(&error).contains("an authority that is not trusted"), "{}", chain(&error));
        return;
    }
    let authority = Authority::new();
    let own = authority.issue("client", false);
    let server = Server::start(&authority.issue("127.0.0.1", false), None, tags_answer());
    let nothing = authority.file("none.pem", "");
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "client::works_without_any_ca_store", "--nocapture"])
        .env(PORT, server.port().to_string())
        .env("TEST_CERT", &own.cert_file)
        .env("TEST_KEY", &own.key_file)
        .env("SSL_CERT_FILE", &nothing)
        .env("SSL_CERT_DIR", nothing.with_file_name("nowhere"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.connections(), 1);
}

// A real registry

#[test]
fn pushes_to_and_pulls_from_docker_registry() {
    let Some(registry) = DockerRegistry::start() else { return };
    let (options, waits) = options();
    let repository = repository_with(&options, registry.address());
    assert!(matches!(repository.tags(), Err(RegistryError::NotFound { .. })));
    assert_eq!(repository.head_manifest(target("1.0")).unwrap(), None);

    let layer: Vec<u8> = (0..1_000_000_u32).flat_map(|n| (n * 7).to_le_bytes()).collect();
    let (config, layer_descriptor) =
        (Descriptor::of(media_type::CONFIG, b"{}"), Descriptor::of(media_type::CHART, &layer));
    let manifest = serde_json::to_vec(&oci::manifest::Manifest {
        schema_version: 2,
        media_type: None,
        artifact_type: None,
        config: config.clone(),
        layers: vec![layer_descriptor.clone()],
        annotations: Default::default(),
    })
    .unwrap();
    let error = repository.put_manifest(target("1.0"), media_type::MANIFEST, &manifest).unwrap_err();
    let RegistryError::BlobsUnknown { digests, .. } = &error else { panic!("{error}") };
    assert!(digests.contains(&config.digest) && digests.contains(&layer_descriptor.digest), "{digests:?}");

    for uploaded in [Uploaded::Sent, Uploaded::Existed] {
        assert_eq!(repository.push_blob(&config, &b"{}".to_vec(), &|_| {}).unwrap(), uploaded);
        assert_eq!(repository.push_blob(&layer_descriptor, &layer, &|_| {}).unwrap(), uploaded);
    }
    repository.put_manifest(target("1.0"), media_type::MANIFEST, &manifest).unwrap();
    let digest = Digest::of(&manifest);
    assert_eq!(repository.head_manifest(target("1.0")).unwrap().unwrap().digest, digest);
    assert_eq!(repository.get_manifest(target("1.0"), Some(&digest)).unwrap(), ManifestAnswer::NotModified);
    let ManifestAnswer::Manifest(found) = repository.get_manifest((&digest).into(), None).unwrap() else {
        panic!()
    };
    assert_eq!((found.bytes, found.content_type.as_str()), (manifest, media_type::MANIFEST));
    assert_eq!(repository.get_small_blob(&config).unwrap(), b"{}");
    let mut memory = Memory::holding(&layer[..1_234_567]);
    repository.fetch_blob(&layer_descriptor, &mut memory).unwrap();
    assert!(memory.bytes == layer && memory.restarts == 0);
    assert_eq!(names(&repository.tags().unwrap()), ["1.0"]);
    assert!(matches!(repository.get_manifest(target("2.0"), None), Err(RegistryError::NotFound { .. })));
    assert_eq!(waits.lock().unwrap().len(), 0);
}
