//! A network that fails on either side of a copy: in the end all is there, or there is one clear line with a documented exit
//! code, and no tag stands for half of a chart.
//!
//! `HELM_OCI_TORTURE=1` breaks every exchange at every byte of its heads, as in `faulty`.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use oci::digest::Digest;
use oci::media_type::MANIFEST;

use crate::attached::carried::{TAG, source};
use crate::attached::world::{SBOM, There};
use crate::common::faults::{Exchange, Fault, Faults, Place, Plan, Way};
use crate::common::mock::{Mock, answer, on};
use crate::common::wire::{Artifact, Shelf};
use crate::common::{EmbeddedRegistry, Home, Output, note};
use crate::faulty::{Registry, chart, counts, cuts, for_all, torture};

/// A chart with an SBOM in a registry.
struct Origin {
    registry: Registry,
    chart: Vec<u8>,
    sbom: Vec<u8>,
}

/// A copy of it, between two proxies.
struct Copy<'a> {
    origin: &'a Origin,
    home: Home,
    to: Registry,
    left: Faults,
    right: Faults,
}

impl Origin {
    fn new(large: bool) -> Self {
        let (registry, home) = (Registry::embedded(), chart(large));
        let prefix = format!("oci://{}/src", registry.address());
        home.command("helm-chart-push").args(["mychart", &prefix]).run().succeeds();
        let there = source(registry.address());
        let chart = there.get(TAG).unwrap();
        let sbom = there.attach(&chart, SBOM, "sbom");
        Self { registry, chart, sbom }
    }
}

impl<'a> Copy<'a> {
    fn new(origin: &'a Origin) -> Self {
        let to = Registry::embedded();
        let (left, right) = (Faults::before(origin.registry.address()), Faults::before(to.address()));
        Self { origin, home: Home::new(), to, left, right }
    }

    /// The proxy on one of the sides.
    fn side(&self, is_source: bool) -> &Faults {
        if is_source { &self.left } else { &self.right }
    }

    fn references(&self) -> [String; 2] {
        [
            format!("{}/src/mychart:{TAG}", self.left.host()),
            format!("{}/dst/mychart:{TAG}", self.right.host()),
        ]
    }

    fn run(&self, timeout: &str) -> Output {
        self.home.command("helm-chart-copy").args(["--timeout", timeout]).args(self.references()).run()
    }

    fn there(&self) -> There {
        There::new(self.to.address(), "dst/mychart")
    }

    /// All of it is there.
    #[track_caller]
    fn arrived(&self) {
        let there = self.there();
        assert_eq!(there.get(TAG).as_ref(), Some(&self.origin.chart));
        assert_eq!(there.found(&Digest::of(&self.origin.chart)), [Digest::of(&self.origin.sbom).to_string()]);
        there.is_whole(&self.origin.chart);
        there.is_whole(&self.origin.sbom);
    }
}

/// What both sides are asked, undisturbed.
fn clean(origin: &Origin) -> [(bool, Vec<Exchange>); 2] {
    let copy = Copy::new(origin);
    copy.run("20s").succeeds();
    copy.arrived();
    [true, false].map(|is_source| (is_source, copy.side(is_source).exchanges()))
}

#[test]
fn a_copy_that_is_cut_anywhere_on_either_side_arrives() {
    for large in [false, true] {
        let origin = Origin::new(large);
        let mut plans = Vec::new();
        for (is_source, exchanges) in clean(&origin) {
            let mut cuts = cuts(&exchanges, torture());
            if large {
                // The rest is as with the small one.
                cuts.retain(|plan| match is_source {
                    true => plan.kind.starts_with("GET blobs") && plan.way == Way::Down,
                    false => plan.kind.starts_with("PUT uploads") && plan.way == Way::Up,
                });
            }
            plans.extend(cuts.into_iter().map(|plan| (is_source, plan)));
        }
        note(&format!("cut points of a copy: {}", plans.len()));
        for_all(&plans, |_, (is_source, plan)| {
            let copy = Copy::new(&origin);
            copy.side(*is_source).set(Some(plan.clone()));
            let run = copy.run("20s");
            let exchanges = copy.side(*is_source).exchanges();
            assert!(exchanges.iter().any(|exchange| exchange.hit), "{plan:?}: {exchanges:#?}");
            assert_eq!(run.code, Some(0), "{plan:?}: {run}");
            run.stderr_is("");
            copy.arrived();
            for (kind, count) in counts(&exchanges) {
                // Three kinds of questions about tags and blobs look the same.
                assert!(count <= 6, "{plan:?}: {kind} {count} times");
            }
        });
    }
}

