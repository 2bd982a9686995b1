//! "Content Management": end-9 and end-10.

use oci::digest::Digest;
use oci::media_type::{INDEX, MANIFEST};
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

#[test]
fn a_blob_that_was_deleted_everywhere_is_mounted_nowhere() {
    let server = Server::start();
    let digest = server.push("a", b"chart");
    let mount =
        |to: &str, query: &str| server.post(&format!("/v2/{to}/blobs/uploads/?mount={digest}{query}"));
    mount("b", "").is(201);
    server.delete(&format!("/v2/a/blobs/{digest}")).is(202);
    // One repository still has it.
    mount("c", "&from=a").is(202);
    mount("c", "").is(201);
    server.delete(&format!("/v2/b/blobs/{digest}")).is(202);
    server.delete(&format!("/v2/c/blobs/{digest}")).is(202);
    for query in ["", "&from=a", "&from=b"] {
        mount("d", query).is(202);
    }
    server.head(&format!("/v2/d/blobs/{digest}")).is(404);
    // Nor is what is a manifest somewhere, and a blob nowhere.
    let (_, manifest) = server.push_manifest("a", "1");
    server.post(&format!("/v2/d/blobs/uploads/?mount={manifest}")).is(202);
    server.push("a", b"chart");
    mount("d", "").is(201);
}

#[test]
fn a_manifest_that_was_deleted_is_no_part_of_another() {
    let server = Server::start();
    let (content, digest) = server.push_manifest("a", "1");
    let index = json!({
        "schemaVersion": 2,
        "manifests": [{ "mediaType": MANIFEST, "digest": digest, "size": content.len() }],
    });
    let index = index.to_string().into_bytes();
    server.delete(&format!("/v2/a/manifests/{digest}")).is(202);
    server.put_manifest("a", "2", INDEX, &index).fails(400, "MANIFEST_BLOB_UNKNOWN");
    server.put_manifest("a", "1", MANIFEST, &content).is(201);
    server.put_manifest("a", "2", INDEX, &index).is(201);
}

#[test]
fn delete_of_a_manifest_takes_any_number_of_tags_along() {
    let server = Server::start();
    let (_, digest) = server.push_manifest("a", "1");
    let tags = server.root().join("repositories/a/_tags");
    for number in 0..2_500 {
        std::fs::write(tags.join(format!("t{number}")), digest.to_string()).unwrap();
    }
    server.push_manifest("a", "other");
    server.delete(&format!("/v2/a/manifests/{digest}")).is(202);
    assert_eq!(server.get("/v2/a/tags/list").is(200).json()["tags"], json!(["other"]));
}
