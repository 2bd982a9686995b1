//! Several charts, and lists of them.

use oci::digest::Digest;
use serde_json::Value;

use crate::attached::carried::{TAG, attach_all, pushed, source};
use crate::attached::world::There;
use crate::common::counter::Counter;
use crate::common::{EmbeddedRegistry, Home, write_chart};

#[test]
fn many_go_below_a_prefix() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let there = source(registry.address());
    let (owner, chart) = pushed(&there);
    let address = registry.address();
    let other = format!("{address}/more/mychart:{TAG}");
    owner.command("helm-chart-save").args(["-q", "mychart", &other]).run().succeeds();
    owner.command("helm-chart-push").args(["-q", &other]).run().succeeds();
    let home = Home::new();
    let list = format!("{address}/src/mychart:{TAG}\n  # nothing\n{other} # with its name\n");
    let prefix = format!("oci://{address}/mirror");
    let run = home.command("helm-chart-copy").args(["--file", "-", "--to", &prefix, "-q"]).stdin(list).run();
    assert_eq!(run.succeeds().stdout.lines().count(), 2, "{run}");
    for name in ["mirror/src/mychart", "mirror/more/mychart"] {
        assert_eq!(There::new(address, name).get(TAG).as_ref(), Some(&chart), "{name}");
    }
    // By its digest alone it keeps that.
    let digest = Digest::of(&chart);
    let by_digest = format!("{address}/src/mychart@{digest}");
    let target = format!("{address}/pinned/mychart");
    let run = home.command("helm-chart-copy").args(["-q", &by_digest, &target]).run();
    run.succeeds().stdout_is(&format!("{target}@{digest}\n"));
    assert_eq!(There::new(address, "pinned/mychart").get(&digest.to_string()), Some(chart));
}

#[test]
fn what_cannot_be_understood_is_told_before_anything_is_copied() {
    let home = Home::new();
    for (list, expected) in [
        ("localhost:1/a:1\n", "Error: list, line 1: `localhost:1/a:1`: where to?\n"),
        ("\nlocalhost:1/a:1 b c d\n", "Error: list, line 2: `c` stands behind source and destination\n"),
        (
            "localhost:1/a localhost:1/b\n",
            "Error: list, line 1: `localhost:1/a` has neither a tag nor a digest\n",
        ),
        ("# nothing\n", "Error: list names no chart\n"),
    ] {
        home.write("list", list);
        let run = home.command("helm-chart-copy").args(["--file", "list"]).run();
        run.fails(2);
        assert!(run.stderr.starts_with(expected), "{run}");
    }
    let run = home.command("helm-chart-copy").args(["--file", "missing"]).run();
    run.fails(3);
    let run = home.command("helm-chart-copy").args(["localhost:1/a:1", "oci://localhost:2"]).run();
    run.fails(2);
    assert!(run.stderr.contains("hint: --to oci://localhost:2 keeps"), "{run}");
    let args = ["-f", "-", "--from-password-stdin", "--from-username", "a"];
    home.command("helm-chart-copy").args(args).run().fails(2);
}

#[test]
fn a_tag_that_is_not_there_is_told() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    pushed(&source(registry.address()));
    let (from, to) =
        (format!("{}/src/mychart:2.0.0", registry.address()), format!("{}/dst/mychart", registry.address()));
    let run = home.command("helm-chart-copy").args([&from, &to]).run();
    run.fails(3);
    let hint =
        "hint: there is no such tag, or no such repository; without a tag, --all copies all that there are\n";
    assert!(run.stderr.ends_with(hint), "{run}");
}

#[test]
fn a_rate_is_a_size_in_a_second() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let (_, chart) = pushed(&source(registry.address()));
    let (from, to) =
        (format!("{}/src/mychart:{TAG}", registry.address()), format!("{}/dst/mychart", registry.address()));
    let home = Home::new();
    for rate in ["0", "fast", "2M/h"] {
        let run = home.command("helm-chart-copy").args(["--rate", rate, &from, &to]).run();
        let expected = format!("`{rate}` is no rate: expected for example 500k or 2M, in a second");
        assert!(run.fails(2).stderr.contains(&expected), "{run}");
    }
    home.command("helm-chart-copy").args(["--rate", "100M/s", &from, &to]).run().succeeds();
    assert_eq!(There::new(registry.address(), "dst/mychart").get(TAG), Some(chart));
}

/// Pushes these versions of a chart, each with other values.
pub fn push_versions(address: &str, versions: &[String]) {
    let home = Home::new();
    for version in versions {
        let yaml = format!("apiVersion: v2\nname: mychart\nversion: {version}\n");
        let values = format!("a: {version}\n");
        write_chart(&home.path().join("mychart"), &[("Chart.yaml", &yaml), ("values.yaml", &values)]);
        let prefix = format!("oci://{address}/src");
        home.command("helm-chart-push").args(["mychart", &prefix]).run().succeeds();
    }
}

