//! `helm-chart-diff`: what changes for somebody who goes from one version to the other.

use std::fs;

use serde_json::Value;

use oci::media_type::MANIFEST;

use crate::attached::carried::attach_all;
use crate::attached::world::{SBOM, There, descriptor};
use crate::common::counter::Counter;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home, Output, corpus, tool, write_chart};
use oci::digest::Digest;

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
    // Two HEADs, for each chart a list of referrers and three tags of cosign's, then two charts of a manifest, a config and a layer.
    assert_eq!(counter.take().0.len(), 16);
    diff(&other, &[&name("1.0.0"), &name("2.0.0"), "--only", "attached"])
        .prints("no differences: nothing else is attached\n");
    assert_eq!(counter.take().0.len(), 10);
    diff(&other, &[&name("1.0.0"), &name("stable"), "--only", "attached"])
        .prints("no differences: they have one digest\n");
    assert_eq!(counter.take().0.len(), 2);
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

/// `charts/web` with the versions 1.0.0 and 2.0.0 in two registries, of which one lists referrers and one does not.
fn two_registries(home: &Home) -> Option<(EmbeddedRegistry, DockerRegistry)> {
    let registries = (EmbeddedRegistry::start(home, ["--data", "registry"]), DockerRegistry::start()?);
    let (one, other) = (registries.0.address(), registries.1.address());
    for (chart, tag) in [("old", "1.0.0"), ("new", "2.0.0")] {
        home.command("helm-chart-push").args(["-q", chart, &format!("oci://{one}/charts")]).run().succeeds();
        let (from, to) = (format!("{one}/charts/web:{tag}"), format!("{other}/charts/web:{tag}"));
        home.command("helm-chart-copy").args(["-q", &from, &to]).run().succeeds();
    }
    Some(registries)
}

#[test]
fn what_is_attached_is_counted_where_both_are_in_registries() {
    let home = home();
    let Some((embedded, docker)) = two_registries(&home) else { return };
    let there = |address: &str| There::new(address, "charts/web");
    let name = |address: &str, tag: &str| format!("{address}/charts/web:{tag}");
    let (one, other) = (name(embedded.address(), "1.0.0"), name(docker.address(), "1.0.0"));
    diff(&home, &[&one, &other]).prints("no differences: they have one digest\n");

    // The bundle of the chart and that of its SBOM, and cosign's signatures of both.
    let chart = there(embedded.address()).get("1.0.0").unwrap();
    attach_all(&there(embedded.address()), &chart);
    let lines =
        "attached  - SBOMs: 1\nattached  - attestations: 1\nattached  - signatures: 4\n0 breaking, 3 other\n";
    diff(&home, &[&one, &other]).fails(5).stderr_is("").stdout_is(lines);
    diff(&home, &[&one, &other, "--only", "attached"]).fails(5).stdout_is(lines);
    diff(&home, &[&one, &other, "--only", "values"]).prints("no differences: they have one digest\n");
    let rows: Value =
        serde_json::from_slice(&diff(&home, &[&other, &one, "-o", "json"]).fails(5).bytes).unwrap();
    let row = |path: &str, new: u32| serde_json::json!({ "section": "attached", "path": path, "change": "added", "old": null, "new": new, "breaking": false });
    assert_eq!(rows, serde_json::json!([row("SBOMs", 1), row("attestations", 1), row("signatures", 4)]));
    let github = diff(&home, &[&other, &one, "-o", "github"]).fails(5).stdout.clone();
    assert!(github.contains("<details><summary>attached (3)</summary>"), "{github}");

    // The last section of charts that differ in more.
    let newer = name(embedded.address(), "2.0.0");
    let all = diff(&home, &[&one, &newer]);
    let without = diff(&home, &["old", "new"]).stdout.replace("5 breaking, 13 other\n", "");
    let lines = "attached      - SBOMs: 1\nattached      - attestations: 1\nattached      - signatures: 4\n5 breaking, 16 other\n";
    assert_eq!(all.fails(5).stdout, format!("{without}{lines}"));
    // Of a directory, and where no registry is asked, nothing is said.
    for words in [[&one, "new", "-q"], ["old", &newer, "-q"]] {
        diff(&home, &words).fails(5);
    }
    assert!(!diff(&home, &[&one, "new"]).fails(5).stdout.contains("attached"));
    diff(&home, &["old", &one]).prints("no differences: their files say the same\n");
    assert!(!diff(&home, &[&one, &newer, "--offline"]).fails(5).stdout.contains("attached"));
    diff(&home, &[&one, "old", "--only", "attached"])
        .fails(2)
        .stderr_is("Error: --only attached compares charts in registries, and old is in none\n");
    diff(&home, &[&one, &newer, "--only", "attached", "--offline"])
        .fails(2)
        .stderr_is("Error: --only attached asks registries, and --offline asks none\n");

    // The same is attached, and found by the tags of those who know no list of referrers.
    attach_all(&there(docker.address()), &chart);
    diff(&home, &[&one, &other]).prints("no differences: they have one digest\n");
    // As many, and another one.
    let of_another = |address: &str, content: &str| {
        let manifest = there(address).attach(&chart, "application/vnd.example.review", content);
        if address == docker.address() {
            there(address).index(&Digest::of(&chart), &[descriptor(MANIFEST, &manifest)]);
        }
    };
    of_another(embedded.address(), "good");
    of_another(docker.address(), "bad");
    diff(&home, &[&one, &other]).fails(5).stdout_is(
        "attached  - SBOMs: 1\nattached  application/vnd.example.review: 1 -> 1 (not the same ones)\n\
         attached  signatures: 4 -> 1\n0 breaking, 3 other\n",
    );
    // An artifact more, which has the type of what is there.
    there(embedded.address()).attach(&chart, SBOM, "another");
    let more = diff(&home, &[&one, &other, "--only", "attached"]);
    assert!(more.fails(5).stdout.starts_with("attached  - SBOMs: 2\n"), "{more}");
}

