//! How many requests a copy takes, on each side.

use crate::attached::carried::{TAG, attach_all, pushed, source};
use crate::attached::world::There;
use crate::common::counter::Counter;
use crate::common::{EmbeddedRegistry, Home, Output};

/// Two registries behind counters.
struct Ways {
    from: Counter,
    to: Counter,
    home: Home,
}

impl Ways {
    fn new(from: &str, to: &str) -> Self {
        Self { from: Counter::start(from), to: Counter::start(to), home: Home::new() }
    }

    /// Copies the chart, and counts.
    #[track_caller]
    fn copy(&self, args: &[&str]) -> (Output, usize, usize) {
        let source = format!("{}/src/mychart:{TAG}", self.from.host());
        let target = format!("{}/dst/mychart", self.to.host());
        let run = self.home.command("helm-chart-copy").args([&source, &target]).args(args).run();
        run.succeeds();
        (run, self.from.take().0.len(), self.to.take().0.len())
    }
}

#[test]
fn a_chart_alone_takes_few_requests() {
    let (home, other) = (Home::new(), Home::new());
    let (from, to) = (EmbeddedRegistry::start(&home, []), EmbeddedRegistry::start(&other, []));
    pushed(&source(from.address()));
    let ways = Ways::new(from.address(), to.address());
    let (run, gets, puts) = ways.copy(&[]);
    assert!(run.stdout.starts_with("1.0.0: copied to "), "{run}");
    // GET of the manifest, two blobs, the list of referrers and that of tags; HEAD, twice POST and PUT, PUT.
    assert_eq!((gets, puts), (5, 6));
    let (run, gets, puts) = ways.copy(&[]);
    assert!(run.stdout.starts_with("1.0.0: up to date in "), "{run}");
    assert_eq!((gets, puts), (3, 1));
    let (_, gets, puts) = ways.copy(&["--no-attached"]);
    assert_eq!((gets, puts), (1, 1));
    // Nothing else than the copy itself: no cache.
    assert!(!ways.home.cache().exists());
}

#[test]
fn a_whole_object_takes_few_requests() {
    for (args_from, args_to) in [(None, None), (Some("--no-referrers"), None), (None, Some("--no-referrers"))]
    {
        let (home, other) = (Home::new(), Home::new());
        let start = |home: &Home, arg: Option<&str>| match arg {
            Some(arg) => EmbeddedRegistry::start(home, [arg]),
            None => EmbeddedRegistry::start(home, []),
        };
        let (from, to) = (start(&home, args_from), start(&other, args_to));
        let there = source(from.address());
        let (_, chart) = pushed(&there);
        let object = attach_all(&there, &chart);
        let ways = Ways::new(from.address(), to.address());
        let (run, gets, puts) = ways.copy(&[]);
        assert!(run.stdout.contains("(4 signatures, 1 attestation, 1 SBOM, "), "{run}");
        object.is_at(&There::new(to.address(), "dst/mychart"), TAG);
        // 7 manifests, and 9 blobs, of which one is `{}`.
        assert!(gets <= 28, "{gets}");
        let indexes = if args_to.is_some() { 6 } else { 0 };
        assert!(puts <= 39 + indexes, "{puts}");
        let (run, ..) = ways.copy(&[]);
        assert!(run.stdout.contains(": up to date in "), "{run}");
        object.is_at(&There::new(to.address(), "dst/mychart"), TAG);
    }
}

#[test]
fn within_a_registry_no_blob_moves() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    pushed(&source(registry.address()));
    let way = Counter::start(registry.address());
    let home = Home::new();
    let copy = |name: &str, args: &[&str]| {
        let source = format!("{}/src/mychart:{TAG}", way.host());
        let target = format!("{}/{name}/mychart", way.host());
        home.command("helm-chart-copy").args([source, target]).args(args).run().succeeds();
        way.take().0
    };
    let lines = copy("one", &["--no-attached"]);
    assert!(lines.len() <= 6, "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("/blobs/sha256")), "{lines:?}");
    let lines = copy("two", &[]);
    assert!(lines.len() <= 12, "{lines:?}");
    // Another name in the same repository is one manifest.
    let target = format!("{}/src/mychart:stable", way.host());
    let source = format!("{}/src/mychart:{TAG}", way.host());
    home.command("helm-chart-copy").args([source, target]).run().succeeds();
    let lines = way.take().0;
    assert_eq!(lines.len(), 3, "{lines:?}");
}
