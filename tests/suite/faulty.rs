//! A network that fails, between our commands and real registries: in the end there are the right bytes, or one clear
//! line with a documented exit code and nothing half done; in bounded time, and with at most four attempts.
//!
//! `HELM_OCI_TORTURE=1` breaks every exchange at every byte of its heads, in both ways, instead of once at every kind of
//! place; with 16 at every 16th byte.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use crate::common::faults::{Exchange, Fault, Faults, Place, Plan, Way};
use crate::common::mock::{Action, Mock, on};
use crate::common::wire::{Artifact, snapshot};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, note};
use oci::digest::Digest;

/// A registry, and where its data is.
pub enum Registry {
    Docker(DockerRegistry),
    Embedded { registry: EmbeddedRegistry, _data: Home },
}

impl Registry {
    pub fn embedded() -> Self {
        let data = Home::new();
        Self::Embedded { registry: EmbeddedRegistry::start(&data, []), _data: data }
    }

    pub fn address(&self) -> &str {
        match self {
            Self::Docker(registry) => registry.address(),
            Self::Embedded { registry, .. } => registry.address(),
        }
    }
}

/// How many bytes lie between two places, where it is not the kinds of places that count.
pub fn torture() -> Option<usize> {
    let value = std::env::var("HELM_OCI_TORTURE").ok()?;
    Some(value.parse().unwrap_or(1).max(1))
}

/// Does the work for every item, four at a time: most of it is waiting.
pub fn for_all<T: Sync>(items: &[T], work: impl Fn(usize, &T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    items.get(index).map(|item| (index, item))
                } {
                    work(index, item);
                }
            });
        }
    });
}

/// The chart, and the same with a layer that is larger than what is sent without asking (256 KiB).
pub fn chart(large: bool) -> Home {
    let home = Home::new();
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.0.0\n");
    home.write("mychart/values.yaml", "# of a chart\na: 1\n");
    if large {
        let noise: String = (0..9000_u32).map(|n| Digest::of(&n.to_le_bytes()).hex().to_owned()).collect();
        home.write("mychart/noise", noise);
    }
    home
}

/// Every place of a message that has a body of this size.
fn places(ends: [usize; 3], every: Option<usize>) -> Vec<Place> {
    if let Some(step) = every {
        let [_, head, whole] = ends;
        let body = (head..whole).step_by(((whole - head) / 16).max(1));
        return (0..head).step_by(step).chain(body).chain([whole]).map(Place::At).collect();
    }
    let mut places = vec![Place::Nowhere, Place::Line, Place::Head, Place::Between, Place::End];
    // Without a body, what is between is the end.
    if ends[1] == ends[2] {
        places.retain(|place| *place != Place::Between);
    } else {
        places.push(Place::Body);
    }
    places
}

/// Every cut that there can be in these exchanges.
pub fn cuts(exchanges: &[Exchange], every: Option<usize>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for exchange in exchanges {
        for (way, ends) in [(Way::Up, exchange.request), (Way::Down, exchange.response.unwrap())] {
            for place in places(ends, every) {
                let faults = [Fault::Fin, Fault::Reset];
                // Both kinds at every place are for the torture; here they take turns.
                let faults = if every.is_some() { &faults[..] } else { &faults[plans.len() % 2..][..1] };
                plans.extend(faults.iter().map(|fault| Plan {
                    kind: exchange.kind.clone(),
                    way,
                    place,
                    fault: *fault,
                    times: 1,
                }));
            }
        }
    }
    plans
}

/// How often each kind of exchange came.
pub fn counts(exchanges: &[Exchange]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    exchanges.iter().for_each(|exchange| *counts.entry(exchange.kind.as_str()).or_default() += 1);
    counts
}

/// Pushes through a fresh proxy into a repository of its own.
struct Push {
    home: Home,
    faults: Faults,
    reference: String,
}

impl Push {
    fn new(registry: &str, number: usize, large: bool) -> Self {
        let (home, faults) = (chart(large), Faults::before(registry));
        let reference = format!("{}/a{number}/mychart:1.0.0", faults.host());
        home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
        Self { home, faults, reference }
    }

    fn push(&self) -> crate::common::Output {
        self.home.command("helm-chart-push").args(["--timeout", "20s", &self.reference]).run()
    }

