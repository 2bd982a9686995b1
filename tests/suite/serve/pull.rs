//! "Pull": end-1, end-2 and end-3.

use oci::digest::Digest;
use oci::media_type::MANIFEST;

use super::client::{Server, content};

const NOTHING: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn the_base_says_that_the_spec_is_implemented() {
    let server = Server::start();
    for path in ["/v2/", "/v2"] {
        let reply = server.get(path).is(200);
        assert_eq!(reply.header("docker-distribution-api-version"), "registry/2.0");
        server.head(path).is(200);
    }
}

#[test]
fn get_of_a_blob_gives_it_with_its_digest_and_length() {
    let server = Server::start();
    let blob = content(300_000, 1);
    let digest = server.push("a/b", &blob);
    let reply = server.get(&format!("/v2/a/b/blobs/{digest}")).is(200);
    assert_eq!(reply.body, blob);
    assert_eq!(reply.header("docker-content-digest"), digest.to_string());
    assert_eq!(reply.header("content-length"), "300000");
    assert_eq!(reply.header("content-type"), "application/octet-stream");
}

#[test]
fn get_of_an_empty_blob_gives_nothing() {
    let server = Server::start();
    let digest = server.push("a", b"");
    assert_eq!(server.get(&format!("/v2/a/blobs/{digest}")).is(200).body, b"");
}

#[test]
fn head_of_a_blob_gives_digest_and_length_without_the_blob() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    let reply = server.head(&format!("/v2/a/blobs/{digest}")).is(200);
    assert_eq!(reply.header("docker-content-digest"), digest.to_string());
    assert_eq!(reply.header("content-length"), "5");
    assert_eq!(reply.body, b"");
}

#[test]
fn a_blob_that_is_not_there_is_404() {
    let server = Server::start();
    server.push("a", b"chart");
    let reply = server.get(&format!("/v2/a/blobs/{NOTHING}")).fails(404, "BLOB_UNKNOWN");
    assert_eq!(reply.json()["errors"][0]["detail"]["digest"], NOTHING);
    server.head(&format!("/v2/a/blobs/{NOTHING}")).is(404);
}

#[test]
fn a_blob_of_another_repository_is_404() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    server.push("b", b"other");
    server.get(&format!("/v2/b/blobs/{digest}")).fails(404, "BLOB_UNKNOWN");
}

#[test]
fn a_digest_that_is_none_is_400() {
    let server = Server::start();
    for digest in ["sha256:abc", "md5:00", "abc", &NOTHING.replace('0', "A")] {
        server.get(&format!("/v2/a/blobs/{digest}")).fails(400, "DIGEST_INVALID");
    }
}

#[test]
fn get_of_a_manifest_by_tag_gives_the_same_bytes_and_type() {
    let server = Server::start();
    let (manifest, digest) = server.push_manifest("a", "1.0.0");
    let reply = server.get("/v2/a/manifests/1.0.0").is(200);
    assert_eq!(reply.body, manifest);
    assert_eq!(reply.header("content-type"), MANIFEST);
    assert_eq!(reply.header("docker-content-digest"), digest.to_string());
}

#[test]
fn get_of_a_manifest_by_digest_gives_the_same_bytes_and_type() {
    let server = Server::start();
    let (manifest, digest) = server.push_manifest("a", "1.0.0");
    for digest in [digest.to_string(), digest.to_string().replace(':', "%3A")] {
        let reply = server.get(&format!("/v2/a/manifests/{digest}")).is(200);
        assert_eq!(reply.body, manifest);
        assert_eq!(reply.header("content-type"), MANIFEST);
    }
}

#[test]
fn head_of_a_manifest_gives_digest_length_and_type() {
    let server = Server::start();
    let (manifest, digest) = server.push_manifest("a", "1.0.0");
    for target in ["1.0.0", &digest.to_string()] {
        let reply = server.head(&format!("/v2/a/manifests/{target}")).is(200);
        assert_eq!(reply.header("docker-content-digest"), digest.to_string());
        assert_eq!(reply.header("content-length"), manifest.len().to_string());
        assert_eq!(reply.header("content-type"), MANIFEST);
    }
}

#[test]
fn a_manifest_that_is_not_there_is_404() {
    let server = Server::start();
    server.push_manifest("a", "1.0.0");
    for path in ["a/manifests/2.0.0", &format!("a/manifests/{NOTHING}"), "b/manifests/1.0.0"] {
        server.get(&format!("/v2/{path}")).fails(404, "MANIFEST_UNKNOWN");
        server.head(&format!("/v2/{path}")).is(404);
    }
    // What the conformance tests of the spec ask for.
    server.get("/v2/a/manifests/.INVALID_MANIFEST_NAME").fails(404, "MANIFEST_UNKNOWN");
}

#[test]
fn a_manifest_is_no_blob_and_a_blob_no_manifest() {
    let server = Server::start();
    let (_, manifest) = server.push_manifest("a", "1.0.0");
    let blob = server.push("a", b"{}");
    server.get(&format!("/v2/a/blobs/{manifest}")).fails(404, "BLOB_UNKNOWN");
    server.get(&format!("/v2/a/manifests/{blob}")).fails(404, "MANIFEST_UNKNOWN");
}

