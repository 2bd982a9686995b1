//! "Pushing blobs": end-4a, end-4b, end-5, end-6, end-11, end-13, and cancelling.

use std::thread;

use oci::digest::Digest;

use super::client::{Server, content, sha512};

#[test]
fn post_opens_a_session_with_a_uuid_in_its_location() {
    let server = Server::start();
    let reply = server.post("/v2/a/b/blobs/uploads/").is(202);
    let id = reply.header("location").strip_prefix("/v2/a/b/blobs/uploads/").unwrap();
    assert_eq!(id.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12], "{id}");
    assert_eq!(reply.header("docker-upload-uuid"), id);
    assert_eq!(reply.header("range"), "0-0");
}

#[test]
fn post_then_put_makes_a_blob_that_can_be_pulled_at_its_location() {
    let server = Server::start();
    let blob = content(200_000, 4);
    let digest = Digest::of(&blob);
    let reply = server.put_blob(&server.open("a"), &digest, &blob).is(201);
    assert_eq!(reply.header("docker-content-digest"), digest.to_string());
    assert_eq!(server.get(reply.header("location")).is(200).body, blob);
}

#[test]
fn a_single_post_makes_a_blob() {
    let server = Server::start();
    let blob = content(200_000, 5);
    let path = format!("/v2/a/blobs/uploads/?digest={}", Digest::of(&blob));
    let reply = server.send("POST", &path, &[], Some(&blob)).is(201);
    assert_eq!(server.get(reply.header("location")).is(200).body, blob);
    assert_eq!(server.files("uploads"), 0);
}

#[test]
fn a_single_post_with_another_digest_stores_nothing() {
    let server = Server::start();
    let path = format!("/v2/a/blobs/uploads/?digest={}", Digest::of(b"chart"));
    server.send("POST", &path, &[], Some(b"chert")).fails(400, "DIGEST_INVALID");
    assert_eq!(server.files("blobs") + server.files("uploads"), 0);
}

#[test]
fn chunks_in_order_make_a_blob() {
    let server = Server::start();
    let blob = content(300, 6);
    let first = server.patch(&server.open("a"), "0-99", &blob[..100]).is(202);
    assert_eq!(first.header("range"), "0-99");
    let second = server.patch(first.header("location"), "100-249", &blob[100..250]).is(202);
    assert_eq!(second.header("range"), "0-249");
    let path = format!("{}?digest={}", second.header("location"), Digest::of(&blob));
    let reply = server.send("PUT", &path, &[("Content-Range", "250-299")], Some(&blob[250..])).is(201);
    assert_eq!(server.get(reply.header("location")).is(200).body, blob);
}

#[test]
fn a_session_can_be_closed_without_a_last_chunk() {
    let server = Server::start();
    let location = server.open("a");
    server.patch(&location, "0-4", b"chart").is(202);
    server.put_blob(&location, &Digest::of(b"chart"), b"").is(201);
    server.head(&format!("/v2/a/blobs/{}", Digest::of(b"chart"))).is(200);
}

#[test]
fn a_stream_without_content_range_makes_a_blob() {
    let server = Server::start();
    let location = server.open("a");
    for (piece, range) in [(&b"cha"[..], "0-2"), (b"rt", "0-4")] {
        let reply = server.send("PATCH", &location, &[], Some(piece)).is(202);
        assert_eq!(reply.header("range"), range);
    }
    server.put_blob(&location, &Digest::of(b"chart"), b"").is(201);
}

#[test]
fn a_body_in_transfer_chunks_makes_a_blob() {
    let server = Server::start();
    let location = server.open("a");
    let request = format!(
        "PATCH {location} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ncha\r\n2\r\nrt\r\n0\r\n\r\n"
    );
    assert!(server.raw_reply(request.as_bytes()).starts_with("HTTP/1.1 202"));
    server.put_blob(&location, &Digest::of(b"chart"), b"").is(201);
}

#[test]
fn a_chunk_out_of_order_is_416_with_the_way_on() {
    let server = Server::start();
    let location = server.open("a");
    server.patch(&location, "5-9", b"chart").fails(416, "BLOB_UPLOAD_INVALID");
    server.patch(&location, "0-4", b"chart").is(202);
    for range in ["0-4", "4-8", "6-10", "5-4"] {
        let reply = server.patch(&location, range, b"chart").is(416);
        assert_eq!(reply.header("location"), location, "{range}");
        assert_eq!(reply.header("range"), "0-4", "{range}");
    }
    server.patch(&location, "5-9", b"chart").is(202);
    server.put_blob(&location, &Digest::of(b"chartchart"), b"").is(201);
}

