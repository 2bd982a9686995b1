//! The indexes that real servers write: ChartMuseum's, Harbor's, Artifactory's, Nexus's, GitLab's, and what is wrong with them.

use oci::digest::Digest;
use serde_json::Value;

use super::site::{Manner, Site, chart, entry, entry_of, index, layers, migrate, summary};
use crate::common::{EmbeddedRegistry, Home};

/// A registry, and a home for those who use it.
fn world() -> (Home, EmbeddedRegistry) {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    (home, registry)
}

#[test]
fn each_servers_index_is_read() {
    let (home, registry) = world();
    let package = chart("web", "1.2.3");
    let digest = Digest::of(&package);
    let (name, text) = entry("web", "1.2.3", &package, "charts/web-1.2.3.tgz");
    let usual = index(&[(name, text.clone())]);
    let json = serde_json::json!({"apiVersion": "v1", "serverInfo": {}, "entries": {"web": [{
        "name": "web", "version": "1.2.3", "digest": digest.hex(), "urls": ["charts/web-1.2.3.tgz"], "created": "x"
    }]}});
    for (server, index) in [
        ("helm", usual.clone()),
        ("ChartMuseum", format!("{usual}serverInfo:\n  contextPath: /x\n")),
        ("bitnami", usual.replace("digest: ", "digest: sha256:")),
        ("Artifactory", usual.replace("charts/web-1", "local://charts/web-1")),
        ("Nexus", usual.replace("charts/web-1.2.3.tgz", "web-1.2.3.tgz")),
        ("an absolute URL", usual.replace("charts/", "SITE/charts/")),
        ("no scheme", usual.replace("charts/web-1", "//HOST/charts/web-1")),
        ("several URLs", usual.replace("    - charts/", "    - no/web.tgz\n    - charts/")),
        ("JSON", json.to_string()),
        ("brackets", usual.replace("urls:\n    - charts/web-1.2.3.tgz", "urls: [\ncharts/web-1.2.3.tgz]")),
        ("no digest", usual.replace(&format!("    digest: {}\n", digest.hex()), "")),
        (
            "twice",
            usual.replace("generated", &format!("{}generated", text.replace(digest.hex(), &"ab".repeat(32)))),
        ),
        ("gzip", usual.clone()),
    ] {
        let site = Site::new(Manner { gzip: server == "gzip", ..Manner::default() });
        let index = index.replace("SITE", &site.url()).replace("HOST", &site.mock.host());
        site.set("r/index.yaml", index);
        site.set("r/charts/web-1.2.3.tgz", package.clone());
        site.set("r/web-1.2.3.tgz", package.clone());
        site.set("charts/web-1.2.3.tgz", package.clone());
        let to = format!("oci://{}/{}", registry.address(), server.to_lowercase().replace(' ', "-"));
        let url = format!("{}/r", site.url());
        let run = home.command("helm-chart-migrate").args([&url, &to, "-o", "json"]).run();
        let document: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
        let row = &document["charts"][0];
        assert_eq!(
            (row["status"].as_str(), row["chartDigest"].as_str()),
            (Some("copied"), Some(&*digest.to_string())),
            "{server}: {run}"
        );
        assert_eq!(row["unverified"], server == "no digest", "{server}: {run}");
        assert_eq!(document["charts"].as_array().unwrap().len(), 1, "{server}: {run}");
        // A package is never asked for in another form than the one that its digest is of.
        let asked = |end: &str| {
            let requests = site.mock.requests();
            let found = requests.iter().rfind(|request| request.line.ends_with(end)).cloned();
            found.and_then(|request| request.header("accept-encoding").map(str::to_owned))
        };
        assert_eq!(
            (asked("index.yaml").as_deref(), asked(".tgz").as_deref()),
            (Some("gzip"), Some("identity")),
            "{server}"
        );
    }
}

#[test]
fn harbors_index_of_all_projects_keeps_them() {
    let (home, registry) = world();
    let site = Site::new(Manner::default());
    let package = chart("web", "1.0.0");
    site.set(
        "index.yaml",
        index(&[("team/web".to_owned(), entry("web", "1.0.0", &package, "team/charts/web.tgz").1)]),
    );
    site.set("team/charts/web.tgz", package.clone());
    migrate(&home, &site.url(), registry.address(), &[]).succeeds();
    assert_eq!(layers(registry.address(), "team/web", "1.0.0"), Some(vec![Digest::of(&package).to_string()]));
}

