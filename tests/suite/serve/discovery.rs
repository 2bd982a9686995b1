//! "Content Discovery": end-8a, end-8b, end-12a, end-12b, and the catalog.

use oci::digest::Digest;
use oci::media_type::{INDEX, MANIFEST};
use serde_json::{Value, json};

use super::client::{Server, manifest};

fn server_with_tags() -> Server {
    let server = Server::start();
    let manifest = manifest(&server, "a", "config", &json!({}));
    for tag in ["b", "C", "a", "c"] {
        server.put_manifest("a", tag, MANIFEST, &manifest).is(201);
    }
    server
}

#[test]
fn tags_are_listed_in_lexical_order() {
    let server = server_with_tags();
    let expected = json!({ "name": "a", "tags": ["a", "b", "C", "c"] });
    assert_eq!(server.get("/v2/a/tags/list").is(200).json(), expected);
}

#[test]
fn a_repository_without_tags_has_an_empty_list() {
    let server = Server::start();
    server.push("a", b"chart");
    assert_eq!(server.get("/v2/a/tags/list").is(200).json(), json!({ "name": "a", "tags": [] }));
}

#[test]
fn tags_of_an_unknown_repository_are_404() {
    let server = Server::start();
    server.push("a/b", b"chart");
    server.get("/v2/a/tags/list").fails(404, "NAME_UNKNOWN");
    server.get("/v2/b/tags/list").fails(404, "NAME_UNKNOWN");
}

#[test]
fn n_limits_tags_and_links_to_the_rest() {
    let server = server_with_tags();
    let reply = server.get("/v2/a/tags/list?n=2").is(200);
    assert_eq!(reply.json()["tags"], json!(["a", "b"]));
    assert_eq!(reply.header("link"), "</v2/a/tags/list?n=2&last=b>; rel=\"next\"");
    let rest = server.get("/v2/a/tags/list?n=2&last=b").is(200);
    assert_eq!(rest.json()["tags"], json!(["C", "c"]));
    assert!(!rest.headers.contains_key("link"));
}

#[test]
fn n_of_zero_is_an_empty_list_without_a_link() {
    let server = server_with_tags();
    let reply = server.get("/v2/a/tags/list?n=0").is(200);
    assert_eq!(reply.json()["tags"], json!([]));
    assert!(!reply.headers.contains_key("link"));
}

#[test]
fn n_above_the_number_of_tags_is_all_without_a_link() {
    let server = server_with_tags();
    let reply = server.get("/v2/a/tags/list?n=100").is(200);
    assert_eq!(reply.json()["tags"].as_array().unwrap().len(), 4);
    assert!(!reply.headers.contains_key("link"));
}

#[test]
fn last_is_not_in_the_list_and_need_not_exist() {
    let server = server_with_tags();
    let tags =
        |last: &str| server.get(&format!("/v2/a/tags/list?last={last}")).is(200).json()["tags"].clone();
    assert_eq!(tags("a"), json!(["b", "C", "c"]));
    assert_eq!(tags("bb"), json!(["C", "c"]));
    assert_eq!(tags("c"), json!([]));
}

#[test]
fn n_that_is_no_number_is_400() {
    let server = server_with_tags();
    server.get("/v2/a/tags/list?n=x").fails(400, "UNSUPPORTED");
    server.get("/v2/a/tags/list?n=-1").fails(400, "UNSUPPORTED");
}

#[test]
fn the_catalog_lists_repositories_page_by_page() {
    let server = Server::start();
    assert_eq!(server.get("/v2/_catalog").is(200).json(), json!({ "repositories": [] }));
    for name in ["b", "a/b", "a", "tags/list"] {
        server.push_manifest(name, "1");
    }
    assert_eq!(server.get("/v2/_catalog").json()["repositories"], json!(["a", "a/b", "b", "tags/list"]));
    let reply = server.get("/v2/_catalog?n=2").is(200);
    assert_eq!(reply.json()["repositories"], json!(["a", "a/b"]));
    assert_eq!(reply.header("link"), "</v2/_catalog?n=2&last=a%2Fb>; rel=\"next\"");
    let reply = server.get("/v2/_catalog?n=2&last=a%2Fb").is(200);
    assert_eq!(reply.json()["repositories"], json!(["b", "tags/list"]));
    assert!(!reply.headers.contains_key("link"));
}

