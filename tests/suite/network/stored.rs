//! Stored is stored: what a registry has taken is not lost over how it says so.

use super::{chain, options, repository, repository_at};
use crate::common::mock::{Action, Mock, Step, on};
use crate::common::target::target;
use oci::digest::Digest;
use oci::manifest::Descriptor;
use oci::media_type;
use oci::registry::{RegistryError, RepositoryClient, Uploaded};

const MANIFEST: &[u8] = br#"{"schemaVersion":2,"config":{},"layers":[]}"#;
const PUT: &str = "PUT /v2/a/manifests/1.0";
const HEAD: &str = "HEAD /v2/a/manifests/1.0";

fn put(repository: &RepositoryClient) -> Result<(), RegistryError> {
    repository.put_manifest(target("1.0"), media_type::MANIFEST, MANIFEST)
}

fn there() -> Step {
    on(HEAD).answer(200, &[("Docker-Content-Digest", &Digest::of(MANIFEST).to_string())], b"")
}

fn other() -> Step {
    on(HEAD).answer(200, &[("Docker-Content-Digest", &Digest::of(b"other").to_string())], b"")
}

/// A registry that says that a tag cannot be set.
fn taken(status: u16, code: &str, message: &str) -> Step {
    let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{message}"}}]}}"#);
    on(PUT).answer(status, &[], body.as_bytes())
}

#[test]
fn whatever_says_yes_is_yes() {
    let content = b"layer".to_vec();
    let descriptor = Descriptor::of("application/octet-stream", &content);
    let digest = &descriptor.digest;
    for status in [200, 201, 202, 204] {
        let mock = Mock::script([on(PUT).answer(status, &[], b"")]);
        put(&repository(&mock)).unwrap();
        mock.is_done();
        let mock = Mock::script([
            on(&format!("POST /v2/a/blobs/uploads/?mount={digest}&from=a")).answer(
                202,
                &[("Location", "/u/1")],
                b"",
            ),
            on(&format!("PUT /u/1?digest={digest}")).answer(status, &[], b""),
        ]);
        let uploaded = repository(&mock).push_blob(&descriptor, &content, &|_| {}).unwrap();
        assert_eq!(uploaded, Uploaded::Sent, "{status}");
        mock.is_done();
    }
}

#[test]
fn a_manifest_whose_answer_was_lost_is_looked_up() {
    let lost = || on(PUT).answer(504, &[], b"");
    let cut = || on(PUT).then(Action::Close);
    let refusals: [fn() -> Step; 5] = [
        || taken(400, "TAG_INVALID", "The image tag '1.0' already exists and cannot be overwritten"),
        || taken(409, "CONFLICT", "exists"),
        || taken(412, "PRECONDITION", "matched immutable rule"),
        || taken(403, "DENIED", "no overwriting"),
        || taken(405, "UNSUPPORTED", "locked"),
    ];
    for refusal in refusals {
        for first in [lost, cut] {
            let mock = Mock::script([first(), refusal(), there()]);
            put(&repository(&mock)).unwrap();
            mock.is_done();
            // It is another one.
            let mock = Mock::script([first(), refusal(), other()]);
            let error = put(&repository(&mock)).unwrap_err();
            assert!(
                matches!(error, RegistryError::Refused { .. } | RegistryError::Forbidden { .. }),
                "{error:?}"
            );
            mock.is_done();
            // Nobody tells.
            let mock = Mock::script([first(), refusal(), on(HEAD).answer(403, &[], b"")]);
            put(&repository(&mock)).unwrap_err();
            mock.is_done();
        }
    }
    // Even the last answer may have been lost.
    let mock = Mock::script([cut(), lost(), lost(), lost(), there()]);
    put(&repository(&mock)).unwrap();
    mock.is_done();
    let mock = Mock::script([lost(), lost(), lost(), lost(), on(HEAD).answer(404, &[], b"")]);
    let error = put(&repository(&mock)).unwrap_err();
    assert!(chain(&error).ends_with("504"), "{}", chain(&error));
    mock.is_done();
}

#[test]
fn a_tag_that_another_push_has_just_set_to_the_same_is_set() {
    for refusal in [
        taken(409, "CONFLICT", "exists"),
        taken(412, "PRECONDITION", "matched immutable rule"),
        taken(400, "TAG_INVALID", "immutable"),
    ] {
        let mock = Mock::script([refusal, there()]);
        put(&repository(&mock)).unwrap();
        mock.is_done();
    }
    // What has nothing to do with the tag is not asked about.
    for (status, code) in [(400, "MANIFEST_INVALID"), (403, "DENIED"), (413, "SIZE_INVALID")] {
        let mock = Mock::script([taken(status, code, "no")]);
        put(&repository(&mock)).unwrap_err();
        mock.is_done();
    }
}

#[test]
fn a_blob_whose_answers_were_lost_is_looked_up_to_the_end() {
    let content = b"layer".to_vec();
    let descriptor = Descriptor::of("application/octet-stream", &content);
    let digest = descriptor.digest.clone();
    let blob = format!("HEAD /v2/a/blobs/{digest}");
    for (there, last) in [(200, true), (404, false), (403, false)] {
        let mut steps = Vec::new();
        for attempt in 0..4 {
            if attempt > 0 {
                steps.push(on(&blob).answer(404, &[], b""));
            }
            let mount = format!("POST /v2/a/blobs/uploads/?mount={digest}&from=a");
            steps.push(on(&mount).answer(202, &[("Location", "/u/1")], b""));
            steps.push(on(&format!("PUT /u/1?digest={digest}")).answer(504, &[], b""));
        }
        steps.push(on(&blob).answer(there, &[], b""));
        let mock = Mock::script(steps);
        let result = repository(&mock).push_blob(&descriptor, &content, &|_| {});
        assert_eq!(result.is_ok(), last, "{there}: {result:?}");
        mock.is_done();
    }
}

#[test]
fn an_expectation_that_is_not_understood_is_left_out() {
    let content = vec![7; 300 << 10];
    let descriptor = Descriptor::of("application/octet-stream", &content);
    let digest = &descriptor.digest;
    let mock = Mock::script([
        on(&format!("POST /v2/a/blobs/uploads/?mount={digest}&from=a")).answer(
            202,
            &[("Location", "/u/1")],
            b"",
        ),
        on(&format!("PUT /u/1?digest={digest}")).answer(417, &[], b"no").early(),
        on(&format!("PUT /u/1?digest={digest}")).answer(201, &[], b""),
    ]);
    let (options, waits) = options();
    repository_at(&options, &mock.host()).push_blob(&descriptor, &content, &|_| {}).unwrap();
    let requests = mock.requests();
    assert_eq!(requests[1].header("expect"), Some("100-continue"));
    assert_eq!((requests[2].header("expect"), requests[2].body.len()), (None, content.len()));
    assert_eq!(waits.lock().unwrap().len(), 0);
    mock.is_done();
    // A server that says so to who expects nothing means something else.
    let mock = Mock::script([on(PUT).answer(417, &[], b"")]);
    put(&repository(&mock)).unwrap_err();
    mock.is_done();
}

#[test]
fn what_stands_before_a_registry_fails_for_a_while_only() {
    for status in [520, 521, 522, 523, 524] {
        let mock = Mock::script([
            on("GET /v2/a/tags/list").answer(status, &[], b"<html>"),
            on("GET /v2/a/tags/list").answer(200, &[], super::ONE_TAG),
        ]);
        assert_eq!(repository(&mock).tags().unwrap().len(), 1, "{status}");
        mock.is_done();
    }
}