#[test]
fn what_is_wrong_costs_itself_alone() {
    let (home, registry) = world();
    let site = Site::new(Manner::default());
    site.stock(&[("web", "1.0.0"), ("web", "1.1.0+build.5"), ("Upper", "1.0.0")]);
    let package = chart("web", "2.0.0");
    let mut entries = vec![
        entry("web", "1.0.0", &chart("web", "1.0.0"), "web-1.0.0.tgz"),
        entry("web", "1.1.0+build.5", &chart("web", "1.1.0+build.5"), "web-1.1.0+build.5.tgz"),
        entry("web", "1.1.0_build.5", &chart("web", "1.1.0+build.5"), "no.tgz"),
        entry("Upper", "1.0.0", &chart("Upper", "1.0.0"), "Upper-1.0.0.tgz"),
        // Another chart than the index says, one that is gone, one that is another, one that nobody can fetch.
        entry("web", "2.0.0", &package, "web-2.0.0.tgz"),
        entry("web", "3.0.0", &package, "gone.tgz"),
        entry_of("web", "4.0.0", &"ab".repeat(32), "web-2.0.0.tgz"),
        entry("web", "5.0.0", &package, "s3://bucket/web.tgz"),
        entry("web", "6.0.0", &package, "web-2.0.0.tgz"),
    ];
    site.set("web-2.0.0.tgz", package);
    entries.push(("web".to_owned(), "  - null\n  - name: web\n".to_owned()));
    site.set("index.yaml", index(&entries));
    let run = migrate(&home, &site.url(), registry.address(), &[]);
    let expected = "2 charts, 8 versions: 3 copied";
    assert!(run.fails(7).stdout.contains(expected), "{run}");
    assert!(summary(&run).ends_with("5 failed, 2 invalid"), "{run}");
    for told in [
        "cannot migrate Upper 1.0.0: invalid repository `charts/Upper`: a repository must be lowercase\nhint: --rename OLD=NEW",
        "cannot migrate web 3.0.0: GET ",
        "cannot migrate web 4.0.0: the package has the digest sha256:",
        "cannot migrate web 5.0.0: the scheme of s3://… is none that charts are fetched by\nhint: sync the files",
        "cannot migrate web 6.0.0: the package is of web 2.0.0, and the index calls it web 6.0.0",
        "Warning: web:1.1.0+build.5: 1.1.0_build.5 would have the same tag, and is left out",
        "Warning: web, line ",
    ] {
        assert!(run.stderr.contains(told), "{told}: {run}");
    }
    assert!(layers(registry.address(), "web", "1.1.0_build.5").is_some());
    assert!(layers(registry.address(), "web", "4.0.0").is_none());
    // And so it is decided otherwise.
    let args = ["--rename", "Upper=lower", "--on-mismatch", "skip", "--skip", "none"];
    let run = migrate(&home, &site.url(), registry.address(), &args);
    assert!(run.fails(1).stdout.contains("web:4.0.0: skipped"), "{run}");
    assert!(layers(registry.address(), "lower", "1.0.0").is_some());
    assert!(
        summary(&run).contains("1 copied") && summary(&run).contains("3 unchanged, 1 skipped, 3 failed"),
        "{run}"
    );
}

#[test]
fn what_is_taken_without_its_digest_is_said() {
    let (home, registry) = world();
    let site = Site::new(Manner::default());
    let package = chart("web", "1.0.0");
    site.set("index.yaml", index(&[entry_of("web", "1.0.0", &"ab".repeat(32), "web.tgz")]));
    site.set("web.tgz", package.clone());
    migrate(&home, &site.url(), registry.address(), &[]).fails(7);
    let run = migrate(&home, &site.url(), registry.address(), &["--on-mismatch", "take"]);
    run.succeeds();
    assert!(summary(&run).ends_with("1 without a digest that fits"), "{run}");
    assert_eq!(layers(registry.address(), "web", "1.0.0"), Some(vec![Digest::of(&package).to_string()]));
}

#[test]
fn what_is_no_index_is_said() {
    let (home, registry) = world();
    let site = Site::new(Manner::default());
    for (index, code, told) in [
        ("<!DOCTYPE html><html></html>", 1, "it is no index of charts: it is no map"),
        ("", 1, "it is no index of charts: it has neither `entries` nor an `apiVersion`"),
        ("entries:\n  a: \"b\n", 1, "the index is no YAML that Helm reads: "),
        ("{\"entries\": {\"a\": [", 1, "the index is no JSON that Helm reads: "),
    ] {
        site.set("index.yaml", index);
        let run = migrate(&home, &site.url(), registry.address(), &[]);
        assert!(run.fails(code).stderr.contains(told), "{run}");
    }
    let run = migrate(&home, &format!("{}/nothing", site.url()), registry.address(), &[]);
    assert!(run.fails(3).stderr.starts_with("Error: cannot read the index of http://"), "{run}");
    site.stock(&[("web", "1.0.0")]);
    let run = migrate(&home, &site.url(), registry.address(), &["--chart", "w", "--chart", "web"]);
    run.fails(3).stderr_is("Error: no chart of the index that is meant is called w\n");
}

#[test]
fn an_index_of_every_size_is_read_within_the_limit() {
    let (home, registry) = world();
    // 24 MiB, of which one version is meant.
    let package = chart("web", "1.0.0");
    let mut text =
        index(&[entry("web", "1.0.0", &package, "web.tgz")]).replace("generated", "  other:\ngenerated");
    let padding = format!("    description: \"{}\"\n", "x".repeat(2000));
    let others: String = (0..12_000)
        .map(|number| entry_of("other", &format!("1.0.{number}"), &"ab".repeat(32), "other.tgz").1 + &padding)
        .collect();
    text = text.replace("  other:\n", &format!("  other:\n{others}"));
    let path = home.write("r/index.yaml", text);
    home.write("r/web.tgz", package);
    let to = format!("oci://{}/charts", registry.address());
    let args = [path.to_str().unwrap(), &to, "--chart", "web"];
    let (run, peak) = crate::common::stopwatch::measured(&home, "helm-chart-migrate", &args);
    run.succeeds();
    assert!(peak <= oci::limits::MEMORY as usize, "{peak} bytes: {run}");
    assert!(layers(registry.address(), "web", "1.0.0").is_some());
}
