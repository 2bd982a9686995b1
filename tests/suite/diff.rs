//! `helm-chart-diff`: what changes for somebody who goes from one version to the other.

use std::fs;

use serde_json::Value;

use crate::common::counter::Counter;
use crate::common::{EmbeddedRegistry, Home, Output, corpus, write_chart};

fn diff(home: &Home, words: &[&str]) -> Output {
    home.command("helm-chart-diff").args(words).run()
}

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: backups.example.com}\n\
    spec:\n  versions:\n";

/// `old` and `new`, which differ in everything.
fn home() -> Home {
    let home = Home::new();
    let crd = |versions: &str| format!("---\n{CRD}{versions}");
    let old_crd = crd("  - {name: v1beta1, served: true}\n  - {name: v1, served: true}\n");
    let new_crd = crd("  - {name: v1beta1, served: false}\n  - {name: v1, served: true}\n");
    let old = [
        (
            "Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: '1.4.0'\ndependencies:\n- {name: db, version: 1.x.x, repository: ''}\n",
        ),
        (
            "values.yaml",
            "image: {repository: team/web, tag: 1.4.0}\nauth: {legacy: true, user: a}\nreplicas: 1\nsame: [1]\n",
        ),
        ("values.schema.json", "{\"required\": [\"image\"]}"),
        ("templates/a.yaml", "a: 1\nb: 2\n"),
        ("templates/gone.yaml", "x\n"),
        ("crds/backup.yaml", old_crd.as_str()),
        ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 1.0.0\n"),
        ("charts/db/values.yaml", "size: 1\n"),
        ("README.md", "# old\n"),
    ];
    let new = [
        (
            "Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 2.0.0\nappVersion: '1.5.0'\nkubeVersion: '>=1.30'\ndependencies:\n- {name: db, version: 2.x.x, repository: ''}\n",
        ),
        (
            "values.yaml",
            "image: {repository: team/web, tag: 1.5.0}\nauth: {user: a}\nreplicas: '2'\nsame: [1]\nextra: {on: true}\n",
        ),
        ("values.schema.json", "{\"required\": [\"image\", \"auth\"]}"),
        ("templates/a.yaml", "a: 1\nb: 3\nc: 4\n"),
        ("templates/job.yaml", "image: busybox:1.36\n"),
        ("crds/backup.yaml", new_crd.as_str()),
        ("charts/db/Chart.yaml", "apiVersion: v2\nname: db\nversion: 2.1.0\n"),
        ("charts/db/values.yaml", "size: 2\n"),
        ("README.md", "# new\n"),
    ];
    write_chart(&home.path().join("old"), &old);
    write_chart(&home.path().join("new"), &new);
    home
}