#[test]
fn ranges_of_a_blob_are_206_with_their_place() {
    let server = Server::start();
    let blob = content(1000, 2);
    let path = format!("/v2/a/blobs/{}", server.push("a", &blob));
    assert_eq!(server.get(&path).is(200).header("accept-ranges"), "bytes");
    for (range, place, expected) in [
        ("bytes=0-0", "bytes 0-0/1000", &blob[..1]),
        ("bytes=100-199", "bytes 100-199/1000", &blob[100..200]),
        ("bytes=900-", "bytes 900-999/1000", &blob[900..]),
        ("bytes=900-5000", "bytes 900-999/1000", &blob[900..]),
        ("bytes=-10", "bytes 990-999/1000", &blob[990..]),
        ("bytes=-5000", "bytes 0-999/1000", &blob[..]),
    ] {
        let reply = server.send("GET", &path, &[("Range", range)], None).is(206);
        assert_eq!(reply.header("content-range"), place, "{range}");
        assert_eq!(reply.header("content-length"), expected.len().to_string(), "{range}");
        assert_eq!(reply.body, expected, "{range}");
    }
}

#[test]
fn a_range_outside_a_blob_is_416_with_its_size() {
    let server = Server::start();
    let path = format!("/v2/a/blobs/{}", server.push("a", &content(1000, 3)));
    for range in ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=500-0"] {
        let reply = server.send("GET", &path, &[("Range", range)], None).is(416);
        assert_eq!(reply.header("content-range"), "bytes */1000", "{range}");
        assert_eq!(reply.header("content-length"), reply.body.len().to_string(), "{range}");
    }
}

#[test]
fn ranges_that_cannot_be_read_are_ignored() {
    let server = Server::start();
    let path = format!("/v2/a/blobs/{}", server.push("a", b"chart"));
    for range in ["bytes=0-1,3-4", "lines=1-2", "bytes"] {
        assert_eq!(server.send("GET", &path, &[("Range", range)], None).is(200).body, b"chart", "{range}");
    }
    let reply = server.send("HEAD", &path, &[("Range", "bytes=0-1")], None).is(200);
    assert_eq!(reply.header("content-length"), "5");
}

#[test]
fn a_range_of_something_else_gives_all_of_it() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    let path = format!("/v2/a/blobs/{digest}");
    let range =
        |condition: &str| server.send("GET", &path, &[("Range", "bytes=1-2"), ("If-Range", condition)], None);
    assert_eq!(range(&format!("\"{digest}\"")).is(206).body, b"ha");
    assert_eq!(range("\"other\"").is(200).body, b"chart");
}

#[test]
fn what_the_client_has_already_is_304() {
    let server = Server::start();
    let blob = server.push("a", b"chart");
    server.push_manifest("a", "1");
    for path in [format!("/v2/a/blobs/{blob}"), "/v2/a/manifests/1".to_owned()] {
        let etag = server.get(&path).is(200).header("etag").to_owned();
        for method in ["GET", "HEAD"] {
            let reply = server.send(method, &path, &[("If-None-Match", &etag)], None).is(304);
            assert_eq!(reply.header("etag"), etag);
            assert_eq!(reply.body, b"");
            server.send(method, &path, &[("If-None-Match", "\"other\"")], None).is(200);
        }
    }
}

#[test]
fn the_etag_of_a_tag_changes_with_its_manifest() {
    let server = Server::start();
    server.push_manifest("a", "1");
    let before = server.head("/v2/a/manifests/1").header("etag").to_owned();
    let (manifest, digest) = server.push_manifest("a", "2");
    server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
    let reply = server.send("GET", "/v2/a/manifests/1", &[("If-None-Match", &before)], None).is(200);
    assert_eq!(reply.header("docker-content-digest"), digest.to_string());
    assert_eq!(Digest::of(&reply.body), digest);
}

#[test]
fn a_method_that_an_endpoint_lacks_is_405_with_those_it_has() {
    let server = Server::start();
    for (method, path, allow) in [
        ("DELETE", "/v2/", "GET, HEAD"),
        ("PUT", "/v2/a/tags/list", "GET, HEAD"),
        ("POST", "/v2/a/manifests/1", "GET, HEAD, PUT, DELETE"),
        ("GET", "/v2/a/blobs/uploads/", "POST"),
        ("POST", "/v2/a/blobs/uploads/1", "GET, HEAD, PATCH, PUT, DELETE"),
        ("PUT", &format!("/v2/a/blobs/{NOTHING}"), "GET, HEAD, DELETE"),
        ("DELETE", &format!("/v2/a/referrers/{NOTHING}"), "GET, HEAD"),
    ] {
        let body = matches!(method, "PUT" | "POST").then_some(&b""[..]);
        let reply = server.send(method, path, &[], body).fails(405, "UNSUPPORTED");
        assert_eq!(reply.header("allow"), allow, "{method} {path}");
    }
}

#[test]
fn errors_have_the_form_of_the_spec() {
    let server = Server::start();
    let error = &server.get("/v2/a/manifests/1").is(404).json()["errors"][0];
    assert_eq!(error["code"], "MANIFEST_UNKNOWN");
    assert_eq!(error["message"], "manifest unknown to registry");
    assert_eq!(error["detail"]["reference"], "1");
}