/// A copy of what is attached is in the cache under a digest: it is compared without asking for that digest.
#[test]
fn what_the_cache_has_of_a_digest_is_not_asked_for() {
    let home = home();
    let Some((embedded, docker)) = two_registries(&home) else { return };
    let there = There::new(embedded.address(), "charts/web");
    let chart = there.get("1.0.0").unwrap();
    attach_all(&there, &chart);
    let counter = Counter::start(embedded.address());
    let pinned = format!("{}/charts/web@{}", counter.host(), Digest::of(&chart));
    home.command("helm-chart-pull").args(["-q", "--attached", &pinned]).run().succeeds();
    counter.take();
    let other = format!("{}/charts/web:1.0.0", docker.address());
    diff(&home, &[&pinned, &other]).fails(5).stdout_is(
        "attached  - SBOMs: 1\nattached  - attestations: 1\nattached  - signatures: 4\n0 breaking, 3 other\n",
    );
    assert_eq!(counter.take().0.len(), 0);
}

/// What cannot be told is no equality.
#[test]
fn a_registry_that_does_not_tell_is_an_error() {
    let home = home();
    let Some((embedded, docker)) = two_registries(&home) else { return };
    let chart = There::new(docker.address(), "charts/web").get("1.0.0").unwrap();
    let pinned = format!("{}/charts/web@{}", docker.address(), Digest::of(&chart));
    home.command("helm-chart-pull").args(["-q", &pinned]).run().succeeds();
    drop(docker);
    let one = format!("{}/charts/web:1.0.0", embedded.address());
    let untold = diff(&home, &[&one, &pinned]);
    let expected =
        format!("Error: cannot compare {one} with {pinned}: cannot tell what is attached to {pinned}: ");
    assert!(untold.fails(6).stderr.starts_with(&expected), "{untold}");
    diff(&home, &[&one, &pinned, "--only", "values"]).succeeds();
}

