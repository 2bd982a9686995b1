//! What a run costs, and what the next one does.

use super::site::{Manner, Site, chart, entry, index, layers, migrate, summary};
use crate::common::counter::Counter;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

fn versions(count: usize) -> Vec<(&'static str, String)> {
    (0..count).map(|number| ("web", format!("1.{number}.0"))).collect()
}

fn stock(site: &Site, count: usize) {
    let versions = versions(count);
    let versions: Vec<_> = versions.iter().map(|(name, version)| (*name, version.as_str())).collect();
    site.stock(&versions);
}

#[test]
fn a_run_without_news_is_one_request_and_one_with_news_is_the_news() {
    for etags in [true, false] {
        let home = Home::new();
        let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
        let counter = Counter::start(registry.address());
        let site = Site::new(Manner { etags, ..Manner::default() });
        stock(&site, 5);
        let run = || migrate(&home, &site.url(), counter.host(), &[]);
        let first = run();
        assert_eq!(
            summary(first.succeeds()).split(" (").next(),
            Some("1 chart, 5 versions: 5 copied"),
            "{first}"
        );
        // Those of the tags, and five a version; the index, and two a version.
        let (requests, _) = counter.take();
        assert_eq!(
            (requests.len(), site.lines().len()),
            (1 + 5 * 5, 1 + 2 * 5),
            "{requests:?} {:?}",
            site.lines()
        );
        let before = site.lines().len();
        let again = run();
        assert_eq!(summary(again.succeeds()), "1 chart, 5 versions: 0 copied (0 B), 5 unchanged", "{again}");
        assert!(again.stdout.contains("; 1 request in 0 s"), "{again}");
        assert_eq!((counter.take().0.len(), site.lines().len() - before), (0, 1), "{etags}");
        // When it was made is no news.
        let made = |text: &str| text.replace("generated: \"2024", "generated: \"2025");
        let entries: Vec<_> = versions(5)
            .iter()
            .map(|(name, version)| {
                entry(name, version, &chart(name, version), &format!("{name}-{version}.tgz"))
            })
            .collect();
        site.set("index.yaml", made(&index(&entries)));
        let again = run();
        assert!(again.succeeds().stdout.contains("; 1 request in 0 s"), "{again}");
        // News are.
        stock(&site, 6);
        let news = run();
        assert!(summary(news.succeeds()).ends_with("5 unchanged"), "{news}");
        assert!(news.stdout.starts_with("web:1.5.0: copied (205 B)\n"), "{news}");
        let (requests, _) = counter.take();
        assert_eq!(requests.len(), 6, "{requests:?}");
        // What was lost there, only who asks sees.
        let other = registry.address().to_owned();
        let _ = ureq::delete(format!("http://{other}/v2/charts/web/manifests/1.0.0")).call();
        assert!(layers(&other, "web", "1.0.0").is_none());
        run().succeeds();
        assert!(layers(&other, "web", "1.0.0").is_none());
        let run = migrate(&home, &site.url(), counter.host(), &["--check", "--recheck"]);
        assert_eq!(
            summary(run.succeeds()).split(" (").next(),
            Some("1 chart, 6 versions: 1 copied"),
            "{run}"
        );
        assert!(layers(&other, "web", "1.0.0").is_some());
    }
}

#[test]
fn without_a_journal_the_registry_tells() {
    let Some(docker) = DockerRegistry::start() else { return };
    let home = Home::new();
    let site = Site::new(Manner::default());
    stock(&site, 4);
    let args = ["--journal", "none"];
    migrate(&home, &site.url(), docker.address(), &args).succeeds();
    assert!(!home.path().join(".cache/helm/oci/migrate").exists());
    let again = migrate(&home, &site.url(), docker.address(), &args);
    assert_eq!(summary(again.succeeds()), "1 chart, 4 versions: 0 copied (0 B), 4 unchanged", "{again}");
    // The index, the tags, and a manifest each.
    assert!(again.stdout.contains("; 6 requests in"), "{again}");
    // A journal that cannot be written is no reason to do nothing.
    home.write(".cache/helm/oci", "a file");
    let run = migrate(&home, &site.url(), docker.address(), &[]);
    assert!(run.succeeds().stderr.contains("nothing is noted of what is done"), "{run}");
}

