//! What has to wait for one another. The registry here answers nothing before all has arrived that can be on its way at
//! the same time: a command that sends one thing after the other would wait for ever.

use std::sync::{Arc, Weak};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::mock::{Mock, Recorded, Step, answer, on};
use crate::common::wire::Artifact;
use crate::common::{Home, write_chart};

/// A registry that answers by `answer` once there are so many connections and requests like this one as `together` says.
fn registry(
    together: impl Fn(&str) -> (usize, usize) + Send + Sync + 'static,
    answer: impl Fn(&Recorded) -> Step + Send + Sync + 'static,
) -> Arc<Mock> {
    Arc::new_cyclic(|mock: &Weak<Mock>| {
        let mock = mock.clone();
        Mock::serve(move |request| {
            let what = kind(&request.line);
            let (connections, requests) = together(what);
            let begun = Instant::now();
            loop {
                // Gone, or not quite there yet.
                let Some(mock) = mock.upgrade() else { continue };
                let like = mock.lines().iter().filter(|line| kind(line) == what).count();
                if mock.connections() >= connections && like >= requests {
                    return answer(request);
                }
                // The client is told nothing, and fails.
                assert!(begun.elapsed() < Duration::from_secs(20), "{}: alone", request.line);
                drop(mock);
                sleep(Duration::from_millis(1));
            }
        })
    })
}

/// `GET blobs`, `PUT u`: what is asked for, and of what.
fn kind(line: &str) -> &str {
    match line {
        _ if line.contains("/manifests/") => line.split_once(' ').unwrap().0,
        _ if line.starts_with("PUT ") => "PUT blob",
        _ if line.starts_with("POST ") => "POST blob",
        _ => "GET blob",
    }
}

#[test]
fn a_cold_pull_waits_for_a_handshake_a_manifest_and_all_blobs_at_once() {
    let home = Home::new();
    let chart = Artifact::chart("mychart", "1.0.0");
    let answers = chart.answers();
    let together = |kind: &str| if kind == "GET blob" { (2, 2) } else { (2, 1) };
    let mock = registry(together, move |request| {
        let path = request.line.split_once(' ').unwrap().1;
        on(&request.line).then(crate::common::mock::Action::Send(answers[path].clone()))
    });
    let reference = format!("{}/a:1.0", mock.host());
    home.command("helm-chart-pull").args([&reference]).run().succeeds();
    assert_eq!((mock.requests().len(), mock.connections()), (3, 2), "{:#?}", mock.lines());
}

#[test]
fn a_cold_push_waits_for_a_handshake_two_questions_and_all_blobs_at_once() {
    let home = Home::new();
    write_chart(
        &home.path().join("mychart"),
        &[("Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n")],
    );
    let together = |kind: &str| if kind.ends_with(" blob") { (2, 2) } else { (2, 1) };
    let mock = registry(together, |request| match kind(&request.line) {
        "HEAD" => on(&request.line).answer(404, &[], b""),
        "POST blob" => {
            let at = format!("/u/{}", request.connection);
            on(&request.line).answer(202, &[("Location", &at)], b"")
        }
        _ => on(&request.line).answer(201, &[], b""),
    });
    let reference = format!("{}/a:1.0.0", mock.host());
    home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
    home.command("helm-chart-push").args([&reference]).run().succeeds();
    assert_eq!((mock.requests().len(), mock.connections()), (6, 2), "{:#?}", mock.lines());
}

#[test]
fn what_has_nothing_to_send_opens_one_connection() {
    let home = Home::new();
    let chart = Artifact::chart("mychart", "1.0.0");
    let (answers, digest) = (chart.answers(), chart.digest().to_string());
    let mock = Mock::serve(move |request| {
        let (method, path) = request.line.split_once(' ').unwrap();
        let headers = [("Docker-Content-Digest", digest.as_str())];
        let bytes = match method {
            "HEAD" => answer(200, &headers, b"", true),
            _ => answers[path].clone(),
        };
        on(&request.line).then(crate::common::mock::Action::Send(bytes))
    });
    let reference = format!("{}/a:1.0", mock.host());
    let mut before = 0;
    for (command, connections) in [("helm-chart-pull", 2), ("helm-chart-pull", 1), ("helm-chart-push", 1)] {
        home.command(command).args([&reference]).run().succeeds();
        assert_eq!(mock.connections() - before, connections, "{command}: {:#?}", mock.lines());
        before = mock.connections();
    }
}

#[test]
fn connections_are_kept_from_one_chart_to_the_next() {
    let home = Home::new();
    let chart = Artifact::chart("mychart", "1.0.0");
    let (answers, digest) = (chart.answers(), chart.digest());
    let mock = Mock::serve(move |request| {
        let path = request.line.split_once(' ').unwrap().1;
        let kept = match path.split_once("/manifests/") {
            Some(_) => &answers["/v2/a/manifests/1.0"],
            None => &answers[path],
        };
        on(&request.line).then(crate::common::mock::Action::Send(kept.clone()))
    });
    let references: Vec<_> = (0..40).map(|n| format!("{}/a:{n}", mock.host())).collect();
    let pulled = home.command("helm-chart-pull").args(["-q"]).args(&references).run();
    let pinned: Vec<_> = references.iter().map(|reference| format!("{reference}@{digest}\n")).collect();
    pulled.prints(&pinned.concat());
    // Four at once, each with two.
    assert!(mock.connections() <= 8, "{} for {} requests", mock.connections(), mock.requests().len());
}