#[test]
fn helm_renders_both_where_it_is_asked() {
    let Some(helm) = tool("helm") else { return };
    let home = Home::new();
    let chart = |version: &str| format!("apiVersion: v2\nname: web\nversion: {version}\n");
    let deployment = |more: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {{{{ .Release.Name }}}}-web}}\nspec:\n  replicas: {{{{ .Values.replicas }}}}\n  \
             template:\n    spec:\n      containers:\n{more}      - name: web\n        image: {{{{ printf \"team/%s\" .Values.image }}}}\n        \
             args: [a, b]\n"
        )
    };
    let old = [
        ("Chart.yaml", chart("1.0.0")),
        ("values.yaml", "replicas: 1\nimage: web:1\nhidden: false\n".to_owned()),
        ("templates/a.yaml", deployment("")),
        (
            "templates/b.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: team}\n---\n# nothing\n---\napiVersion: v1\nkind: List\nitems:\n\
             - {apiVersion: v1, kind: ConfigMap, metadata: {name: in-list}, data: {a: '1'}}\n"
                .to_owned(),
        ),
    ];
    let new = [
        ("Chart.yaml", chart("1.0.0")),
        ("values.yaml", "replicas: 1\nimage: web:2\nhidden: false\n".to_owned()),
        ("templates/renamed.yaml", deployment("      - name: aside\n        image: busybox:1\n")),
        (
            "templates/b.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: in-list}\ndata: {a: '2'}\n{{ if .Values.hidden }}\n---\n\
             apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n{{ end }}\n"
                .to_owned(),
        ),
    ];
    let borrowed = |files: &[(&'static str, String)]| -> Vec<(&'static str, String)> { files.to_vec() };
    for (name, files) in [("old", borrowed(&old)), ("new", borrowed(&new))] {
        let files: Vec<_> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        write_chart(&home.path().join(name), &files);
    }
    let run = |words: &[&str]| home.command("helm-chart-diff").env("HELM_BIN", &helm).args(words).run();
    let lines = "\
rendered  ConfigMap/in-list data.a: \"1\" -> \"2\"
rendered  + Deployment/release-web spec.template.spec.containers[name=aside].image: \"busybox:1\"
rendered  + Deployment/release-web spec.template.spec.containers[name=aside].name: \"aside\"
rendered  Deployment/release-web spec.template.spec.containers[name=web].image: \"team/web:1\" -> \"team/web:2\"
rendered  - Service/team/web: \"v1\"
0 breaking, 5 other
";
    run(&["old", "new", "--render", "--only", "rendered"]).fails(5).stderr_is("").stdout_is(lines);
    // It is one section among the others, of charts in a registry, too.
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let reference = format!("{}/charts/web:1.0.0", registry.address());
    let prefix = format!("oci://{}/charts", registry.address());
    home.command("helm-chart-push").args(["-q", "new", &prefix]).run().succeeds();
    run(&["old", &reference, "--render", "--only", "rendered"]).fails(5).stdout_is(lines);
    let all = run(&["old", "new", "--render"]).fails(5).stdout.clone();
    assert!(all.contains("\nrendered   - Service/team/web: \"v1\"\n") && all.contains("values "), "{all}");
    assert!(!run(&["old", "new"]).fails(5).stdout.contains("rendered"));
    // What my values show is compared.
    home.write("mine.yaml", "image: own\nhidden: true\nreplicas: 3\n");
    let mine = run(&["old", "new", "--render", "--only", "rendered", "--values", "mine.yaml"])
        .fails(5)
        .stdout
        .clone();
    assert!(mine.contains("rendered  + Secret/s: \"v1\"\n") && !mine.contains("team/web:2"), "{mine}");
    run(&["old", "old", "--render"]).prints("no differences: their files say the same\n");

    let unasked = run(&["old", "new", "--only", "rendered"]);
    unasked.fails(2).stderr_is("Error: --only rendered needs --render, which runs helm\n");
    home.write("new/templates/broken.yaml", "{{ fail \"no\" }}");
    let broken = run(&["old", "new", "--render"]);
    let expected = "Error: cannot compare old with new: helm template: ";
    assert!(broken.fails(1).stderr.starts_with(expected), "{broken}");
    let absent =
        home.command("helm-chart-diff").env("HELM_BIN", "/no/helm").args(["old", "new", "--render"]).run();
    absent.fails(1).stdout_is("");
    assert!(absent.stderr.contains("cannot run /no/helm"), "{absent}");
}

#[test]
fn where_a_registry_does_not_tell_what_is_attached_the_charts_are_compared_all_the_same() {
    use crate::common::mock::answer;
    use crate::common::wire::{Artifact, Shelf};
    let home = Home::new();
    let (old, new) = (Artifact::chart("web", "1.0.0"), Artifact::chart("web", "1.1.0"));
    let shelves = [Shelf::new(&old), Shelf::new(&new)];
    let names = [shelves[0].reference(), shelves[1].reference()];
    let names = [&*names[0], &*names[1]];
    let before = diff(&home, &names);
    before.fails(5).stderr_is("");
    for (status, code) in [(403, 4), (500, 6)] {
        shelves[1].set(&format!("/v2/a/referrers/{}", new.digest()), answer(status, &[], b"", false));
        let run = diff(&home, &names);
        assert_eq!(run.fails(5).stdout, before.stdout, "{run}");
        let warning = format!("Warning: cannot tell what is attached to {}: ", names[1]);
        assert!(run.stderr.contains(&warning) && run.stderr.ends_with(": it is not compared\n"), "{run}");
        assert_eq!(diff(&home, &[names[0], names[1], "--only", "attached"]).code, Some(code));
    }
}
