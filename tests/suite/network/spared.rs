//! Requests that only save work: a command goes on without whatever they were to save.

use super::{options, repository, repository_at};
use crate::common::Home;
use crate::common::mock::{Action, Mock, Recorded, Step, on};
use crate::common::target::target;
use crate::common::wire::Artifact;
use oci::digest::Digest;
use oci::manifest::Descriptor;
use oci::registry::{ManifestAnswer, RegistryError, Uploaded};

/// A registry that takes everything, and answers requests that only save work with this.
fn registry(saving: impl Fn(&Recorded) -> Option<Step> + Send + Sync + 'static) -> Mock {
    Mock::serve(move |request| {
        if let Some(step) = saving(request) {
            return step;
        }
        let step = on(&request.line);
        match request.line.split_once(' ').unwrap() {
            ("HEAD", _) => step.answer(404, &[], b""),
            ("POST", _) => step.answer(202, &[("Location", "/u/1")], b""),
            ("PUT", _) => step.answer(201, &[], b""),
            _ => step.answer(418, &[], b""),
        }
    })
}

fn pushes(mock: &Mock) {
    let home = Home::new();
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    let reference = format!("{}/a/mychart:1.0.0", mock.host());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    let run = home.command("helm-chart-push").args([&reference, "-u", "me", "-p", "s3cret"]).run();
    run.succeeds();
    let puts = mock.lines().iter().filter(|line| line.starts_with("PUT ")).count();
    assert_eq!(puts, 3, "{:#?}", mock.lines());
}

const STATUSES: [u16; 15] = [400, 403, 405, 406, 409, 412, 415, 422, 429, 500, 501, 502, 503, 504, 520];

#[test]
fn a_push_goes_on_without_knowing_what_is_there() {
    for status in STATUSES {
        pushes(&registry(move |request| {
            let about = request.line.starts_with("HEAD ") && request.line.contains("/manifests/");
            let also = request.line.starts_with("GET ");
            (about || also).then(|| on(&request.line).answer(status, &[], b""))
        }));
    }
    // What is no digest, no answer to HEAD, or leads away.
    for headers in [
        &[("Docker-Content-Digest", "sha256:abc")][..],
        &[("Location", "http://169.254.169.254/")],
        &[("Content-Length", "x")],
    ] {
        pushes(&registry(move |request| {
            let status = if headers[0].0 == "Location" { 307 } else { 200 };
            let about = request.line.starts_with("HEAD ") && request.line.contains("/manifests/");
            about.then(|| on(&request.line).answer(status, headers, b""))
        }));
    }
}

#[test]
fn a_push_goes_on_without_a_mount() {
    for status in STATUSES.into_iter().filter(|status| *status != 429).chain([200, 204, 401, 301, 307]) {
        pushes(&registry(move |request| {
            let mount = request.line.starts_with("POST ") && request.line.contains("mount=");
            let location = [("Location", "http://169.254.169.254/")];
            let headers = if matches!(status, 301 | 307) { &location[..] } else { &[] };
            mount.then(|| on(&request.line).answer(status, headers, b""))
        }));
    }
}

/// What a firewall does with requests that it does not like: no answer, half of one, or one in another language.
fn cut_short() -> Vec<Vec<Action>> {
    let sent = |bytes: &[u8]| Action::Send(bytes.to_vec());
    vec![
        vec![Action::Close],
        vec![Action::Reset],
        vec![sent(b"HTTP/1.1 202 Acc\r\nLocation: /v2/"), Action::Close],
        vec![sent(b"garbage\r\n\r\n"), Action::Close],
    ]
}

#[test]
fn a_push_goes_on_where_requests_that_save_work_are_cut_off() {
    for about in ["HEAD ", "mount="] {
        for actions in cut_short() {
            pushes(&registry(move |request| {
                let step = on(&request.line);
                request
                    .line
                    .contains(about)
                    .then(|| actions.iter().fold(step, |step, action| step.then(action.clone())))
            }));
        }
    }
}

#[test]
fn what_is_cut_off_is_asked_once_for_a_blob() {
    let content = b"layer".to_vec();
    let descriptor = Descriptor::of("application/octet-stream", &content);
    let digest = &descriptor.digest;
    let mock = Mock::script([
        on(&format!("POST /v2/a/blobs/uploads/?mount={digest}&from=a")).then(Action::Close),
        on(&format!("HEAD /v2/a/blobs/{digest}")).then(Action::Close),
        on("POST /v2/a/blobs/uploads/").answer(503, &[], b""),
        on("POST /v2/a/blobs/uploads/").answer(202, &[("Location", "/u/1")], b""),
        on(&format!("PUT /u/1?digest={digest}")).answer(201, &[], b""),
    ]);
    let (options, waits) = options();
    let uploaded = repository_at(&options, &mock.host()).push_blob(&descriptor, &content, &|_| {}).unwrap();
    assert_eq!((uploaded, waits.lock().unwrap().len()), (Uploaded::Sent, 2));
    mock.is_done();
}