    /// What is in the registry is what was saved: another home pulls it, past the proxy, and both export the same.
    #[track_caller]
    fn arrived(&self, registry: &str) {
        let there = Home::new();
        let reference = self.reference.replace(&self.faults.host(), registry);
        there.command("helm-chart-pull").args([&reference]).run().succeeds();
        there.command("helm-chart-export").args([&reference]).run().succeeds();
        let (there, here) = (there.path().join("mychart"), self.home.path().join("mychart"));
        assert_eq!(snapshot(&there), snapshot(&here));
    }
}

#[test]
fn a_push_that_is_cut_anywhere_arrives() {
    let Some(registry) = DockerRegistry::start() else { return };
    for (large, round) in [(false, 0), (true, 10_000)] {
        let clean = Push::new(registry.address(), round, large);
        clean.push().succeeds();
        let exchanges = clean.faults.exchanges();
        assert_eq!(exchanges.len(), 6, "{exchanges:#?}");
        clean.arrived(registry.address());
        let mut plans = cuts(&exchanges, torture());
        if large {
            // The rest is as with the small one.
            plans.retain(|plan| plan.kind.starts_with("PUT uploads") && plan.way == Way::Up);
        }
        note(&format!("cut points of a push: {}", plans.len()));
        for_all(&plans, |number, plan| {
            let push = Push::new(registry.address(), round + 1 + number, large);
            push.faults.set(Some(plan.clone()));
            let pushed = push.push();
            let exchanges = push.faults.exchanges();
            assert!(exchanges.iter().any(|exchange| exchange.hit), "{plan:?}: {exchanges:#?}");
            pushed.succeeds().stderr_is("");
            push.arrived(registry.address());
            for (kind, count) in counts(&exchanges) {
                assert!(count <= 4, "{plan:?}: {kind} {count} times");
            }
        });
    }
}

#[test]
fn a_pull_that_is_cut_anywhere_goes_on() {
    let registry = Registry::embedded();
    let source = Push::new(registry.address(), 0, true);
    source.push().succeeds();
    let pull = |home: &Home, faults: &Faults| {
        let reference = source.reference.replace(&source.faults.host(), &faults.host());
        let pulled = home.command("helm-chart-pull").args(["--timeout", "20s", &reference]).run();
        (reference, pulled)
    };
    let faults = Faults::before(registry.address());
    pull(&Home::new(), &faults).1.succeeds();
    let clean = faults.exchanges();
    assert_eq!(clean.len(), 3, "{clean:#?}");
    let bodies: usize = clean.iter().map(|exchange| exchange.delivered).sum();
    let plans = cuts(&clean, torture());
    note(&format!("cut points of a pull: {}", plans.len()));
    for_all(&plans, |_, plan| {
        let (home, faults) = (Home::new(), Faults::before(registry.address()));
        faults.set(Some(plan.clone()));
        let (reference, pulled) = pull(&home, &faults);
        let exchanges = faults.exchanges();
        assert!(exchanges.iter().any(|exchange| exchange.hit), "{plan:?}: {exchanges:#?}");
        pulled.succeeds().stderr_is("");
        home.command("helm-chart-export").args([&reference]).run().succeeds();
        assert_eq!(snapshot(&home.path().join("mychart")), snapshot(&source.home.path().join("mychart")));
        // No byte of the chart came twice, wherever it broke. A reset takes with it what has not been read.
        if plan.fault == Fault::Reset {
            return;
        }
        let layer: Vec<_> = exchanges.iter().filter(|exchange| exchange.response.is_some()).collect();
        let delivered: usize = layer.iter().map(|exchange| exchange.delivered).sum();
        let small = clean.iter().map(|exchange| exchange.delivered).min().unwrap() * 2 + 2048;
        assert!(delivered <= bodies + small, "{plan:?}: {delivered} of {bodies} bytes");
    });
}

