//! "Pushing Manifests": end-7.

use std::thread;

use oci::digest::Digest;
use oci::media_type::{DOCKER_MANIFEST, INDEX, MANIFEST};
use serde_json::json;

use super::client::{Server, manifest, sha512};

#[test]
fn put_by_tag_gives_digest_and_location() {
    let server = Server::start();
    let manifest = manifest(&server, "a/b", "config", &json!({}));
    let reply = server.put_manifest("a/b", "1.0.0", MANIFEST, &manifest).is(201);
    assert_eq!(reply.header("docker-content-digest"), Digest::of(&manifest).to_string());
    assert_eq!(server.get(reply.header("location")).is(200).body, manifest);
}

#[test]
fn put_by_digest_stores_without_a_tag() {
    let server = Server::start();
    let manifest = manifest(&server, "a", "config", &json!({}));
    let digest = Digest::of(&manifest).to_string();
    let reply = server.put_manifest("a", &digest, MANIFEST, &manifest).is(201);
    assert_eq!(reply.header("docker-content-digest"), digest);
    assert_eq!(server.get(reply.header("location")).is(200).body, manifest);
    assert_eq!(server.get("/v2/a/tags/list").json()["tags"], json!([]));
}

#[test]
fn put_by_another_digest_is_400() {
    let server = Server::start();
    let manifest = manifest(&server, "a", "config", &json!({}));
    let other = Digest::of(b"other").to_string();
    server.put_manifest("a", &other, MANIFEST, &manifest).fails(400, "DIGEST_INVALID");
    server.head(&format!("/v2/a/manifests/{other}")).is(404);
}

#[test]
fn manifests_may_have_sha512_digests() {
    let server = Server::start();
    let manifest = manifest(&server, "a", "config", &json!({}));
    let digest = sha512(&manifest).to_string();
    server.put_manifest("a", &digest, MANIFEST, &manifest).is(201);
    server.put_manifest("a", &format!("1?digest={digest}"), MANIFEST, &manifest).is(201);
    for target in [&digest, "1"] {
        let reply = server.get(&format!("/v2/a/manifests/{target}")).is(200);
        assert_eq!(reply.header("docker-content-digest"), digest);
        assert_eq!(reply.body, manifest);
    }
    // The other address is another manifest, which nobody pushed.
    server.get(&format!("/v2/a/manifests/{}", Digest::of(&manifest))).is(404);
}

#[test]
fn the_bytes_are_kept_exactly() {
    let server = Server::start();
    let compact = String::from_utf8(manifest(&server, "a", "config", &json!({}))).unwrap();
    let spaced = compact.replace(',', " ,\n\t").replace("config\"", "con\\u0066ig\"");
    server.put_manifest("a", "1", MANIFEST, spaced.as_bytes()).is(201);
    assert_eq!(server.get("/v2/a/manifests/1").body, spaced.as_bytes());
}

#[test]
fn a_manifest_without_layers_is_taken() {
    let server = Server::start();
    let config = server.push("a", b"{}");
    let document =
        json!({ "schemaVersion": 2, "config": { "mediaType": "x/y", "digest": config, "size": 2 } });
    server.put_manifest("a", "1", MANIFEST, document.to_string().as_bytes()).is(201);
}

#[test]
fn every_content_type_is_given_back_without_its_parameters() {
    let server = Server::start();
    let config = server.push("a", b"{}");
    let document =
        json!({ "schemaVersion": 2, "config": { "mediaType": "x/y", "digest": config, "size": 2 } });
    let document = document.to_string().into_bytes();
    for (pushed, pulled) in [
        (MANIFEST, MANIFEST),
        (DOCKER_MANIFEST, DOCKER_MANIFEST),
        ("application/vnd.example+json", "application/vnd.example+json"),
        ("application/vnd.oci.image.manifest.v1+json; charset=utf-8", MANIFEST),
    ] {
        server.put_manifest("a", "1", pushed, &document).is(201);
        assert_eq!(server.get("/v2/a/manifests/1").header("content-type"), pulled);
    }
}

#[test]
fn a_tag_moves_to_the_manifest_pushed_last() {
    let server = Server::start();
    let (_, first) = server.push_manifest("a", "1");
    let second = manifest(&server, "a", "other", &json!({}));
    server.put_manifest("a", "1", MANIFEST, &second).is(201);
    assert_eq!(server.get("/v2/a/manifests/1").body, second);
    server.get(&format!("/v2/a/manifests/{first}")).is(200);
}