#[test]
fn a_last_chunk_out_of_order_is_416() {
    let server = Server::start();
    let location = server.open("a");
    let path = format!("{location}?digest={}", Digest::of(b"chart"));
    server.send("PUT", &path, &[("Content-Range", "1-5")], Some(b"chart")).is(416);
    server.send("PUT", &path, &[("Content-Range", "0-4")], Some(b"chart")).is(201);
}

#[test]
fn a_content_range_that_is_none_is_416() {
    let server = Server::start();
    let location = server.open("a");
    for range in
        ["bytes 0-4/5", "bytes=0-4", "0", "-4", "0-", "a-b", "+0-4", "0-4/5", "0-18446744073709551615"]
    {
        server.patch(&location, range, b"chart").is(416);
    }
}

#[test]
fn a_chunk_of_another_length_than_its_range_is_400() {
    let server = Server::start();
    let location = server.open("a");
    server.patch(&location, "0-9", b"chart").fails(400, "SIZE_INVALID");
    server.patch(&location, "0-3", b"chart").fails(400, "SIZE_INVALID");
    assert_eq!(server.get(&location).is(204).header("range"), "0-0");
    for (range, chunk) in [("0-4", "3\r\ncha\r\n"), ("0-1", "3\r\ncha\r\n")] {
        let request = format!(
            "PATCH {location} HTTP/1.1\r\nHost: x\r\nContent-Range: {range}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n"
        );
        assert!(server.raw_reply(request.as_bytes()).starts_with("HTTP/1.1 400"), "{range}");
    }
    server.patch(&location, "0-4", b"chart").is(202);
}

#[test]
fn get_of_a_session_tells_how_far_it_is() {
    let server = Server::start();
    let location = server.open("a");
    server.patch(&location, "0-4", b"chart").is(202);
    let reply = server.get(&location).is(204);
    assert_eq!(reply.header("range"), "0-4");
    assert_eq!(reply.header("location"), location);
}

#[test]
fn delete_of_a_session_ends_it() {
    let server = Server::start();
    let location = server.open("a");
    server.patch(&location, "0-4", b"chart").is(202);
    assert_eq!(server.files("uploads"), 1);
    server.delete(&location).is(204);
    assert_eq!(server.files("uploads"), 0);
    server.delete(&location).fails(404, "BLOB_UPLOAD_UNKNOWN");
    server.get(&location).fails(404, "BLOB_UPLOAD_UNKNOWN");
    server.patch(&location, "5-9", b"chart").fails(404, "BLOB_UPLOAD_UNKNOWN");
    server.put_blob(&location, &Digest::of(b"chart"), b"").fails(404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn a_session_belongs_to_its_repository() {
    let server = Server::start();
    let elsewhere = server.open("a").replace("/v2/a/", "/v2/b/");
    server.get(&elsewhere).fails(404, "BLOB_UPLOAD_UNKNOWN");
    server.delete(&elsewhere).fails(404, "BLOB_UPLOAD_UNKNOWN");
    server.put_blob(&elsewhere, &Digest::of(b"chart"), b"chart").fails(404, "BLOB_UPLOAD_UNKNOWN");
}

#[test]
fn a_session_is_over_once_it_is_closed() {
    let server = Server::start();
    let location = server.open("a");
    server.put_blob(&location, &Digest::of(b"chart"), b"chart").is(201);
    server.get(&location).fails(404, "BLOB_UPLOAD_UNKNOWN");
    server.put_blob(&location, &Digest::of(b"chart"), b"chart").fails(404, "BLOB_UPLOAD_UNKNOWN");
    assert_eq!(server.files("uploads"), 0);
}

#[test]
fn a_wrong_digest_is_400_and_nothing_is_stored() {
    let server = Server::start();
    let location = server.open("a");
    let reply = server.put_blob(&location, &Digest::of(b"chart"), b"chert").fails(400, "DIGEST_INVALID");
    assert_eq!(reply.json()["errors"][0]["detail"]["found"], Digest::of(b"chert").to_string());
    server.head(&format!("/v2/a/blobs/{}", Digest::of(b"chart"))).is(404);
    server.head(&format!("/v2/a/blobs/{}", Digest::of(b"chert"))).is(404);
    assert_eq!(server.files("blobs") + server.files("uploads"), 0);
}

#[test]
fn a_session_cannot_be_closed_without_a_digest() {
    let server = Server::start();
    let location = server.open("a");
    server.send("PUT", &location, &[], Some(b"chart")).fails(400, "DIGEST_INVALID");
    server.send("PUT", &format!("{location}?digest=x"), &[], Some(b"chart")).fails(400, "DIGEST_INVALID");
    server.put_blob(&location, &Digest::of(b"chart"), b"chart").is(201);
}

#[test]
fn blobs_may_have_sha512_digests() {
    let server = Server::start();
    let blob = content(5000, 7);
    let digest = sha512(&blob);
    // At once, in one request, and in chunks of which nobody knew the algorithm.
    server.put_blob(&server.open("a"), &digest, &blob).is(201);
    let path = format!("/v2/b/blobs/uploads/?digest={digest}");
    server.send("POST", &path, &[], Some(&blob)).is(201);
    let location = server.open("c");
    server.patch(&location, "0-999", &blob[..1000]).is(202);
    server.put_blob(&location, &digest, &blob[1000..]).is(201);
    for name in ["a", "b", "c"] {
        let reply = server.get(&format!("/v2/{name}/blobs/{digest}")).is(200);
        assert_eq!(reply.header("docker-content-digest"), digest.to_string());
        assert_eq!(reply.body, blob);
    }
    server.put_blob(&server.open("a"), &sha512(b"chart"), b"chert").fails(400, "DIGEST_INVALID");
}

#[test]
fn a_blob_is_mounted_from_another_repository() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    let reply = server.post(&format!("/v2/b/c/blobs/uploads/?mount={digest}&from=a")).is(201);
    assert_eq!(reply.header("docker-content-digest"), digest.to_string());
    assert_eq!(server.get(reply.header("location")).is(200).body, b"chart");
}

#[test]
fn a_blob_is_mounted_from_wherever_it_is() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    let reply = server.post(&format!("/v2/b/blobs/uploads/?mount={digest}")).is(201);
    assert_eq!(server.get(reply.header("location")).is(200).body, b"chart");
}