/// What always breaks ends a pull after four attempts, with one line. A push goes on without what only saves work.
#[test]
fn a_cut_that_comes_every_time_ends_a_pull_after_four_attempts_and_no_push() {
    let registry = Registry::embedded();
    let source = Push::new(registry.address(), 0, false);
    source.push().succeeds();
    let always = |exchanges: &[Exchange]| {
        let mut plans = cuts(exchanges, None);
        // Where all of an answer has come, nothing is missing.
        plans.retain(|plan| {
            plan.way == Way::Down && !matches!(plan.place, Place::End | Place::Body | Place::Between)
        });
        plans.iter_mut().for_each(|plan| plan.times = usize::MAX);
        plans
    };
    let plans = always(&source.faults.exchanges());
    for_all(&plans, |number, plan| {
        // A registry of its own: the embedded one would mount what the others have pushed.
        let registry = Registry::embedded();
        let push = Push::new(registry.address(), 1 + number, false);
        push.faults.set(Some(plan.clone()));
        // To ask whether the manifest is there, or for a blob to be mounted, only saves work. Of a PUT the answer alone was
        // lost; asked whether it has the blob or the manifest, the registry says that it has.
        push.push().succeeds().stderr_is("");
        assert!(hits(&push.faults.exchanges(), plan) > 0, "{plan:?}");
        push.faults.set(None);
        push.push().succeeds();
        push.arrived(registry.address());
    });
    let faults = Faults::before(registry.address());
    let reference = |faults: &Faults| source.reference.replace(&source.faults.host(), &faults.host());
    Home::new().command("helm-chart-pull").args([reference(&faults)]).run().succeeds();
    let plans = always(&faults.exchanges());
    for_all(&plans, |_, plan| {
        let (home, faults) = (Home::new(), Faults::before(registry.address()));
        let pull = || home.command("helm-chart-pull").args([reference(&faults)]).run();
        faults.set(Some(plan.clone()));
        told(&pull(), &reference(&faults), "pull", plan);
        attempts(&faults.exchanges(), plan);
        let left = snapshot(&home.cache());
        // What was downloaded whole may wait for the next attempt; nothing has a name yet.
        assert!(left.keys().all(|path| path.starts_with("tmp")), "{plan:?}: {:#?}", left.keys());
        faults.set(None);
        pull().succeeds();
    });
}

#[track_caller]
fn told(output: &crate::common::Output, reference: &str, verb: &str, plan: &Plan) {
    output.fails(6).stdout_is("");
    let line = output.stderr.strip_suffix('\n').unwrap();
    assert!(line.starts_with(&format!("Error: cannot {verb} {reference}: ")), "{plan:?}: {output}");
    assert!(!line.contains('\n') && line.len() < 600, "{plan:?}: {output}");
}

#[track_caller]
fn attempts(exchanges: &[Exchange], plan: &Plan) {
    let hit = hits(exchanges, plan);
    // A kept connection that breaks as it is used again may have been closed before the request: that is asked once
    // more without counting.
    assert!((4..=5).contains(&hit), "{plan:?}: {hit} attempts");
}

fn hits(exchanges: &[Exchange], plan: &Plan) -> usize {
    exchanges.iter().filter(|exchange| exchange.kind == plan.kind).count()
}

