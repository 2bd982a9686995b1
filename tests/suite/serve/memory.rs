//! The memory of the registry does not grow with what its clients do.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::thread;
use std::time::Duration;

use oci::digest::Digest;
use oci::limits::{MAX_MANIFEST, SERVER_MEMORY};
use oci::media_type::MANIFEST;

use super::client::{Server, content, manifest};

#[track_caller]
fn is_within(server: &Server, what: &str) {
    let peak = server.peak();
    assert!(peak <= SERVER_MEMORY, "{what}: {} MiB", peak >> 20);
}

/// A manifest as large as one may be, of annotations as small as they can be: a million or so values.
fn full_of_annotations(server: &Server, number: usize) -> Vec<u8> {
    let subject = serde_json::json!({ "mediaType": MANIFEST, "digest": Digest::of(b"x"), "size": 1 });
    let more = serde_json::json!({ "subject": subject, "annotations": { "number": number.to_string() } });
    let mut manifest = manifest(server, "a", "config", &more);
    let end = manifest.windows(14).position(|bytes| bytes == b"\"annotations\":").unwrap() + 15;
    let mut annotations = String::new();
    let room = usize::try_from(MAX_MANIFEST).unwrap() - manifest.len();
    for key in 0.. {
        let one = format!("\"{key:x}\":\"\",");
        if annotations.len() + one.len() > room {
            break;
        }
        annotations.push_str(&one);
    }
    manifest.splice(end..end, annotations.into_bytes());
    manifest
}

#[test]
fn large_manifests_at_once_take_turns() {
    let server = Server::start();
    let manifests: Vec<_> = (0..6).map(|number| full_of_annotations(&server, number)).collect();
    thread::scope(|scope| {
        for (number, manifest) in manifests.iter().enumerate() {
            let server = &server;
            let put = move || server.put_manifest("a", &number.to_string(), MANIFEST, manifest);
            // Where it takes too long for all of them to have their turn, they are told to come again.
            scope.spawn(move || (0..20).map(|_| put()).find(|reply| reply.status != 503).unwrap().is(201));
        }
    });
    is_within(&server, "pushed");
    thread::scope(|scope| {
        for (number, manifest) in manifests.iter().enumerate() {
            let server = &server;
            scope.spawn(move || {
                assert_eq!(server.get(&format!("/v2/a/manifests/{number}")).is(200).body, *manifest);
                server.get(&format!("/v2/a/referrers/{}", Digest::of(b"x"))).is(200);
            });
        }
    });
    is_within(&server, "pulled and listed");
    for manifest in &manifests {
        server.delete(&format!("/v2/a/manifests/{}", Digest::of(manifest))).is(202);
    }
    is_within(&server, "deleted");
}

#[test]
fn transfers_take_little_each_however_they_stop() {
    let server = Server::start();
    let blob = content(8 << 20, 13);
    let digest = server.push("a", &blob);
    // Answers that nobody takes, uploads that come fast and then stop, and heads that do not end.
    let get = format!("GET /v2/a/blobs/{digest} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
    let mut put = b"PUT /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 4000000\r\n\r\n".to_vec();
    put.extend_from_slice(&blob[..1 << 20]);
    let mut head = b"GET /v2/ HTTP/1.1\r\nHost: x\r\nX: ".to_vec();
    head.extend_from_slice(&b"x".repeat(31 << 10));
    for (what, sent) in [("downloads", get), ("uploads", put), ("heads", head)] {
        let connections: Vec<_> = (0..440)
            .map(|_| {
                let mut stream = server.raw();
                stream.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
                stream.write_all(&sent).unwrap();
                stream
            })
            .collect();
        // Until all of what was sent has been read.
        server.get("/v2/").is(200);
        thread::sleep(Duration::from_secs(1));
        is_within(&server, what);
        for mut stream in connections {
            let _ = stream.read(&mut [0; 1]);
        }
    }
}

#[test]
fn lists_at_once_take_little_each() {
    let server = Server::start();
    server.push("a", b"chart");
    let tags = server.root().join("repositories/a/_tags");
    fs::create_dir(&tags).unwrap();
    for number in 0..20_000 {
        File::create(tags.join(format!("{number:05}{:0123}", 0))).unwrap();
    }
    thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let page = server.get("/v2/a/tags/list");
                assert!(page.status == 200 || page.status == 503 && page.header("retry-after") == "2");
            });
        }
    });
    is_within(&server, "tags");
}