#[test]
fn missing_blobs_are_named_one_by_one() {
    let server = Server::start();
    server.push("other", b"elsewhere");
    let missing = [Digest::of(b"elsewhere"), Digest::of(b"nowhere")];
    let layers: Vec<_> =
        missing.iter().map(|digest| json!({ "mediaType": "x/y", "digest": digest, "size": 1 })).collect();
    let manifest = manifest(&server, "a", "config", &json!({ "layers": layers }));
    let before = server.files("blobs");
    let errors =
        server.put_manifest("a", "1", MANIFEST, &manifest).fails(400, "MANIFEST_BLOB_UNKNOWN").json();
    let named: Vec<_> =
        errors["errors"].as_array().unwrap().iter().map(|error| error["detail"]["digest"].clone()).collect();
    let mut expected: Vec<_> = missing.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(named, expected);
    server.head("/v2/a/manifests/1").is(404);
    assert_eq!(server.files("blobs"), before);
}

#[test]
fn an_index_needs_its_manifests() {
    let server = Server::start();
    let (manifest, digest) = server.push_manifest("a", "1");
    let index = |digest: &Digest| {
        let child = json!({ "mediaType": MANIFEST, "digest": digest, "size": manifest.len() });
        json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [child] }).to_string().into_bytes()
    };
    server.put_manifest("a", "2", INDEX, &index(&digest)).is(201);
    assert_eq!(server.get("/v2/a/manifests/2").header("content-type"), INDEX);
    server.put_manifest("b", "2", INDEX, &index(&digest)).fails(400, "MANIFEST_BLOB_UNKNOWN");
    let other = Digest::of(b"other");
    server.put_manifest("a", "3", INDEX, &index(&other)).fails(400, "MANIFEST_BLOB_UNKNOWN");
}