#[test]
fn what_cannot_be_mounted_can_be_uploaded() {
    let server = Server::start();
    let (here, nowhere) = (server.push("a", b"chart"), Digest::of(b"nothing"));
    for query in [
        format!("mount={nowhere}&from=a"),
        format!("mount={nowhere}"),
        format!("mount={here}&from=other"),
        format!("mount={here}&from=../a"),
        "mount=x&from=a".to_owned(),
    ] {
        let reply = server.post(&format!("/v2/b/blobs/uploads/?{query}")).is(202);
        server.put_blob(reply.header("location"), &here, b"chart").is(201);
        server.delete(&format!("/v2/b/blobs/{here}")).is(202);
    }
}

#[test]
fn a_blob_that_is_there_can_be_pushed_again() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    server.push("a", b"chart");
    server.push("b", b"chart");
    assert_eq!(server.files("blobs"), 1);
    assert_eq!(server.get(&format!("/v2/a/blobs/{digest}")).is(200).body, b"chart");
}

#[test]
fn blobs_cannot_be_written_to_once_they_are_there() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start();
    let digest = server.push("a", b"chart");
    let path = server.root().join("blobs/sha256").join(digest.hex());
    assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o444);
}

#[test]
fn many_clients_push_the_same_blob_at_once() {
    let server = Server::start();
    let blob = content(2_000_000, 8);
    let digest = Digest::of(&blob);
    thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| server.push("a", &blob));
        }
    });
    assert_eq!(server.get(&format!("/v2/a/blobs/{digest}")).is(200).body, blob);
    assert_eq!((server.files("blobs"), server.files("uploads")), (1, 0));
}

#[test]
fn many_clients_push_different_blobs_at_once() {
    let server = Server::start();
    thread::scope(|scope| {
        for client in 0..12 {
            let server = &server;
            scope.spawn(move || {
                for blob in 0..5 {
                    let blob = content(100_000 + blob, client * 100 + blob as u64);
                    let digest = server.push(&format!("r{}", client % 3), &blob);
                    let path = format!("/v2/r{}/blobs/{digest}", client % 3);
                    assert_eq!(server.get(&path).is(200).body, blob);
                }
            });
        }
    });
    assert_eq!((server.files("blobs"), server.files("uploads")), (60, 0));
}