#[test]
fn silence_dripping_and_noise_on_either_side_end_in_time() {
    let origin = Origin::new(true);
    let slow = Fault::Drip(Duration::from_millis(150));
    let (mut plans, mut seen) = (Vec::new(), Vec::new());
    for (is_source, exchanges) in clean(&origin) {
        for exchange in &exchanges {
            let large = exchange.response.unwrap()[2] > 10_000;
            for (fault, place) in [
                (Fault::Stall, Place::Line),
                (Fault::Stall, Place::Body),
                (slow, Place::Body),
                (Fault::Garbage, Place::Nowhere),
                (Fault::Garbage, Place::Body),
            ] {
                // One of a kind: each wait is a second, four times over.
                let of = (is_source, fault, place, exchange.kind.split(' ').next().unwrap().to_owned());
                let (kind, way, times) = (exchange.kind.clone(), Way::Down, usize::MAX);
                if (place != Place::Body || large) && !seen.contains(&of) {
                    seen.push(of);
                    plans.push((is_source, Plan { kind, way, place, fault, times }));
                }
            }
        }
    }
    note(&format!("stalls, drips and noise of a copy: {}", plans.len()));
    for_all(&plans, |_, (is_source, plan)| {
        let begun = SystemTime::now();
        let copy = Copy::new(&origin);
        copy.side(*is_source).set(Some(plan.clone()));
        let run = copy.run("1s");
        let [from, to] = copy.references();
        // What only saves work is done without; and of a PUT whose answer is lost, it is asked whether it was done.
        if run.code == Some(0) {
            copy.arrived();
        } else {
            // Noise of the right length is a blob that lies.
            let lies = plan.fault == Fault::Garbage && plan.kind.starts_with("GET blobs");
            assert!(run.code == Some(6) || (lies && run.code == Some(7)), "{plan:?}: {run}");
            run.stdout_is("");
            let (line, rest) = run.stderr.split_once('\n').unwrap();
            assert!(line.starts_with(&format!("Error: cannot copy {from} to {to}: ")), "{plan:?}: {run}");
            assert!(rest.is_empty() || rest.starts_with("hint: "), "{plan:?}: {run}");
            // Who sees the tag sees all of it.
            if copy.there().get(TAG).is_some() {
                copy.arrived();
            }
        }
        let attempts = copy.side(*is_source).exchanges().iter().filter(|exchange| exchange.hit).count();
        assert!(attempts <= 12, "{plan:?}: {attempts} attempts");
        copy.side(*is_source).set(None);
        copy.run("20s").succeeds();
        copy.arrived();
        // Not a measure of speed: without limits it would hang for ever.
        assert!(begun.elapsed().unwrap() < Duration::from_secs(120), "{plan:?}");
    });
}

/// A registry that takes everything, and refuses each kind of request so often before.
fn refusing(status: u16, times: usize, retry_after: &'static str) -> Mock {
    let refused = Mutex::new(HashMap::<String, usize>::new());
    Mock::serve(move |request| {
        let (method, path) = request.line.split_once(' ').unwrap();
        let count = {
            let mut refused = refused.lock().unwrap();
            let count = refused.entry(format!("{method} {}", path.contains("manifests"))).or_default();
            *count += 1;
            *count
        };
        if count <= times {
            return on(&request.line).answer(status, &[("Retry-After", retry_after)], b"");
        }
        match method {
            "HEAD" | "GET" => on(&request.line).answer(404, &[], b""),
            "POST" => on(&request.line).answer(202, &[("Location", "/u/1")], b""),
            _ => on(&request.line).answer(201, &[], b""),
        }
    })
}

#[test]
fn a_busy_destination_says_when_to_come_again() {
    let data = Home::new();
    let from = EmbeddedRegistry::start(&data, []);
    Artifact::chart("mychart", "1.0.0").put(from.address(), "src/mychart", TAG);
    let source = format!("{}/src/mychart:{TAG}", from.address());
    let copy = |to: &Mock| {
        let target = format!("{}/dst/mychart", to.host());
        Home::new().command("helm-chart-copy").args([&source, &target]).run()
    };
    for status in [429, 500, 503] {
        let to = refusing(status, 2, "0");
        copy(&to).succeeds().stderr_is("");
        let puts =
            to.lines().iter().filter(|line| line.starts_with("PUT ") && line.contains("manifests")).count();
        assert_eq!(puts, 3, "{:#?}", to.lines());
        // What goes on and on is told after four attempts.
        let to = refusing(status, usize::MAX, "0");
        let run = copy(&to);
        run.fails(6).stdout_is("");
        assert!(run.stderr.contains(&format!(" {status}")), "{run}");
        assert!(to.requests().len() <= 4, "{:#?}", to.lines());
    }
    for status in [429, 503] {
        let to = refusing(status, usize::MAX, "3600");
        let run = copy(&to);
        assert!(run.fails(6).stderr.contains(&format!("{status} (asks to wait 3600")), "{run}");
        assert_eq!(to.requests().len(), 1, "{:#?}", to.lines());
    }
}