#[test]
fn an_index_may_be_empty() {
    let server = Server::start();
    server.put_manifest("a", "1", INDEX, br#"{"schemaVersion":2,"manifests":[]}"#).is(201);
}

#[test]
fn layers_from_elsewhere_need_not_be_here() {
    let server = Server::start();
    let layer = json!({
        "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "digest": Digest::of(b"elsewhere"), "size": 9, "urls": ["https://example.com/"],
    });
    let manifest = manifest(&server, "a", "config", &json!({ "layers": [layer] }));
    server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
}

#[test]
fn documents_that_are_no_manifests_are_400() {
    let server = Server::start();
    let config = server.push("a", b"{}");
    let config = json!({ "mediaType": "x/y", "digest": config, "size": 2 });
    for (media_type, document) in [
        (MANIFEST, "".to_owned()),
        (MANIFEST, "{".to_owned()),
        (MANIFEST, "[]".to_owned()),
        (MANIFEST, "{}".to_owned()),
        (MANIFEST, "[".repeat(100_000)),
        (MANIFEST, json!({ "schemaVersion": 1, "config": config }).to_string()),
        (MANIFEST, json!({ "schemaVersion": 2, "config": { "digest": "sha256:../x" } }).to_string()),
        (MANIFEST, json!({ "schemaVersion": 2, "config": config, "mediaType": INDEX }).to_string()),
        (MANIFEST, json!({ "schemaVersion": 2, "config": config, "manifests": [] }).to_string()),
        (INDEX, json!({ "schemaVersion": 2 }).to_string()),
    ] {
        server.put_manifest("a", "1", media_type, document.as_bytes()).fails(400, "MANIFEST_INVALID");
    }
    server.head("/v2/a/manifests/1").is(404);
}

#[test]
fn a_reference_that_is_none_is_400() {
    let server = Server::start();
    let manifest = manifest(&server, "a", "config", &json!({}));
    for target in [".1", "-1", "a%2Fb", &"a".repeat(129)] {
        server.put_manifest("a", target, MANIFEST, &manifest).fails(400, "MANIFEST_INVALID");
    }
    server.put_manifest("a", "sha256:abc", MANIFEST, &manifest).fails(400, "DIGEST_INVALID");
}

#[test]
fn four_mebibytes_are_taken_and_more_is_413() {
    let server = Server::start();
    let mut manifest = manifest(&server, "a", "config", &json!({}));
    manifest.resize(4 << 20, b' ');
    server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
    assert_eq!(server.get("/v2/a/manifests/1").body, manifest);
    manifest.push(b' ');
    server.put_manifest("a", "2", MANIFEST, &manifest).fails(413, "SIZE_INVALID");
}

#[test]
fn more_than_four_mebibytes_of_unknown_length_are_413() {
    let server = Server::start();
    let mut request =
        b"PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    request.extend(format!("{:x}\r\n", (4 << 20) + 1).bytes());
    request.resize(request.len() + (4 << 20) + 1, b' ');
    request.extend(b"\r\n0\r\n\r\n");
    assert!(server.raw_reply(&request).starts_with("HTTP/1.1 413"));
}

#[test]
fn a_manifest_may_be_pushed_before_its_subject() {
    let server = Server::start();
    let subject = Digest::of(b"not there");
    let more = json!({ "subject": { "mediaType": MANIFEST, "digest": subject, "size": 9 } });
    let manifest = manifest(&server, "a", "config", &more);
    let reply = server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
    assert_eq!(reply.header("oci-subject"), subject.to_string());
}

#[test]
fn a_manifest_without_subject_has_no_such_header() {
    let server = Server::start();
    let manifest = manifest(&server, "a", "config", &json!({}));
    let reply = server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
    assert!(!reply.headers.contains_key("oci-subject"));
}

#[test]
fn many_clients_write_one_tag_at_once() {
    let server = Server::start();
    let manifests: Vec<_> = (0..8).map(|i| manifest(&server, "a", &i.to_string(), &json!({}))).collect();
    thread::scope(|scope| {
        for manifest in &manifests {
            scope.spawn(|| {
                for _ in 0..5 {
                    server.put_manifest("a", "1", MANIFEST, manifest).is(201);
                    let reply = server.get("/v2/a/manifests/1").is(200);
                    assert!(manifests.contains(&reply.body));
                    assert_eq!(reply.header("docker-content-digest"), Digest::of(&reply.body).to_string());
                }
            });
        }
    });
}

#[test]
fn a_manifest_that_is_pushed_by_its_digest_gets_tags() {
    let server = Server::start();
    let manifest = manifest(&server, "a", "config", &json!({}));
    let digest = Digest::of(&manifest);
    let reply =
        server.put_manifest("a", &format!("{digest}?tag=1.0.0&tag=latest&tag=1.0.0"), MANIFEST, &manifest);
    let tags: Vec<_> = reply.is(201).headers.get_all("oci-tag").iter().cloned().collect();
    assert_eq!(tags, ["1.0.0", "latest"]);
    for tag in ["1.0.0", "latest"] {
        assert_eq!(server.get(&format!("/v2/a/manifests/{tag}")).is(200).body, manifest);
    }
    assert_eq!(server.get("/v2/a/tags/list").json()["tags"], json!(["1.0.0", "latest"]));
    let query: String = (0..50).map(|number| format!("tag=n{number}&")).collect();
    let reply = server.put_manifest("a", &format!("{digest}?{query}"), MANIFEST, &manifest).is(201);
    assert_eq!(reply.headers.get_all("oci-tag").iter().count(), 50);
    // All of them or none.
    server
        .put_manifest("b", &format!("{digest}?tag=2&tag=..%2F2"), MANIFEST, &manifest)
        .fails(400, "TAG_INVALID");
    server.get("/v2/b/tags/list").fails(404, "NAME_UNKNOWN");
    // A manifest that is pushed by a tag has that one.
    let reply = server.put_manifest("a", "3?tag=4", MANIFEST, &manifest).is(201);
    assert!(!reply.headers.contains_key("oci-tag"));
    server.head("/v2/a/manifests/4").is(404);
}

#[test]
fn of_many_missing_blobs_some_are_named() {
    let server = Server::start();
    let layers: Vec<_> = (0..5_000)
        .map(|number: u32| json!({ "mediaType": "x/y", "digest": Digest::of(&number.to_be_bytes()), "size": 4 }))
        .collect();
    let manifest = manifest(&server, "a", "config", &json!({ "layers": layers }));
    let errors =
        server.put_manifest("a", "1", MANIFEST, &manifest).fails(400, "MANIFEST_BLOB_UNKNOWN").json();
    assert_eq!(errors["errors"].as_array().unwrap().len(), 100);
}