#[test]
fn silence_dripping_and_noise_end_in_time() {
    let registry = Registry::embedded();
    let source = Push::new(registry.address(), 0, true);
    source.push().succeeds();
    let pushes = source.faults.exchanges();
    let faults = Faults::before(registry.address());
    let reference = source.reference.replace(&source.faults.host(), &faults.host());
    Home::new().command("helm-chart-pull").args([&reference]).run().succeeds();
    let pulls = faults.exchanges();
    let slow = Fault::Drip(Duration::from_millis(150));
    let mut plans = Vec::new();
    for (verb, exchanges) in [("push", &pushes), ("pull", &pulls)] {
        for exchange in exchanges.iter() {
            let large = exchange.response.unwrap()[2] > 10_000;
            for (fault, place) in [
                (Fault::Stall, Place::Line),
                (Fault::Stall, Place::Body),
                (slow, Place::Line),
                (Fault::Garbage, Place::Nowhere),
                (Fault::Garbage, Place::Head),
                (Fault::Garbage, Place::Body),
            ] {
                // A stall in a body needs a body; a short answer may drip and still arrive.
                let body = place != Place::Body || large;
                let drips = fault != slow || large;
                if body && drips {
                    let (kind, way) = (exchange.kind.clone(), Way::Down);
                    plans.push((verb, Plan { kind, way, place, fault, times: usize::MAX }));
                }
            }
        }
    }
    if torture().is_none() {
        // Each wait is a second, four times over; one of a kind is enough here.
        let mut seen = Vec::new();
        plans.retain(|(verb, plan)| {
            let of = (*verb, plan.fault, plan.place, plan.kind.split(' ').next().unwrap().to_owned());
            let new = !seen.contains(&of);
            seen.push(of);
            new
        });
    }
    note(&format!("stalls, drips and noise: {}", plans.len()));
    for_all(&plans, |_, (verb, plan)| {
        let begun = SystemTime::now();
        let home = chart(true);
        let registry = Registry::embedded();
        let faults = Faults::before(registry.address());
        let reference = format!("{}/a/mychart:1.0.0", faults.host());
        home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
        let command =
            || home.command(&format!("helm-chart-{verb}")).args(["--timeout", "1s", &reference]).run();
        if *verb == "pull" {
            home.command("helm-chart-push").args([&reference]).run().succeeds();
            home.command("helm-chart-remove").args([&reference]).run().succeeds();
        }
        let before = snapshot(&home.cache());
        faults.set(Some(plan.clone()));
        let output = command();
        let attempts = faults.exchanges().iter().filter(|exchange| exchange.hit).count();
        // What came on while it was dripping is no failed attempt, and neither is a kept connection that is gone.
        assert!(attempts <= 7, "{plan:?}: {attempts} attempts");
        if output.stderr.is_empty() {
            // The answer to a PUT was lost, and the registry was asked whether it has the blob.
            output.succeeds();
        } else {
            let lines: Vec<_> = output.stderr.lines().collect();
            assert!(
                lines[0].starts_with(&format!("Error: cannot {verb} {reference}: ")),
                "{plan:?}: {output}"
            );
            assert!(lines.len() == 1 || lines[1].starts_with("hint: "), "{plan:?}: {output}");
            assert!(!output.stderr.contains(|c: char| c != '\n' && oci::terminal::drives(c)), "{output}");
            let mut left = snapshot(&home.cache());
            left.retain(|path, _| !path.starts_with("tmp"));
            assert_eq!(left, before, "{plan:?}");
        }
        faults.set(None);
        command().succeeds();
        let elsewhere = Home::new();
        elsewhere.command("helm-chart-pull").args([&reference]).run().succeeds();
        elsewhere.command("helm-chart-export").args([&reference]).run().succeeds();
        assert_eq!(snapshot(&elsewhere.path().join("mychart")), snapshot(&home.path().join("mychart")));
        // Not a measure of speed: without limits it would hang for ever.
        assert!(begun.elapsed().unwrap() < Duration::from_secs(120), "{plan:?}");
    });
}

#[test]
fn a_busy_registry_says_when_to_come_again() {
    let chart = Artifact::chart("mychart", "1.0.0");
    let in_a_second = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(1));
    for status in [429, 503] {
        for asks in ["0".to_owned(), "1".to_owned(), in_a_second()] {
            let answers = chart.answers();
            let refused = AtomicUsize::new(0);
            let mock = Mock::serve(move |request| {
                let path = request.line.split_once(' ').unwrap().1;
                // Every request is refused once.
                if refused.fetch_add(1, Ordering::SeqCst) == 0 {
                    return on(&request.line).answer(status, &[("Retry-After", &asks)], b"");
                }
                on(&request.line).then(Action::Send(answers[path].clone()))
            });
            let home = Home::new();
            let reference = format!("{}/a:1.0", mock.host());
            home.command("helm-chart-pull").args([&reference]).run().succeeds().stderr_is("");
            assert_eq!(mock.requests().len(), 4);
        }
        // Longer than anybody waits is said at once, and not tried again.
        let in_an_hour = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
        for asks in ["3600", in_an_hour.as_str()] {
            let asked = asks.to_owned();
            let mock =
                Mock::serve(move |request| on(&request.line).answer(status, &[("Retry-After", &asked)], b""));
            let reference = format!("{}/a:1.0", mock.host());
            let pulled = Home::new().command("helm-chart-pull").args([&reference]).run();
            assert!(pulled.fails(6).stderr.contains(&format!("{status} (asks to wait 3")), "{pulled}");
            assert_eq!(mock.requests().len(), 1);
        }
    }
}

