//! The registry client: what is about a manifest, found and written.

use std::thread;

use oci::digest::Digest;
use oci::graph::Node;
use oci::media_type::{INDEX, MANIFEST};
use oci::registry::{Client, ListedBy, RepositoryClient};
use serde_json::json;

use super::world::{SBOM, There, descriptor, impatient, referrer};
use crate::common::mock::{Mock, on};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

const SUBJECT: &[u8] = br#"{"schemaVersion":2,"config":{},"layers":[]}"#;

fn client(mock: &Mock) -> RepositoryClient {
    let client = Client::new(&impatient()).unwrap();
    client.repository(&mock.host().parse().unwrap(), &"a".parse().unwrap()).unwrap().for_push()
}

fn list() -> String {
    format!("GET /v2/a/referrers/{}", Digest::of(SUBJECT))
}

/// The tag of the referrers tag schema.
fn tag() -> String {
    Digest::of(SUBJECT).to_string().replace(':', "-")
}

fn index(members: &[serde_json::Value]) -> Vec<u8> {
    json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": members }).to_string().into_bytes()
}

#[test]
fn a_list_is_read_to_its_last_page_and_what_is_no_descriptor_is_left_out() {
    let (one, two) = (descriptor(MANIFEST, b"one"), descriptor(MANIFEST, b"two"));
    let next = format!("</v2/a/referrers/{}?last=x>; rel=\"next\"", Digest::of(SUBJECT));
    let uploads = json!({ "mediaType": MANIFEST, "digest": "_uploads", "size": 0 });
    let mock = Mock::script([
        on(&list()).answer(200, &[("Content-Type", INDEX), ("Link", &next)], &index(&[one.clone(), uploads])),
        on(&format!("{}?last=x", list())).answer(200, &[("Content-Type", INDEX)], &index(&[two, one])),
    ]);
    let referrers = client(&mock).referrers(&Digest::of(SUBJECT)).unwrap();
    assert_eq!(referrers.by, ListedBy::Registry);
    let found: Vec<_> = referrers.members.into_iter().map(|member| member.digest).collect();
    assert_eq!(found, [Digest::of(b"one"), Digest::of(b"two")]);
    mock.is_done();
}

#[test]
fn an_empty_list_is_a_list_and_only_404_is_none() {
    let mock = Mock::script([on(&list()).answer(200, &[("Content-Type", INDEX)], &index(&[]))]);
    let referrers = client(&mock).referrers(&Digest::of(SUBJECT)).unwrap();
    assert_eq!((referrers.by, referrers.members), (ListedBy::Registry, vec![]));
    mock.is_done();

    let one = descriptor(MANIFEST, b"one");
    for status in [404, 405, 501] {
        let found = index(std::slice::from_ref(&one));
        let mock = Mock::script([
            on(&list()).answer(status, &[], b""),
            on(&format!("GET /v2/a/manifests/{}", tag())).answer(200, &[("Content-Type", INDEX)], &found),
            // It is not asked a second time for what it does not have.
            on(&format!("GET /v2/a/manifests/{}", tag())).answer(404, &[], b""),
        ]);
        let client = client(&mock);
        let referrers = client.referrers(&Digest::of(SUBJECT)).unwrap();
        assert_eq!(referrers.by, ListedBy::Clients, "{status}");
        assert_eq!(referrers.members[0].digest, Digest::of(b"one"), "{status}");
        assert_eq!(client.referrers(&Digest::of(SUBJECT)).unwrap().members, [], "{status}");
        mock.is_done();
    }
    // Whatever else comes is no answer: what cannot be read is not unsigned.
    for status in [401, 403, 500] {
        let mock = Mock::serve(move |request| on(&request.line).answer(status, &[], b""));
        assert!(client(&mock).referrers(&Digest::of(SUBJECT)).is_err(), "{status}");
    }
    let mock = Mock::script([on(&list()).answer(200, &[("Content-Type", "text/html")], b"<html>")]);
    assert!(client(&mock).referrers(&Digest::of(SUBJECT)).is_err());
}

#[test]
fn a_tag_that_is_the_image_itself_has_no_members() {
    let manifest = referrer(b"other", SBOM, "x");
    let mock = Mock::script([
        on(&list()).answer(404, &[], b""),
        on(&format!("GET /v2/a/manifests/{}", tag())).answer(200, &[("Content-Type", MANIFEST)], &manifest),
    ]);
    assert_eq!(client(&mock).referrers(&Digest::of(SUBJECT)).unwrap().members, []);
}

/// Puts an attached manifest as a command does, and indexes it where the registry does not.
fn attach(client: &RepositoryClient, subject: &Digest, manifest: &[u8]) -> bool {
    let digest = Digest::of(manifest);
    let node = Node::parse(manifest, MANIFEST).unwrap();
    let left = client.put_attached((&digest).into(), MANIFEST, manifest, Some(subject)).unwrap();
    if left {
        let listed = node.as_referrer(digest, manifest.len() as u64);
        client.index_referrers(subject, &[listed]).unwrap();
    }
    left
}

#[test]
fn a_registry_that_names_the_subject_lists_by_itself() {
    let manifest = referrer(SUBJECT, SBOM, "x");
    let (subject, put) = (Digest::of(SUBJECT), format!("PUT /v2/a/manifests/{}", Digest::of(&manifest)));
    let mock =
        Mock::script([on(&put).answer(201, &[("OCI-Subject", &Digest::of(SUBJECT).to_string())], b"")]);
    assert!(!attach(&client(&mock), &subject, &manifest));
    mock.is_done();
}