/// A subject that is not there, with three referrers of two kinds.
fn server_with_referrers() -> (Server, String) {
    let server = Server::start();
    let digest = Digest::of(b"subject");
    let subject = json!({ "mediaType": MANIFEST, "digest": digest, "size": 7 });
    let own =
        json!({ "subject": subject, "artifactType": "application/vnd.a+json", "annotations": { "k": "v" } });
    let own = manifest(&server, "a", "one", &own);
    let config = manifest(&server, "a", "two", &json!({ "subject": subject }));
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [], "subject": subject });
    server.put_manifest("a", "own", MANIFEST, &own).is(201);
    server.put_manifest("a", &Digest::of(&config).to_string(), MANIFEST, &config).is(201);
    server.put_manifest("a", "index", INDEX, index.to_string().as_bytes()).is(201);
    (server, digest.to_string())
}

fn by_type<'a>(index: &'a Value, artifact_type: Option<&str>) -> &'a Value {
    let manifests = index["manifests"].as_array().unwrap();
    manifests.iter().find(|m| m.get("artifactType").and_then(Value::as_str) == artifact_type).unwrap()
}

#[test]
fn referrers_are_an_index() {
    let (server, subject) = server_with_referrers();
    let reply = server.get(&format!("/v2/a/referrers/{subject}")).is(200);
    assert_eq!(reply.header("content-type"), INDEX);
    assert!(!reply.headers.contains_key("oci-filters-applied"));
    let index = reply.json();
    assert_eq!(index["schemaVersion"], 2);
    assert_eq!(index["mediaType"], INDEX);
    assert_eq!(index["manifests"].as_array().unwrap().len(), 3);
}

#[test]
fn referrers_have_the_artifact_type_and_annotations_of_their_manifest() {
    let (server, subject) = server_with_referrers();
    let index = server.get(&format!("/v2/a/referrers/{subject}")).json();
    let own = by_type(&index, Some("application/vnd.a+json"));
    let manifest = server.get("/v2/a/manifests/own");
    assert_eq!(own["mediaType"], MANIFEST);
    assert_eq!(own["digest"], manifest.header("docker-content-digest"));
    assert_eq!(own["size"], manifest.body.len());
    assert_eq!(own["annotations"], json!({ "k": "v" }));
}

#[test]
fn referrers_without_artifact_type_have_that_of_their_config() {
    let (server, subject) = server_with_referrers();
    let index = server.get(&format!("/v2/a/referrers/{subject}")).json();
    by_type(&index, Some("application/vnd.example.config"));
}

#[test]
fn a_referring_index_without_artifact_type_has_none() {
    let (server, subject) = server_with_referrers();
    let index = server.get(&format!("/v2/a/referrers/{subject}")).json();
    assert_eq!(by_type(&index, None)["mediaType"], INDEX);
}

#[test]
fn referrers_are_filtered_by_artifact_type() {
    let (server, subject) = server_with_referrers();
    for filter in ["application%2Fvnd.a%2Bjson", "application/vnd.a+json"] {
        let reply = server.get(&format!("/v2/a/referrers/{subject}?artifactType={filter}")).is(200);
        assert_eq!(reply.header("oci-filters-applied"), "artifactType");
        assert_eq!(reply.json()["manifests"].as_array().unwrap().len(), 1);
    }
    let reply = server.get(&format!("/v2/a/referrers/{subject}?artifactType=x/y")).is(200);
    assert_eq!(reply.json()["manifests"], json!([]));
}

#[test]
fn no_referrers_are_an_empty_list_and_never_404() {
    let (server, _) = server_with_referrers();
    for path in ["a", "unknown"] {
        let reply = server.get(&format!("/v2/{path}/referrers/{}", Digest::of(b"other"))).is(200);
        assert_eq!(reply.header("content-type"), INDEX);
        assert_eq!(reply.json()["manifests"], json!([]));
    }
}

#[test]
fn referrers_of_what_is_no_digest_are_400() {
    let server = Server::start();
    server.get("/v2/a/referrers/sha256:abc").fails(400, "DIGEST_INVALID");
    server.get("/v2/a/referrers/1.0.0").fails(400, "DIGEST_INVALID");
}

#[test]
fn referrers_stay_in_their_repository() {
    let (server, subject) = server_with_referrers();
    server.push_manifest("b", "1");
    assert_eq!(server.get(&format!("/v2/b/referrers/{subject}")).json()["manifests"], json!([]));
}
