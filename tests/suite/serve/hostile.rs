//! Clients that mean harm, or are broken.

use std::io::{Read, Write};
use std::net::Shutdown;

use oci::digest::Digest;

use super::client::{Server, content};

#[test]
fn no_path_leaves_the_root() {
    let server = Server::start();
    let secret = server.data.path().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    for path in [
        "/v2/../secret",
        "/v2/%2e%2e/%2e%2e/etc/passwd",
        "/v2/../../../../etc/passwd",
        "/v2/a/../../secret",
        "/v2/a/blobs/..",
        "/v2/a/blobs/../../../secret",
        "/v2/a/blobs/sha256:..%2f..%2fsecret",
        "/v2/a/blobs/uploads/../../../secret",
        "/v2/a/blobs/uploads/..%2f..%2fsecret",
        "/v2/a/manifests/..",
        "/v2/a/manifests/..%2f..%2f..%2fsecret",
        "/v2/a/manifests/%2e%2e",
        "/v2/..%2f..%2fsecret/tags/list",
        "/v2//manifests/1",
        "//v2/a/manifests/1",
        "/v2/a//b/manifests/1",
        "/v2/A/manifests/1",
        "/v2/a%00/manifests/1",
        "/v2/a/manifests/1%00",
        "/v2/a\\..\\b/manifests/1",
        "/v2/_tags/manifests/1",
        "/v2/a/_manifests/manifests/1",
        "/v2/%ff/manifests/1",
    ] {
        let reply = server.raw_reply(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let refused = reply.starts_with("HTTP/1.1 400") || reply.starts_with("HTTP/1.1 404");
        assert!(refused && !reply.contains("root:"), "{path}: {reply}");
    }
    assert_eq!(std::fs::read_to_string(secret).unwrap(), "secret");
    assert_eq!(server.files("repositories") + server.files("blobs") + server.files("uploads"), 0);
}

#[test]
fn names_that_are_none_are_400() {
    let server = Server::start();
    for name in ["A", "a//b", "a_", "-a", "a..b", "a%2Fb%2F..", &"a".repeat(256), &"a/".repeat(200)] {
        server.post(&format!("/v2/{name}/blobs/uploads/")).fails(400, "NAME_INVALID");
    }
    server.post(&format!("/v2/{}/blobs/uploads/", "a".repeat(255))).is(202);
}

#[test]
fn repositories_may_be_called_like_parts_of_paths() {
    let server = Server::start();
    for name in ["blobs", "blobs/uploads", "manifests/tags/list", "referrers", "v2", "uploads"] {
        let (manifest, digest) = server.push_manifest(name, "1");
        assert_eq!(server.get(&format!("/v2/{name}/manifests/{digest}")).is(200).body, manifest);
        assert_eq!(server.get(&format!("/v2/{name}/tags/list")).is(200).json()["name"], name);
    }
}

#[test]
fn very_long_requests_are_refused() {
    let server = Server::start();
    let path = "a".repeat(70_000);
    let reply = server.raw_reply(format!("GET /v2/{path}/tags/list HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
    assert!(reply.starts_with("HTTP/1.1 414") || reply.starts_with("HTTP/1.1 431"), "{reply}");
    let reply = server.raw_reply(format!("GET /v2/ HTTP/1.1\r\nHost: x\r\nX: {path}\r\n\r\n").as_bytes());
    assert!(reply.starts_with("HTTP/1.1 431"), "{reply}");
    let headers: String = (0..500).map(|i| format!("X-{i}: 1\r\n")).collect();
    let reply = server.raw_reply(format!("GET /v2/ HTTP/1.1\r\n{headers}\r\n").as_bytes());
    assert!(reply.starts_with("HTTP/1.1 431"), "{reply}");
    server.get("/v2/").is(200);
}

#[test]
fn what_is_no_http_is_400() {
    let server = Server::start();
    for request in [
        "nonsense\r\n\r\n",
        "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    ] {
        let reply = server.raw_reply(request.as_bytes());
        assert!(reply.starts_with("HTTP/1.1 400"), "{request}: {reply}");
    }
}

#[test]
fn a_truncated_body_stores_nothing_and_can_be_sent_again() {
    let server = Server::start();
    let digest = Digest::of(b"chart");
    let location = server.open("a");
    for method in ["PATCH", "PUT"] {
        let head =
            format!("{method} {location}?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
        let reply = server.raw_reply(format!("{head}cha").as_bytes());
        assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 400"), "{reply}");
        // The session is as it was before the request.
        assert_eq!(server.get(&location).is(204).header("range"), "0-0");
    }
    server.head(&format!("/v2/a/blobs/{digest}")).is(404);
    assert_eq!(server.files("blobs"), 0);
    server.put_blob(&location, &digest, b"chart").is(201);
}

#[test]
fn a_truncated_manifest_is_not_stored() {
    let server = Server::start();
    let config = server.push("a", b"{}");
    let whole =
        format!(r#"{{"schemaVersion":2,"config":{{"mediaType":"x/y","digest":"{config}","size":2}}}}"#);
    let head =
        format!("PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", whole.len() + 9);
    server.raw_reply(format!("{head}{whole}").as_bytes());
    server.get("/v2/a/manifests/1").is(404);
}

#[test]
fn a_body_longer_than_its_length_is_cut_where_it_ends() {
    let server = Server::start();
    let digest = Digest::of(b"chart");
    let location = server.open("a");
    let head = format!("PUT {location}?digest={digest} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n");
    let reply = server.raw_reply(format!("{head}chart and more").as_bytes());
    assert!(reply.starts_with("HTTP/1.1 201"), "{reply}");
    assert_eq!(server.get(&format!("/v2/a/blobs/{digest}")).is(200).body, b"chart");
}

#[test]
fn a_client_that_goes_in_the_middle_of_a_download_hurts_nobody() {
    let server = Server::start();
    let blob = content(8_000_000, 9);
    let digest = server.push("a", &blob);
    for _ in 0..20 {
        let mut stream = server.raw();
        let request = format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_exact(&mut [0; 1000]).unwrap();
        stream.shutdown(Shutdown::Both).unwrap();
    }
    assert_eq!(server.get(&format!("/v2/a/blobs/{digest}")).is(200).body, blob);
}

#[test]
fn many_idle_connections_do_not_keep_others_out() {
    let server = Server::start();
    let idle: Vec<_> = (0..200).map(|_| server.raw()).collect();
    server.push_manifest("a", "1");
    drop(idle);
}