#[test]
fn all_versions_take_one_list_each() {
    const COUNT: usize = 10;
    let (home, other) = (Home::new(), Home::new());
    let (from, to) = (EmbeddedRegistry::start(&home, []), EmbeddedRegistry::start(&other, []));
    let versions: Vec<_> = (0..COUNT).map(|minor| format!("1.{minor}.0")).collect();
    push_versions(from.address(), &versions);
    let (left, right) = (Counter::start(from.address()), Counter::start(to.address()));
    let home = Home::new();
    let (source, target) = (format!("{}/src/mychart", left.host()), format!("{}/dst/mychart", right.host()));
    let copy = |args: &[&str]| home.command("helm-chart-copy").args(args).args([&source, &target]).run();
    let run = copy(&["--all"]);
    assert_eq!(run.succeeds().stdout.matches(": copied to ").count(), COUNT, "{run}");
    // A list; of each the manifest, two blobs and the list of referrers. A list; of each POST and PUT twice, and PUT.
    let (gets, puts) = (left.take().0, right.take().0);
    assert!(gets.len() <= 1 + 4 * COUNT, "{gets:?}");
    assert!(puts.len() <= 1 + 5 * COUNT, "{puts:?}");
    copy(&["--all", "--new-only"]).succeeds().stdout_is("").stderr_is("");
    let (gets, puts) = (left.take().0, right.take().0);
    assert_eq!(
        (gets, puts),
        (vec!["GET /v2/src/mychart/tags/list".to_owned()], vec!["GET /v2/dst/mychart/tags/list".to_owned()])
    );
    push_versions(from.address(), &["1.99.0".to_owned()]);
    let run = copy(&["--all", "--new-only", "-q"]);
    assert_eq!(run.succeeds().stdout.lines().count(), 1, "{run}");
    let (from, to) =
        (source.replace(left.host(), from.address()), target.replace(right.host(), to.address()));
    for version in &versions {
        let at = |name: &str| {
            let (address, name) = name.split_once('/').unwrap();
            There::new(address, name).get(version)
        };
        assert!(at(&from).is_some());
        assert_eq!(at(&from), at(&to), "{version}");
    }
}

#[test]
fn a_range_brings_what_it_allows() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    let address = registry.address();
    push_versions(address, &["1.0.0", "1.1.0", "2.0.0"].map(str::to_owned));
    let there = source(address);
    let chart = there.get("1.0.0").unwrap();
    attach_all(&there, &chart);
    let home = Home::new();
    let map = format!("{address}/src={address}/dst");
    let copy = |args: &[&str]| {
        let source = format!("oci://{address}/src/mychart");
        home.command("helm-chart-copy").args(args).args(["--map", &map, &source]).run()
    };
    let run = copy(&["--version", "^1", "--dry-run", "-o", "json"]);
    let rows: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
    let told: Vec<_> = rows.as_array().unwrap().iter().map(|row| (&row["status"], &row["dryRun"])).collect();
    assert_eq!(told, vec![(&Value::from("copied"), &Value::from(true)); 2], "{run}");
    assert_eq!(rows[0]["attached"].as_array().unwrap().len(), 6, "{run}");
    let target = There::new(address, "dst/mychart");
    assert_eq!((target.get("1.0.0"), target.get("1.1.0")), (None, None));
    let run = copy(&["--version", "^1"]);
    assert_eq!(run.succeeds().stdout.matches(": copied to ").count(), 2, "{run}");
    assert_eq!(target.get("1.0.0"), Some(chart.clone()));
    assert_eq!(target.get("2.0.0"), None);
    // What is attached later would be added.
    let sbom = there.attach(&chart, "application/spdx+json", "another");
    let run = copy(&["--version", "1.0.0", "--dry-run"]);
    assert!(run.succeeds().stdout.starts_with("1.0.0: would be added to "), "{run}");
    assert!(run.stdout.contains(" (1 SBOM)\n"), "{run}");
    assert_eq!(target.get(&Digest::of(&sbom).to_string()), None);
    copy(&["--version", ">=3"]).fails(3);
    copy(&["--version", "nonsense"]).fails(2);
    copy(&["--version", "^1", "--all"]).fails(2);
    // Signatures are no charts: their tags go with what they are about, and once.
    let run = copy(&["--all", "-q"]);
    assert_eq!(run.succeeds().stdout.lines().count(), 3, "{run}");
}
