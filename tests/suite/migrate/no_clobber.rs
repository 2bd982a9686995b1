//! Nothing is overwritten that is something else, whatever words a registry has for a tag that cannot be set.

use oci::digest::Digest;

use super::site::{Manner, Site, chart, layers, migrate};
use crate::common::mock::{Mock, Recorded, Step, on};
use crate::common::wire::{Artifact, tgz};
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, tool};

fn saved(home: &Home, registry: &str, values: &str) -> String {
    let files =
        [("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n"), ("web/values.yaml", values)];
    home.write("web-1.0.0.tgz", tgz(&files));
    let reference = format!("{registry}/charts/web:1.0.0");
    home.command("helm-chart-save").args(["web-1.0.0.tgz", &reference]).run().succeeds();
    reference
}

#[test]
fn push_leaves_what_is_something_else() {
    let docker = DockerRegistry::start();
    let embedded = Home::new();
    let embedded = EmbeddedRegistry::start(&embedded, []);
    for registry in docker.iter().map(DockerRegistry::address).chain([embedded.address()]) {
        let home = Home::new();
        let reference = saved(&home, registry, "a: 1\n");
        let push =
            |home: &Home, args: &[&str]| home.command("helm-chart-push").args([&*reference]).args(args).run();
        push(&home, &["--no-clobber"]).succeeds();
        let again = push(&home, &["--no-clobber"]);
        assert!(
            again.succeeds().stdout.ends_with(&format!("Status: Registry is up to date for {reference}\n")),
            "{again}"
        );
        let other = Home::new();
        saved(&other, registry, "a: 2\n");
        let before = layers(registry, "web", "1.0.0");
        let refused = push(&other, &["--no-clobber"]);
        refused.fails(5);
        assert!(refused.stderr.contains(": the tag stands for another chart there: sha256:"), "{refused}");
        assert!(
            refused
                .stderr
                .ends_with("hint: without --no-clobber the tag is given to the chart of the cache\n"),
            "{refused}"
        );
        assert_eq!(layers(registry, "web", "1.0.0"), before);
        push(&other, &[]).succeeds();
        assert_ne!(layers(registry, "web", "1.0.0"), before);
    }
}

#[test]
fn the_same_chart_of_another_client_is_up_to_date() {
    let (Some(docker), Some(helm)) = (DockerRegistry::start(), tool("helm")) else { return };
    let home = Home::new();
    let reference = saved(&home, docker.address(), "a: 1\n");
    let to = format!("oci://{}/charts", docker.address());
    home.program(&helm).args(["push", "web-1.0.0.tgz", &to]).run().succeeds();
    let digest = |args: &[&str]| {
        let run = home.command("helm-chart-push").args([&*reference, "-q"]).args(args).run();
        run.succeeds().stdout.clone()
    };
    // Helm's manifest stays, and is told.
    let there = digest(&["--no-clobber"]);
    assert_eq!(there, digest(&["--no-clobber"]));
    assert_ne!(there, digest(&[]));
}

/// A registry whose tag cannot be set, which only says so when it is tried: it hides what it has until then.
fn immutable(status: u16, body: &'static str, has: Artifact) -> Mock {
    let answers = has.answers();
    let is_tried = std::sync::atomic::AtomicBool::new(false);
    Mock::serve(move |request: &Recorded| -> Step {
        use std::sync::atomic::Ordering::SeqCst;
        let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        let step = on(&request.line);
        let is_tag = path.ends_with("/manifests/1.0.0");
        match request.line.split(' ').next().unwrap_or_default() {
            "POST" => step.answer(202, &[("Location", "/v2/upload")], b""),
            "PUT" if is_tag => {
                is_tried.store(true, SeqCst);
                step.answer(status, &[("Content-Type", "application/json")], body.as_bytes())
            }
            "PUT" => step.answer(201, &[], b""),
            _ if is_tag && is_tried.load(SeqCst) => {
                let digest = has.digest().to_string();
                let headers =
                    [("Docker-Content-Digest", digest.as_str()), ("Content-Type", oci::media_type::MANIFEST)];
                step.answer(200, &headers, &has.manifest)
            }
            _ => match answers.get(&path) {
                Some(_) | None => step.answer(404, &[], b"{}"),
            },
        }
    })
}

#[test]
fn every_answer_of_an_immutable_tag_is_looked_behind() {
    let package = chart("web", "1.0.0");
    let same =
        Artifact::of(br#"{"name":"web","version":"1.0.0","apiVersion":"v2","description":"x"}"#, &package);
    let other = Artifact::chart("web", "1.0.0");
    for (status, body) in [
        (400, r#"{"errors":[{"code":"TAG_INVALID","message":"The image tag '1.0.0' already exists"}]}"#),
        (403, r#"{"errors":[{"code":"DENIED","message":"no"}]}"#),
        (409, r#"{"errors":[{"code":"TAG_IMMUTABLE","message":"no"}]}"#),
        (412, r#"{"errors":[{"code":"PRECONDITION","message":"configured as immutable"}]}"#),
        (400, "what is this"),
    ] {
        for (has, code) in [(&same, 0), (&other, 5)] {
            let home = Home::new();
            let site = Site::new(Manner::default());
            site.stock(&[("web", "1.0.0")]);
            let mock = immutable(status, body, has.clone());
            let run = migrate(&home, &site.url(), &mock.host(), &["--journal", "none"]);
            assert_eq!(run.code, Some(code), "{status}: {run}");
            home.write("web.tgz", &package);
            let mock = immutable(status, body, has.clone());
            let reference = format!("{}/charts/web:1.0.0", mock.host());
            home.command("helm-chart-save").args(["web.tgz", &reference]).run().succeeds();
            let run = home.command("helm-chart-push").args(["--no-clobber", &reference]).run();
            assert_eq!(run.code, Some(code), "{status}: {run}");
        }
    }
}

#[test]
fn of_two_that_push_at_once_the_registry_has_one() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let homes: Vec<_> = (0..4)
        .map(|number| {
            let home = Home::new();
            saved(&home, registry.address(), &format!("a: {number}\n"));
            home
        })
        .collect();
    let reference = format!("{}/charts/web:1.0.0", registry.address());
    let codes: Vec<_> = std::thread::scope(|scope| {
        let push = |home| {
            let reference = &reference;
            scope.spawn(move || {
                let home: &Home = home;
                home.command("helm-chart-push").args(["--no-clobber", reference]).run().code
            })
        };
        let pushing: Vec<_> = homes.iter().map(push).collect();
        pushing.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(codes.iter().all(|code| matches!(code, Some(0 | 5))) && codes.contains(&Some(0)), "{codes:?}");
    // Whoever comes behind leaves it.
    let there = layers(registry.address(), "web", "1.0.0").unwrap();
    let late = Home::new();
    saved(&late, registry.address(), "a: late\n");
    late.command("helm-chart-push").args(["--no-clobber", &reference]).run().fails(5);
    assert_eq!(layers(registry.address(), "web", "1.0.0").unwrap(), there);
    assert_ne!(there[0], Digest::of(b"").to_string());
}