#[test]
fn what_would_be_is_told_and_not_done() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(Manner::default());
    site.stock(&[("web", "1.0.0"), ("web", "1.1.0-rc.1"), ("api", "0.1.0"), ("api", "0.2.0")]);
    let run = migrate(&home, &site.url(), registry.address(), &["--dry-run"]);
    let host = registry.address();
    let expected = format!(
        "api:0.1.0: would be copied\napi:0.2.0: would be copied\nweb:1.0.0: would be copied\nweb:1.1.0-rc.1: would be copied\n\
         {host}/charts/api\n{host}/charts/web\n2 charts, 4 versions: 4 would be copied, 0 unchanged"
    );
    assert!(run.succeeds().stdout.starts_with(&expected), "{run}");
    assert!(site.lines().iter().all(|line| line.ends_with("/index.yaml")), "{:?}", site.lines());
    assert!(layers(host, "web", "1.0.0").is_none());
    for (args, copied) in [
        (&["--chart", "a*", "--latest", "1"][..], "api:0.2.0: would be copied\n"),
        (&["--skip", "api"], "web:1.0.0: would be copied\nweb:1.1.0-rc.1: would be copied\n"),
        (&["--version", ">=1"], "web:1.0.0: would be copied\n"),
        (&["--version", ">=1", "--devel", "--latest", "1"], "web:1.1.0-rc.1: would be copied\n"),
        (&["--since", "2024-03-02"], ""),
    ] {
        let run = migrate(&home, &site.url(), host, &[args, &["--dry-run"]].concat());
        let rows = run.succeeds().stdout.lines().filter(|line| line.ends_with("would be copied"));
        let rows: String = rows.map(|line| format!("{line}\n")).collect();
        assert_eq!(rows, copied, "{run}");
    }
    // Each form says the same.
    let quiet = migrate(&home, &site.url(), host, &["-q", "--chart", "web"]);
    let lines: Vec<_> = quiet.succeeds().stdout.lines().collect();
    assert!(lines[0].starts_with(&format!("{host}/charts/web:1.0.0@sha256:")) && lines.len() == 2, "{quiet}");
    let jsonl = migrate(&home, &site.url(), host, &["-o", "jsonl"]);
    let rows: Vec<serde_json::Value> =
        jsonl.succeeds().stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let statuses: Vec<_> = rows.iter().map(|row| row["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["copied", "copied", "unchanged", "unchanged"], "{jsonl}");
}

#[test]
fn an_earlier_since_is_another_job() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(Manner::default());
    stock(&site, 2);
    let of = |version: &str, year: &str| {
        let package = chart("web", version);
        let (name, text) = entry("web", version, &package, &format!("web-{version}.tgz"));
        (name, text.replace("\"2024", &format!("\"{year}")))
    };
    site.set("index.yaml", index(&[of("1.1.0", "2024"), of("1.0.0", "2020")]));
    let run = |since: &str| migrate(&home, &site.url(), registry.address(), &["--since", since]);
    let first = run("2022-01-01");
    assert!(summary(first.succeeds()).starts_with("1 chart, 1 version: 1 copied"), "{first}");
    let again = run("2022-01-01");
    assert!(again.succeeds().stdout.contains("; 1 request in 0 s"), "{again}");
    let earlier = run("2019-01-01");
    assert!(summary(earlier.succeeds()).starts_with("1 chart, 2 versions: 1 copied"), "{earlier}");
    assert!(layers(registry.address(), "web", "1.0.0").is_some());
}

#[test]
fn a_dry_run_asks_for_sizes_when_it_is_told_to() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let site = Site::new(Manner::default());
    stock(&site, 2);
    let run = |args: &[&str]| migrate(&home, &site.url(), registry.address(), args);
    let size = chart("web", "1.0.0").len();
    let plain = run(&["--dry-run"]);
    assert!(plain.succeeds().stdout.contains("web:1.0.0: would be copied\n"), "{plain}");
    let before = site.lines().len();
    let sizes = run(&["--dry-run", "--sizes"]);
    assert!(sizes.succeeds().stdout.contains(&format!("web:1.0.0: would be copied ({size} B)\n")), "{sizes}");
    let asked = &site.lines()[before..];
    assert_eq!(asked.iter().filter(|line| line.starts_with("HEAD ")).count(), 2, "{asked:?}");
    assert_eq!(layers(registry.address(), "web", "1.0.0"), None);
    let alone = run(&["--sizes"]);
    alone.fails(2);
}