#[test]
fn a_busy_source_says_when_to_come_again() {
    for status in [429, 500, 503] {
        let chart = Artifact::chart("mychart", "1.0.0");
        let shelf = Shelf::new(&chart);
        for path in [Artifact::path_of(chart.config()), Artifact::path_of(chart.layer())] {
            // Another one, which has no blob yet.
            let data = Home::new();
            let to = EmbeddedRegistry::start(&data, []);
            let target = format!("{}/dst/mychart:{TAG}", to.address());
            let copy = || Home::new().command("helm-chart-copy").args([&shelf.reference(), &target]).run();
            shelf.set(&path, answer(status, &[("Retry-After", "0")], b"", false));
            let before = shelf.mock.requests().len();
            let run = copy();
            run.fails(6).stdout_is("");
            assert!(run.stderr.contains(&format!(" {status}")), "{run}");
            let asked = format!("GET {path}");
            let lines = shelf.mock.lines().split_off(before);
            assert_eq!(lines.iter().filter(|line| **line == asked).count(), 4, "{lines:#?}");
            assert_eq!(There::new(to.address(), "dst/mychart").get(TAG), None);
            shelf.replace(&chart);
            copy().succeeds();
            assert_eq!(There::new(to.address(), "dst/mychart").get(TAG), Some(chart.manifest.clone()));
        }
    }
}

#[test]
fn a_source_that_lies_is_found_out() {
    let (chart, other) = (Artifact::chart("mychart", "1.0.0"), Artifact::chart("mychart", "2.0.0"));
    let data = Home::new();
    let to = EmbeddedRegistry::start(&data, []);
    let copy = |source: &str, name: &str| {
        let target = format!("{}/{name}/mychart:{TAG}", to.address());
        let run = Home::new().command("helm-chart-copy").args([source, &target]).run();
        run.fails(7).stdout_is("");
        assert_eq!(There::new(to.address(), &format!("{name}/mychart")).get(TAG), None, "{run}");
    };
    // Another blob than was asked for, as long as it and not.
    let mut turned = chart.layer().to_vec();
    *turned.last_mut().unwrap() ^= 1;
    for (number, wrong) in [&turned[..], &turned[..9], other.config()].into_iter().enumerate() {
        let shelf = Shelf::new(&chart);
        let length = wrong.len().to_string();
        let head = [("Content-Length", &*length)];
        shelf.set(&Artifact::path_of(chart.layer()), answer(200, &head, wrong, false));
        copy(&shelf.reference(), &format!("blob{number}"));
    }
    // Another manifest than its digest says, and than its header says.
    let shelf = Shelf::new(&chart);
    let path = format!("/v2/a/manifests/{}", chart.digest());
    shelf.set(&path, answer(200, &[("Content-Type", MANIFEST)], &other.manifest, false));
    copy(&format!("{}/a@{}", shelf.mock.host(), chart.digest()), "manifest");
    let shelf = Shelf::new(&chart);
    let head = [("Content-Type", MANIFEST), ("Docker-Content-Digest", &*other.digest().to_string())];
    shelf.set("/v2/a/manifests/1.0", answer(200, &head, &chart.manifest, false));
    copy(&shelf.reference(), "header");
}

#[test]
fn a_destination_that_lies_is_found_out() {
    let data = Home::new();
    let from = EmbeddedRegistry::start(&data, []);
    Artifact::chart("mychart", "1.0.0").put(from.address(), "src/mychart", TAG);
    let other = Artifact::chart("mychart", "2.0.0").digest().to_string();
    let to = Mock::serve(move |request| match request.line.split(' ').next().unwrap() {
        "HEAD" | "GET" => on(&request.line).answer(404, &[], b""),
        "POST" => on(&request.line).answer(202, &[("Location", "/u/1")], b""),
        _ => on(&request.line).answer(201, &[("Docker-Content-Digest", &other)], b""),
    });
    let source = format!("{}/src/mychart:{TAG}", from.address());
    let run =
        Home::new().command("helm-chart-copy").args([source, format!("{}/dst/mychart", to.host())]).run();
    run.fails(7).stdout_is("");
}