/// A registry that answers an upload before it has read it, and goes: its reason is told, and not that the pipe broke.
#[test]
fn an_early_answer_to_an_upload_is_read() {
    for (status, code, exit) in [(401, "UNAUTHORIZED", 4), (403, "DENIED", 4), (413, "SIZE_INVALID", 1)] {
        let mock = Mock::serve(move |request| match request.line.split(' ').next().unwrap() {
            "HEAD" => on(&request.line).answer(404, &[], b""),
            "POST" => on(&request.line).answer(202, &[("Location", "/u/1")], b""),
            "PUT" if request.header("expect").is_some() => {
                let body = format!(r#"{{"errors":[{{"code":"{code}","message":"not this"}}]}}"#);
                on(&request.line).early().answer(status, &[("Connection", "close")], body.as_bytes())
            }
            _ => on(&request.line).answer(201, &[], b""),
        });
        let home = chart(true);
        let reference = format!("{}/a/mychart:1.0.0", mock.host());
        home.command("helm-chart-save").args(["mychart", &reference]).run().succeeds();
        let pushed = home.command("helm-chart-push").args([&reference]).run();
        assert!(pushed.fails(exit).stderr.contains(&format!("{status}: {code}: not this")), "{pushed}");
        let puts = mock.lines().iter().filter(|line| line.starts_with("PUT ")).count();
        assert!(puts <= 2, "{:#?}", mock.lines());
    }
}

/// Lengths that are not the body's, with every answer of a pull.
#[test]
fn wrong_lengths_are_noticed() {
    let chart = Artifact::chart("mychart", "1.0.0");
    for path in chart.answers().into_keys() {
        for (change, goes_on) in [(-1_isize, false), (1, false), (1, true)] {
            let mut answers = chart.answers();
            let whole = answers[&path].clone();
            let at = whole.windows(4).position(|w| w == b"\r\n\r\n").unwrap() + 4;
            let (head, body) = (String::from_utf8(whole[..at].to_vec()).unwrap(), whole[at..].to_vec());
            let length = body.len().checked_add_signed(change).unwrap();
            let head = head
                .replace(&format!("Content-Length: {}", body.len()), &format!("Content-Length: {length}"));
            answers.insert(path.clone(), [head.as_bytes(), &body].concat());
            let wrong = path.clone();
            let mock = Mock::serve(move |request| {
                let path = request.line.split_once(' ').unwrap().1;
                let step = on(&request.line).then(Action::Send(answers[path].clone()));
                if path == wrong && !goes_on { step.then(Action::Close) } else { step }
            });
            let home = Home::new();
            let reference = format!("{}/a:1.0", mock.host());
            let pulled = home.command("helm-chart-pull").args(["--timeout", "1s", &reference]).run();
            assert!(
                pulled.stderr.starts_with(&format!("Error: cannot pull {reference}: ")),
                "{path} {change}: {pulled}"
            );
            let asked = mock.lines().iter().filter(|line| line.ends_with(&path)).count();
            assert!((1..=4).contains(&asked), "{path} {change}: {asked} times");
            let left = snapshot(&home.cache());
            assert!(left.keys().all(|path| path.starts_with("tmp")), "{path} {change}: {:#?}", left.keys());
        }
    }
}

/// The one for both: which registry it is makes no difference to what becomes of a cut.
#[test]
fn both_registries_are_gone_on_with() {
    let mut registries = vec![Registry::embedded()];
    registries.extend(DockerRegistry::start().map(Registry::Docker));
    for registry in &registries {
        let source = Push::new(registry.address(), 0, true);
        source.push().succeeds();
        let faults = Faults::before(registry.address());
        let reference = source.reference.replace(&source.faults.host(), &faults.host());
        let home = Home::new();
        let pull = || home.command("helm-chart-pull").args([&reference]).run();
        Home::new().command("helm-chart-pull").args([&reference]).run().succeeds();
        let layer = faults.exchanges().into_iter().max_by_key(|exchange| exchange.delivered).unwrap();
        // Half of what is left, each time.
        let (kind, way, place) = (layer.kind.clone(), Way::Down, Place::Body);
        faults.set(Some(Plan { kind, way, place, fault: Fault::Fin, times: usize::MAX }));
        pull().fails(6).stdout_is("");
        let came: usize =
            faults.exchanges().iter().filter(|e| e.kind == layer.kind).map(|e| e.delivered).sum();
        assert!(came > layer.delivered / 2 && came < layer.delivered, "{came} of {}", layer.delivered);
        faults.set(None);
        pull().succeeds();
        let rest: usize =
            faults.exchanges().iter().filter(|e| e.kind == layer.kind).map(|e| e.delivered).sum();
        assert_eq!(came + rest, layer.delivered, "the second pull takes what is missing, and no more");
        home.command("helm-chart-export").args([&reference]).run().succeeds();
        assert_eq!(snapshot(&home.path().join("mychart")), snapshot(&source.home.path().join("mychart")));
    }
}
