//! A migration that is killed, at every single request: what is there is whole, and the next run brings the rest.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::site::{Manner, Site, layers, migrate};
use crate::common::{EmbeddedRegistry, Home};
use crate::copy::killed::Gate;

const VERSIONS: [(&str, &str); 3] = [("web", "1.0.0"), ("web", "1.1.0"), ("api", "0.1.0")];

/// What a registry has of it.
fn tags(registry: &str, prefix: &str) -> BTreeMap<String, Option<Vec<String>>> {
    let of = |(name, version): &(&str, &str)| {
        (format!("{name}:{version}"), layers(registry, &format!("{prefix}/{name}"), version))
    };
    VERSIONS.iter().map(of).collect()
}

#[test]
fn a_migration_that_is_killed_anywhere_is_whole_after_the_next() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(Manner { etags: true, ..Manner::default() });
    site.stock(&VERSIONS);
    let to = |host: &str, prefix: &str| format!("oci://{host}/charts/{prefix}");
    home.command("helm-chart-migrate").args([&site.url(), &to(registry.address(), "whole")]).run().succeeds();
    let whole = tags(registry.address(), "whole");
    assert!(whole.values().all(Option::is_some), "{whole:?}");
    for most in 0..200 {
        let gate = Gate::before(registry.address(), most);
        let prefix = format!("at{most}");
        let (from, through) = (site.url(), to(&gate.host, &prefix));
        let words = [&*from, &through, "--journal", &prefix];
        let mut command = home.command("helm-chart-migrate").args(words).prepared();
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if gate.is_shut.load(Ordering::SeqCst) {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "behind request {most}");
            thread::sleep(Duration::from_millis(2));
        };
        for (tag, found) in tags(registry.address(), &prefix) {
            assert!(found.is_none() || found == whole[&tag], "{tag} behind request {most}");
        }
        if let Some(status) = status {
            assert!(status.success(), "behind request {most}");
            assert!(most > 15, "it takes more than {most} requests");
            return;
        }
        // By the address that it has: what was noted was noted of another one.
        let again = migrate(
            &home,
            &from,
            &format!("{}/charts/{prefix}", registry.address()),
            &["--journal", &prefix],
        );
        again.succeeds();
        home.command("helm-chart-migrate")
            .args([&*from, &to(registry.address(), &prefix), "--journal", &prefix])
            .run()
            .succeeds();
        assert_eq!(tags(registry.address(), &prefix), whole, "behind request {most}");
    }
    panic!("it never ends");
}

#[test]
fn a_torn_line_of_a_journal_counts_as_none() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(Manner::default());
    site.stock(&VERSIONS);
    let run = || migrate(&home, &site.url(), registry.address(), &["--journal", "journal"]);
    run().succeeds();
    let journal = std::fs::read(home.path().join("journal")).unwrap();
    std::fs::remove_file(home.path().join("journal.index")).unwrap();
    for cut in [1, journal.len() / 2, journal.len() - 1] {
        home.write("journal", &journal[..cut]);
        run().succeeds();
        let text = std::fs::read_to_string(home.path().join("journal")).unwrap();
        assert_eq!(text.lines().count(), 3, "{text}");
        std::fs::remove_file(home.path().join("journal.index")).unwrap();
    }
}