#[test]
fn every_section_is_told() {
    let home = home();
    let found = diff(&home, &["old", "new"]);
    found.fails(5).stderr_is("").stdout_is(
        "\
metadata      appVersion: \"1.4.0\" -> \"1.5.0\"
metadata      + kubeVersion: \">=1.30\"
metadata      version: \"1.0.0\" -> \"2.0.0\"
dependencies  db.bundled: \"1.0.0\" -> \"2.1.0\"
dependencies  db.version: \"1.x.x\" -> \"2.x.x\"
values        - auth.legacy: true
values        db.size: 1 -> 2
values        + extra.true: true
values        image.tag: \"1.4.0\" -> \"1.5.0\"
values        replicas: 1 -> \"2\" (another type)
schema        required: [\"image\"] -> [\"image\",\"auth\"] (more is required)
crds          ~ backups.example.com: v1beta1 no longer served
templates     ~ templates/a.yaml (+2 -1 lines)
templates     - templates/gone.yaml
templates     + templates/job.yaml
images        + busybox:1.36
images        team/web:1.4.0 -> team/web:1.5.0
files         ~ README.md (+1 -1 lines)
5 breaking, 13 other
",
    );
    let only = diff(&home, &["old", "new", "--only", "images", "--only", "crds"]);
    assert_eq!(only.fails(5).stdout.lines().count(), 4);
    diff(&home, &["old", "new", "-q"]).fails(5).stdout_is("");
}

#[test]
fn my_values_decide_what_breaks() {
    let home = home();
    home.write("mine.yaml", "replicas: 5\nauth: {user: b}\nimage: {tag: own}\nsame: text\n");
    let found = diff(&home, &["old", "new", "--only", "values", "--values", "mine.yaml"]);
    found.fails(5).stdout_is(
        "\
values  - auth.legacy: true
values  db.size: 1 -> 2
values  + extra.true: true
values  image.tag: \"1.4.0\" -> \"1.5.0\" (you set it)
values  replicas: 1 -> \"2\" (another type; you set it)
values  same: \"text\" -> [1] (your value is of another type than the default)
1 breaking, 5 other
",
    );
    home.write("mine.yaml", "auth: {legacy: false}\n");
    let found = diff(&home, &["old", "new", "--only", "values", "-f", "mine.yaml"]);
    assert!(
        found.fails(5).stdout.starts_with("values  - auth.legacy: true (removed; you set it)\n"),
        "{found}"
    );
}

#[test]
fn documents_and_markdown_say_the_same() {
    let home = home();
    let json = diff(&home, &["old", "new", "-o", "json"]);
    let rows: Vec<Value> = serde_json::from_slice(&json.fails(5).bytes).unwrap();
    assert_eq!(rows.len(), 18);
    assert_eq!(
        rows[5],
        serde_json::json!({ "section": "values", "path": "auth.legacy", "change": "removed", "old": true, "new": null, "breaking": true })
    );
    assert_eq!(rows.iter().filter(|row| row["breaking"] == true).count(), 5);
    let yaml: Value = serde_yaml::from_str(&diff(&home, &["old", "new", "-o", "yaml"]).stdout).unwrap();
    assert_eq!(yaml, Value::from(rows));
    let github = diff(&home, &["old", "new", "-o", "github"]).fails(5).stdout.clone();
    assert!(github.starts_with("### old → new\n\n**5 breaking, 13 other**\n"), "{github}");
    assert!(
        github.contains("| :warning: | <code>auth.legacy</code> | <code>true</code> |  |  |\n"),
        "{github}"
    );
    // What a chart says is no markup.
    fs::write(home.path().join("new/values.yaml"), "a: '<b>|x|</b> @team `y`'\n").unwrap();
    let github = diff(&home, &["old", "new", "-o", "github", "--only", "values"]).stdout;
    assert!(github.contains("&lt;b&gt;&#124;x&#124;&lt;/b&gt; &#64;team &#96;y&#96;"), "{github}");
}

#[test]
fn the_same_chart_is_no_difference() {
    let home = home();
    home.command("helm-chart-save").args(["-q", "old", "localhost:5000/web"]).run().succeeds();
    home.command("helm-chart-export").args(["-q", "--package", "localhost:5000/web:1.0.0"]).run().succeeds();
    diff(&home, &["old", "web-1.0.0.tgz"]).prints("no differences: their files say the same\n");
    diff(&home, &["old", "old", "-o", "json"]).prints("[]\n");
    diff(&home, &["old", "old", "-o", "github"]).prints("### old → old\n\nNo differences.\n");
    diff(&home, &["old"]).fails(2);
    diff(&home, &["old", "new", "--only", "nonsense"]).fails(2);
    diff(&home, &["old", "./absent"]).fails(3);
}

#[test]
fn two_tags_of_one_manifest_are_two_requests() {
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let counter = Counter::start(registry.address());
    let name = |tag: &str| format!("{}/charts/web:{tag}", counter.host());
    for (chart, tag) in [("old", "1.0.0"), ("old", "stable"), ("new", "2.0.0")] {
        home.command("helm-chart-save").args(["-q", chart, &name(tag)]).run().succeeds();
        home.command("helm-chart-push").args(["-q", &name(tag)]).run().succeeds();
    }
    let other = Home::new();
    counter.take();
    diff(&other, &[&name("1.0.0"), &name("stable")]).prints("no differences: they have one digest\n");
    assert_eq!(counter.take().0.len(), 2);
    let remote = diff(&other, &[&name("1.0.0"), &name("2.0.0")]);
    assert_eq!(remote.fails(5).stdout, diff(&home, &["old", "new"]).stdout);
    // Two HEADs, then two charts of a manifest, a config and a layer.
    assert_eq!(counter.take().0.len(), 8);
    let mixed = diff(&other, &["--offline", &name("1.0.0"), &name("2.0.0")]);
    assert_eq!((mixed.fails(5).stdout.lines().count(), counter.take().0.len()), (19, 0));
}

/// No chart of the corpus differs from its own package.
#[test]
fn charts_and_their_packages_do_not_differ() {
    let Some(charts) = corpus() else { return };
    let home = Home::new();
    let mut compared = 0;
    for chart in charts.iter().step_by(6) {
        let name = chart.file_name().unwrap().to_str().unwrap();
        let (path, reference) = (chart.to_str().unwrap(), format!("localhost:5000/{name}:1"));
        if home.command("helm-chart-save").args(["-q", path, &reference]).run().code != Some(0) {
            continue;
        }
        // requirements.yaml and what .helmignore takes away are no parts of what is compared.
        diff(&home, &["--offline", path, &reference]).prints("no differences: their files say the same\n");
        compared += 1;
    }
    assert!(compared > 30);
}
