//! "Content Management": end-9 and end-10.

use oci::digest::Digest;
use oci::media_type::MANIFEST;
use serde_json::json;

use super::client::{Server, manifest};

#[test]
fn delete_of_a_tag_leaves_manifest_and_other_tags() {
    let server = Server::start();
    let (manifest, digest) = server.push_manifest("a", "1");
    server.put_manifest("a", "2", MANIFEST, &manifest).is(201);
    server.delete("/v2/a/manifests/1").is(202);
    server.get("/v2/a/manifests/1").fails(404, "MANIFEST_UNKNOWN");
    server.get("/v2/a/manifests/2").is(200);
    server.get(&format!("/v2/a/manifests/{digest}")).is(200);
    assert_eq!(server.get("/v2/a/tags/list").json()["tags"], json!(["2"]));
}

#[test]
fn delete_of_a_manifest_takes_its_tags_along() {
    let server = Server::start();
    let (manifest, digest) = server.push_manifest("a", "1");
    server.put_manifest("a", "2", MANIFEST, &manifest).is(201);
    server.push_manifest("a", "3");
    server.delete(&format!("/v2/a/manifests/{digest}")).is(202);
    for target in ["1", "2", &digest.to_string()] {
        server.get(&format!("/v2/a/manifests/{target}")).fails(404, "MANIFEST_UNKNOWN");
    }
    assert_eq!(server.get("/v2/a/tags/list").is(200).json()["tags"], json!(["3"]));
}

#[test]
fn delete_of_what_is_not_there_is_404() {
    let server = Server::start();
    let (_, digest) = server.push_manifest("a", "1");
    for target in ["2", ".x", &Digest::of(b"other").to_string()] {
        server.delete(&format!("/v2/a/manifests/{target}")).fails(404, "MANIFEST_UNKNOWN");
    }
    server.delete(&format!("/v2/b/manifests/{digest}")).fails(404, "MANIFEST_UNKNOWN");
    server.delete(&format!("/v2/a/blobs/{digest}")).fails(404, "BLOB_UNKNOWN");
    for _ in 0..2 {
        server.delete("/v2/a/manifests/1");
    }
    server.delete("/v2/a/manifests/1").is(404);
}

#[test]
fn delete_of_a_blob_takes_it_from_its_repository_alone() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    server.push("b", b"chart");
    server.delete(&format!("/v2/a/blobs/{digest}")).is(202);
    server.get(&format!("/v2/a/blobs/{digest}")).fails(404, "BLOB_UNKNOWN");
    server.delete(&format!("/v2/a/blobs/{digest}")).fails(404, "BLOB_UNKNOWN");
    server.get(&format!("/v2/b/blobs/{digest}")).is(200);
}

#[test]
fn delete_of_a_referrer_takes_it_from_the_list() {
    let server = Server::start();
    let subject = Digest::of(b"subject");
    let more = json!({ "subject": { "mediaType": MANIFEST, "digest": subject, "size": 7 } });
    let manifest = manifest(&server, "a", "config", &more);
    server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
    let referrers = || server.get(&format!("/v2/a/referrers/{subject}")).json()["manifests"].clone();
    assert_eq!(referrers().as_array().unwrap().len(), 1);
    server.delete(&format!("/v2/a/manifests/{}", Digest::of(&manifest))).is(202);
    assert_eq!(referrers(), json!([]));
}

#[test]
fn delete_of_a_subject_leaves_its_referrers() {
    let server = Server::start();
    let (_, subject) = server.push_manifest("a", "1");
    let more = json!({ "subject": { "mediaType": MANIFEST, "digest": subject, "size": 7 } });
    server.put_manifest("a", "2", MANIFEST, &manifest(&server, "a", "config", &more)).is(201);
    server.delete(&format!("/v2/a/manifests/{subject}")).is(202);
    let index = server.get(&format!("/v2/a/referrers/{subject}")).json();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
}

#[test]
fn what_was_deleted_can_be_pushed_again() {
    let server = Server::start();
    let (manifest, digest) = server.push_manifest("a", "1");
    server.delete(&format!("/v2/a/manifests/{digest}")).is(202);
    server.put_manifest("a", "1", MANIFEST, &manifest).is(201);
    assert_eq!(server.get("/v2/a/manifests/1").is(200).body, manifest);
}

#[test]
fn deleted_content_is_freed_at_the_next_start() {
    let server = Server::start();
    let (_, manifest) = server.push_manifest("a", "1");
    let kept = server.push("a", b"kept");
    let gone = server.push("a", b"gone");
    server.delete(&format!("/v2/a/blobs/{gone}")).is(202);
    server.delete(&format!("/v2/a/manifests/{manifest}")).is(202);
    let server = server.kill_and_restart();
    server.get(&format!("/v2/a/blobs/{kept}")).is(200);
    // What is kept, and the manifest's config.
    assert_eq!(server.files("blobs"), 2);
}
