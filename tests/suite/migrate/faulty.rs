//! Servers that are slow, break off, lie or are not there.

use super::site::{Manner, Site, chart, entry, index, layers, migrate, summary};
use crate::common::{EmbeddedRegistry, Home};

fn world(manner: Manner) -> (Home, EmbeddedRegistry, Site) {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(manner);
    site.stock(&[("web", "1.0.0"), ("web", "1.1.0")]);
    (home, registry, site)
}

#[test]
fn what_breaks_off_goes_on() {
    for (end, etags) in [(".tgz", true), (".tgz", false), ("index.yaml", true), ("index.yaml", false)] {
        let (home, registry, site) = world(Manner { cuts: Some(end.to_owned()), etags, ..Manner::default() });
        migrate(&home, &site.url(), registry.address(), &["--concurrency", "1"]).succeeds();
        let ranged = site.mock.requests().iter().any(|request| request.header("range").is_some());
        assert_eq!(ranged, end == ".tgz", "{end} {etags}");
    }
}

#[test]
fn what_says_later_is_asked_later() {
    for status in [429, 503] {
        for end in ["index.yaml", ".tgz", ".prov"] {
            let (home, registry, site) =
                world(Manner { fails: Some((end.to_owned(), 2, status)), ..Manner::default() });
            let run = migrate(&home, &site.url(), registry.address(), &[]);
            assert!(summary(run.succeeds()).contains("2 copied"), "{end}: {run}");
        }
    }
    let (home, registry, site) =
        world(Manner { fails: Some((".tgz".to_owned(), 1000, 503)), ..Manner::default() });
    migrate(&home, &site.url(), registry.address(), &["--chart", "web", "--latest", "1"]).fails(6);
    // What was missing is there the next time.
    site.behave(Manner::default());
    migrate(&home, &site.url(), registry.address(), &[]).succeeds();
}

#[test]
fn storage_that_hides_what_is_not_there_has_no_provenance() {
    let (home, registry, site) =
        world(Manner { fails: Some((".prov".to_owned(), 2, 403)), ..Manner::default() });
    migrate(&home, &site.url(), registry.address(), &[]).succeeds();
    assert_eq!(layers(registry.address(), "web", "1.0.0").map(|layers| layers.len()), Some(1));
}

#[test]
fn a_registry_that_is_not_there_is_waited_for_once() {
    let home = Home::new();
    let site = Site::new(Manner::default());
    let versions: Vec<_> = (0..40).map(|number| format!("1.{number}.0")).collect();
    site.stock(&versions.iter().map(|version| ("web", version.as_str())).collect::<Vec<_>>());
    let begun = std::time::Instant::now();
    let run = migrate(&home, &site.url(), "localhost:1", &["--timeout", "1s"]);
    run.fails(6);
    assert!(run.stderr.contains("a server is not there, and 32 of 40 versions were not begun"), "{run}");
    assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn an_index_that_lies_about_itself_is_believed_until_it_is_asked_again() {
    let (home, registry, site) = world(Manner { etags: true, ..Manner::default() });
    migrate(&home, &site.url(), registry.address(), &[]).succeeds();
    // The same version is another chart now: what is there stays.
    let other =
        crate::common::wire::tgz(&[("web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.1.0\n")]);
    site.set("index.yaml", index(&[entry("web", "1.1.0", &other, "other.tgz")]));
    site.set("other.tgz", other);
    let run = migrate(&home, &site.url(), registry.address(), &[]);
    assert!(run.fails(5).stderr.contains("cannot migrate web 1.1.0: the registry has sha256:"), "{run}");
    assert_eq!(summary(&run), "1 chart, 1 version: 0 copied (0 B), 0 unchanged, 1 differs", "{run}");
    // Nothing was forgotten: it is 5 the next time, too.
    migrate(&home, &site.url(), registry.address(), &[]).fails(5);
    migrate(&home, &site.url(), registry.address(), &["--recheck"]).fails(7);
    let kept = migrate(&home, &site.url(), registry.address(), &["--keep"]);
    assert!(kept.succeeds().stderr.starts_with("Warning: cannot migrate web 1.1.0: "), "{kept}");
    let run = migrate(&home, &site.url(), registry.address(), &["--force"]);
    assert!(run.succeeds().stdout.starts_with("web:1.1.0: overwritten"), "{run}");
    assert_ne!(
        layers(registry.address(), "web", "1.1.0").unwrap()[0],
        oci::digest::Digest::of(&chart("web", "1.1.0")).to_string()
    );
}

#[test]
fn two_runs_of_one_job_are_one_at_a_time() {
    let (home, registry, site) = world(Manner::default());
    let journal = home.write("journal", "");
    let file = std::fs::File::open(&journal).unwrap();
    file.lock().unwrap();
    let run = migrate(&home, &site.url(), registry.address(), &["--journal", "journal"]);
    assert!(
        run.fails(2).stderr.starts_with("Error: journal is the journal of a run that is at work\n"),
        "{run}"
    );
    drop(file);
    migrate(&home, &site.url(), registry.address(), &["--journal", "journal"]).succeeds();
}