#[test]
fn where_clients_list_what_is_there_stays_and_is_read_back_until_ours_is_there() {
    let manifest = referrer(SUBJECT, SBOM, "x");
    let subject = Digest::of(SUBJECT);
    let at = format!("/v2/a/manifests/{}", tag());
    // Cosign's own, with a type that is wrong: it is not ours to put right.
    let theirs = json!({ "mediaType": MANIFEST, "digest": Digest::of(b"theirs"), "size": 6,
        "artifactType": "application/vnd.oci.empty.v1+json" });
    let others = descriptor(MANIFEST, b"others");
    let ours = json!({ "mediaType": MANIFEST, "digest": Digest::of(&manifest), "size": manifest.len(),
        "artifactType": SBOM });
    let typed = [("Content-Type", INDEX)];
    let mock = Mock::script([
        on(&format!("PUT /v2/a/manifests/{}", Digest::of(&manifest))).answer(201, &[], b""),
        on(&format!("GET {at}")).answer(200, &typed, &index(std::slice::from_ref(&theirs))),
        on(&format!("PUT {at}")).answer(201, &[], b""),
        // Another process had read it before, and has written it after us.
        on(&format!("GET {at}")).answer(200, &typed, &index(&[theirs.clone(), others.clone()])),
        on(&format!("PUT {at}")).answer(201, &[], b""),
        on(&format!("GET {at}")).answer(200, &typed, &index(&[theirs.clone(), others.clone(), ours.clone()])),
    ]);
    assert!(attach(&client(&mock), &subject, &manifest));
    mock.is_done();
    let written = |number: usize| -> serde_json::Value {
        serde_json::from_slice(&mock.requests()[number].body).unwrap()
    };
    assert_eq!(written(2)["manifests"], json!([theirs, ours]));
    assert_eq!(written(4)["manifests"], json!([theirs, others, ours]));
    assert_eq!(mock.requests()[2].header("content-type"), Some(INDEX));
}

#[test]
fn a_registry_that_keeps_no_index_is_told_about() {
    // As GitLab has it: the tag is read as the digest that it is made of.
    let image = referrer(b"other", SBOM, "x");
    let mock = Mock::serve(move |request| match request.line.starts_with("PUT ") {
        true => on(&request.line).answer(201, &[], b""),
        false => on(&request.line).answer(200, &[("Content-Type", MANIFEST)], &image),
    });
    let ours = Node::parse(&referrer(SUBJECT, SBOM, "y"), MANIFEST).unwrap().as_referrer(Digest::of(b"y"), 1);
    let error = client(&mock).index_referrers(&Digest::of(SUBJECT), &[ours]).unwrap_err();
    assert!(error.to_string().contains("does not keep what is put here"), "{error}");
}

/// Twelve at once onto one subject, by one client, and with the same blobs.
fn twelve(there: &There) {
    there.put_blob(super::world::EMPTY);
    let config = descriptor("text/config", super::world::EMPTY);
    let subject = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [config] });
    let subject = subject.to_string().into_bytes();
    there.put("1.0", MANIFEST, &subject);
    let client = there.client();
    let manifests: Vec<_> = (0..12).map(|n| referrer(&subject, SBOM, &format!("sbom {n}"))).collect();
    thread::scope(|scope| {
        for (number, manifest) in manifests.iter().enumerate() {
            let (client, digest) = (client.clone(), Digest::of(&subject));
            scope.spawn(move || {
                for content in [super::world::EMPTY.to_vec(), format!("sbom {number}").into_bytes()] {
                    let blob = oci::manifest::Descriptor::of("text/plain", &content);
                    client.push_blob_once(&blob, &content, &|_| {}).unwrap();
                }
                attach(&client, &digest, manifest)
            });
        }
    });
    let mut expected: Vec<_> = manifests.iter().map(|manifest| Digest::of(manifest).to_string()).collect();
    expected.sort();
    assert_eq!(there.found(&Digest::of(&subject)), expected, "{}", there.address);
    let referrers = there.client().referrers(&Digest::of(&subject)).unwrap();
    assert_eq!(referrers.members.len(), 12);
    assert!(referrers.members.iter().all(|member| member.artifact_type.as_deref() == Some(SBOM)));
}

#[test]
fn twelve_at_once_lose_nothing_where_the_registry_lists_them() {
    let home = Home::new();
    twelve(&There::new(EmbeddedRegistry::start(&home, []).address(), "a"));
}

#[test]
fn twelve_at_once_lose_nothing_where_clients_list_them() {
    let home = Home::new();
    twelve(&There::new(EmbeddedRegistry::start(&home, ["--no-referrers"]).address(), "a"));
}

#[test]
fn twelve_at_once_lose_nothing_in_docker_registry() {
    let Some(registry) = DockerRegistry::start() else { return };
    twelve(&There::new(registry.address(), "a"));
}

#[test]
fn an_index_that_another_tool_has_written_is_found_and_added_to() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--no-referrers"]);
    let there = There::new(registry.address(), "a");
    let theirs = there.attach(SUBJECT, SBOM, "theirs");
    // cosign 3.1 gives its bundles this type, and no annotations.
    let mut wrong = descriptor(MANIFEST, &theirs);
    wrong["artifactType"] = json!(super::world::EMPTY_TYPE);
    there.index(&Digest::of(SUBJECT), std::slice::from_ref(&wrong));
    let ours = there.attach(SUBJECT, SBOM, "ours");
    assert!(attach(&there.client(), &Digest::of(SUBJECT), &ours));
    let referrers = there.client().referrers(&Digest::of(SUBJECT)).unwrap();
    let digests: Vec<_> = referrers.members.iter().map(|member| member.digest.clone()).collect();
    assert_eq!((referrers.by, digests), (ListedBy::Clients, vec![Digest::of(&theirs), Digest::of(&ours)]));
    assert_eq!(serde_json::to_value(&referrers.members[0]).unwrap(), wrong);
}