#[test]
fn a_mount_that_failed_is_not_tried_again() {
    let content = b"layer".to_vec();
    let descriptor = Descriptor::of("application/octet-stream", &content);
    let digest = &descriptor.digest;
    let mock = Mock::script([
        on(&format!("POST /v2/a/blobs/uploads/?mount={digest}&from=a")).answer(500, &[], b""),
        on("POST /v2/a/blobs/uploads/").answer(202, &[("Location", "/u/1")], b""),
        on(&format!("PUT /u/1?digest={digest}")).answer(502, &[], b""),
        on(&format!("HEAD /v2/a/blobs/{digest}")).answer(500, &[], b""),
        on("POST /v2/a/blobs/uploads/").answer(202, &[("Location", "/u/2")], b""),
        on(&format!("PUT /u/2?digest={digest}")).answer(201, &[], b""),
    ]);
    let (options, waits) = options();
    let uploaded = repository_at(&options, &mock.host()).push_blob(&descriptor, &content, &|_| {}).unwrap();
    assert_eq!((uploaded, waits.lock().unwrap().len()), (Uploaded::Sent, 1));
    mock.is_done();
}

#[test]
fn an_upload_is_made_again_without_knowing_of_the_first() {
    for status in [400, 401, 403, 405, 429, 500, 501, 503] {
        let (failed, sent) = (std::sync::atomic::AtomicBool::new(false), registry(|_| None));
        drop(sent);
        let mock = registry(move |request| {
            if request.line.starts_with("PUT /u/") && !failed.swap(true, std::sync::atomic::Ordering::SeqCst)
            {
                return Some(on(&request.line).then(Action::Close));
            }
            let about = request.line.starts_with("HEAD ") && request.line.contains("/blobs/");
            about.then(|| on(&request.line).answer(status, &[], b""))
        });
        let content = b"layer".to_vec();
        let descriptor = Descriptor::of("application/octet-stream", &content);
        let uploaded = repository(&mock).push_blob(&descriptor, &content, &|_| {}).unwrap();
        assert_eq!(uploaded, Uploaded::Sent, "{status}");
    }
}

#[test]
fn a_password_that_is_wrong_is_not_shown_again_and_again() {
    let home = Home::new();
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    let mock = Mock::serve(|request| {
        on(&request.line).answer(401, &[("WWW-Authenticate", "Basic realm=\"r\"")], b"")
    });
    let reference = format!("{}/a/mychart:1.0.0", mock.host());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    let push = |args: &[&str]| home.command("helm-chart-push").args([&reference]).args(args).run();
    push(&["-u", "me", "-p", "wrong"]).fails(4);
    assert_eq!(mock.requests().len(), 2, "{:?}", mock.lines());
    push(&[]).fails(4);
    assert_eq!(mock.requests().len(), 3, "{:?}", mock.lines());
}

/// A token that allows to push and not to pull.
#[test]
fn a_role_that_may_only_push_pushes() {
    let mock = Mock::serve(|request| {
        let step = on(&request.line);
        let challenge = format!(
            "Bearer realm=\"http://{}/token\",service=\"s\",scope=\"repository:a/mychart:pull,push\"",
            request.header("host").unwrap()
        );
        let challenge = [("WWW-Authenticate", challenge.as_str())];
        match request.line.split_once(' ').unwrap() {
            (_, url) if url.starts_with("/token") => step.answer(200, &[], br#"{"token":"t"}"#),
            _ if request.header("authorization") != Some("Bearer t") => step.answer(401, &challenge, b""),
            ("HEAD" | "GET", _) => step.answer(401, &challenge, b""),
            ("POST", url) if url.contains("mount=") => step.answer(401, &challenge, b""),
            ("POST", _) => step.answer(202, &[("Location", "/u/1")], b""),
            _ => step.answer(201, &[], b""),
        }
    });
    pushes(&mock);
}

#[test]
fn a_condition_that_is_not_understood_is_left_out() {
    let chart = Artifact::chart("mychart", "1.0.0");
    let known = Digest::of(b"another");
    for status in [400, 412, 501] {
        let manifest = chart.manifest.clone();
        let mock = Mock::serve(move |request| match request.header("if-none-match") {
            Some(_) => on(&request.line).answer(status, &[], b""),
            None => on(&request.line).answer(200, &[], &manifest),
        });
        let found = repository(&mock).get_manifest(target("1.0"), Some(&known)).unwrap();
        assert!(matches!(found, ManifestAnswer::Manifest(_)), "{found:?}");
        assert_eq!(mock.requests().len(), 2);
        let error = repository(&Mock::serve(move |request| on(&request.line).answer(status, &[], b"")))
            .get_manifest(target("1.0"), Some(&known))
            .unwrap_err();
        assert!(matches!(error, RegistryError::Refused { .. }), "{error:?}");
    }
}
