//! What people type who know helm and docker: paths and prefixes behind `push`, `pull --untar`, versions that are stamped.

use std::fs;

use crate::common::{
    DockerRegistry, EmbeddedRegistry, Home, copy_directory, files, snapshot, tool, write_chart,
};

const CHART: &[(&str, &str)] = &[
    ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: \"1.0\"\n"),
    ("values.yaml", "a: 1\n"),
    ("templates/a.yaml", "a: {{ .Values.a }}\n"),
];

fn home() -> Home {
    let home = Home::new();
    write_chart(&home.path().join("web"), CHART);
    home
}

#[test]
fn the_version_of_a_command_stands_alone() {
    let home = home();
    let tag = "the version of a chart is its tag: REPOSITORY:VERSION";
    for (command, hint) in [
        ("helm-chart-push", tag),
        ("helm-chart-remove", tag),
        ("helm-chart-tag", tag),
        ("helm-chart-export", tag),
        ("helm-chart-list", "helm-chart-list --help shows how it is called"),
        ("helm-registry-login", "helm-registry-login --help shows how it is called"),
        ("helm-registry-serve", "helm-registry-serve --help shows how it is called"),
    ] {
        for args in
            [&["localhost:1/a:1", "--version", "0.1.0"][..], &["--version=1", "localhost:1/a:1", "-q"]]
        {
            home.command(command).args(args).run().fails(2).stdout_is("").stderr_is(&format!(
                "Error: `--version` tells this command's own version, and stands alone\nhint: {hint}\n"
            ));
        }
        for args in [&["-q", "--version"][..], &["--version=1"], &["--version", "--help"]] {
            home.command(command).args(args).run().fails(2).stdout_is("");
        }
        let version = format!("{command} {}\n", env!("CARGO_PKG_VERSION"));
        home.command(command).args(["--version"]).run().prints(&version).stderr_is("");
    }
    let prefix = ["web", "oci://localhost:1/charts", "--version", "1.2.0"];
    let pushed = home.command("helm-chart-push").args(prefix).run();
    let hint = "hint: a chart gets another version where it is saved: helm oci save PATH REFERENCE --version V, then \
                push REFERENCE\n";
    assert!(pushed.fails(2).stderr.ends_with(hint), "{pushed}");
    for command in ["helm-chart-pull", "helm-chart-save"] {
        let version = format!("{command} {}\n", env!("CARGO_PKG_VERSION"));
        home.command(command).args(["--version"]).run().prints(&version).stderr_is("");
    }
    home.command("helm-oci").args(["version", "push"]).run().fails(2).stdout_is("");
    home.command("helm-oci").args(["--version", "list"]).run().fails(2).stdout_is("");
}

#[test]
fn versions_are_stamped_as_helm_package_stamps_them() {
    let home = home();
    let save = |args: &[&str]| home.command("helm-chart-save").args(args).run();
    save(&["web", "localhost:5000/web", "--version", "1.2.3+x", "--app-version", "4.5", "-q"])
        .succeeds()
        .stderr_is("");
    home.command("helm-chart-export")
        .args(["localhost:5000/web:1.2.3_x", "-q", "-d", "out"])
        .run()
        .succeeds();
    let ours = fs::read_to_string(home.path().join("out/web/Chart.yaml")).unwrap();
    assert!(ours.contains("\nversion: \"1.2.3+x\"\n") && ours.contains("\nappVersion: \"4.5\"\n"), "{ours}");
    if let Some(helm) = tool("helm") {
        let args = ["package", "web", "--version", "1.2.3+x", "--app-version", "4.5"];
        home.program(&helm).args(args).run().succeeds();
        let theirs = crate::common::read_tgz(&home.path().join("web-1.2.3+x.tgz"))["web/Chart.yaml"].clone();
        let meaning = |text: &[u8]| serde_yaml::from_slice::<serde_json::Value>(text).unwrap();
        assert_eq!(meaning(ours.as_bytes()), meaning(&theirs));
    }
    // An empty one is none; what is none is a wrong call; a package keeps what it has.
    save(&["web", "localhost:5000/web", "--version", "", "-q"]).succeeds();
    assert!(home.entry("localhost:5000/web:0.1.0").exists());
    save(&["web", "localhost:5000/web", "--version", "1.x.y"])
        .fails(2)
        .stdout_is("")
        .stderr_is("Error: `--version 1.x.y` is no version: expected a semantic version like 1.2.3\n");
    home.command("helm-chart-export")
        .args(["localhost:5000/web:0.1.0", "-q", "--package"])
        .run()
        .prints("web-0.1.0.tgz\n");
    save(&["web-0.1.0.tgz", "localhost:5000/web", "--version", "3.0.0"]).fails(2).stdout_is("").stderr_is(
        "Error: cannot save web-0.1.0.tgz: web-0.1.0.tgz is a package, which is never altered: it keeps its version\n\
         hint: --version and --app-version are for directories: unpack it first\n",
    );
}

#[test]
fn a_path_and_a_prefix_are_saved_and_pushed_as_helm_has_it() {
    let Some(registry) = DockerRegistry::start() else { return };
    let home = home();
    let host = registry.address();
    home.command("helm-chart-save").args(["web", "localhost:5000/web", "-q"]).run().succeeds();
    home.command("helm-chart-export").args(["localhost:5000/web:0.1.0", "-q", "--package"]).run().succeeds();
    for (path, prefix) in [("web-0.1.0.tgz", "charts"), ("./web", "more/charts/")] {
        let pushed = home.command("helm-chart-push").args([path, &format!("oci://{host}/{prefix}")]).run();
        let reference = format!("{host}/{}/web:0.1.0", prefix.trim_end_matches('/'));
        pushed.succeeds().stderr_is("");
        assert!(
            pushed.stdout.starts_with(&format!(
                "The push refers to repository [{}]\nName: web\n",
                reference.trim_end_matches(":0.1.0")
            )),
            "{pushed}"
        );
        // The cache has it under that name, and Helm finds it.
        assert!(home.entry(&reference).exists());
        if let Some(helm) = tool("helm") {
            let chart = format!("oci://{}", reference.trim_end_matches(":0.1.0"));
            let shown = home.program(&helm).args(["show", "values", &chart, "--version", "0.1.0"]).run();
            assert!(shown.succeeds().stdout.contains("a: 1\n"), "{shown}");
        }
    }
    // Several, and below the registry itself; what is no chart ends it before anything is pushed.
    write_chart(
        &home.path().join("other"),
        &[("Chart.yaml", "apiVersion: v2\nname: other\nversion: 1.0.0\n")],
    );
    let pushed = home.command("helm-chart-push").args(["-q", "web", "other", &format!("oci://{host}")]).run();
    let pinned: Vec<_> =
        pushed.succeeds().stdout.lines().map(|line| line.split_once('@').unwrap().0).collect();
    assert_eq!(pinned, [format!("{host}/web:0.1.0"), format!("{host}/other:1.0.0")]);
    let before = registry.requests().len();
    home.directory("empty");
    let failed = home.command("helm-chart-push").args(["web", "empty", &format!("oci://{host}/x")]).run();
    failed.fails(1).stdout_is("").stderr_is("Error: cannot save empty: Chart.yaml file is missing\nhint: a chart is a directory with a Chart.yaml, or a .tgz of one; helm create NAME makes one\n");
    home.command("helm-chart-push")
        .args(["gone.tgz", &format!("oci://{host}/x")])
        .run()
        .fails(3)
        .stdout_is("");
    assert_eq!(registry.requests().len(), before);
}

#[test]
fn arguments_the_wrong_way_round_are_seen() {
    let home = home();
    home.write("web-0.1.0.tgz", "");
    for (command, args) in [
        ("helm-chart-save", ["localhost:5000/web:0.1.0", "web"]),
        ("helm-chart-save", ["oci://localhost:5000/web", "./web"]),
        ("helm-chart-push", ["oci://localhost:5000/charts", "web-0.1.0.tgz"]),
        ("helm-chart-push", ["localhost:5000/charts", "./web"]),
    ] {
        home.command(command).args(args).run().fails(2).stdout_is("").stderr_is(&format!(
            "Error: `{0}` stands before the chart\nhint: the chart comes first: {1} {0}\n",
            args[0], args[1]
        ));
    }
}

#[test]
fn what_cannot_be_pushed_is_told_for_what_it_is() {
    let home = home();
    write_chart(
        &home.path().join("other/web"),
        &[("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n")],
    );
    copy_directory(&home.path().join("web"), &home.path().join("again/web"));
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry", "--debug"]);
    let (host, prefix) = (registry.address(), format!("oci://{}/charts", registry.address()));
    let push = |args: &[&str]| home.command("helm-chart-push").args(args).run();
    // A slip in a path is no reference without a host.
    for args in [&["wbe", &prefix][..], &["web", "wbe", &prefix], &["wbe.tgz", &prefix]] {
        let output = push(args);
        output.fails(3).stdout_is("");
        assert!(output.stderr.contains("wbe") && !output.stderr.contains("no registry host"), "{output}");
    }
    push(&["web", &format!("{host}/charts/web:0.1.0")]).fails(2).stdout_is("").stderr_is(&format!(
        "Error: `{host}/charts/web:0.1.0` has a tag or a digest: expected a prefix, oci://host[:port]/path, which a \
         chart's name goes behind\n\
         hint: to push under a name of your own: helm oci save PATH REFERENCE, then push REFERENCE\n"
    ));
    push(&["web", &format!("https://{host}/charts")]).fails(2).stdout_is("").stderr_is(&format!(
        "Error: invalid reference `https://{host}/charts`: the only scheme is oci://\n\
         hint: without it, or with the other: oci://{host}/charts\n"
    ));
    // Two charts with one name: none takes the place of the other.
    push(&["web", "other/web", &prefix]).fails(5).stdout_is("").stderr_is(&format!(
        "Error: web and other/web are both {host}/charts/web:0.1.0\n\
         hint: nothing was pushed; a chart is pushed by its name and version, of which there is one\n"
    ));
    assert!(!registry.log().contains("/v2/"), "{}", registry.log());
    let pushed = push(&["-q", "web", "again/web/", &prefix]);
    let lines: Vec<_> = pushed.succeeds().stdout.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, lines[1]));
}

#[test]
fn a_pull_leaves_what_helm_pull_leaves() {
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address();
    let reference = format!("{host}/charts/web:0.1.0");
    home.command("helm-chart-push").args(["web", &format!("oci://{host}/charts")]).run().succeeds();
    let repository = format!("oci://{host}/charts/web");

    let other = Home::new();
    let pull = |args: &[&str]| other.command("helm-chart-pull").args(args).run();
    let pulled = pull(&[&repository, "--version", "0.1.0", "-d", "packed"]);
    assert!(pulled.succeeds().stdout.ends_with("\nExported to packed/web-0.1.0.tgz\n"), "{pulled}");
    pull(&[&repository, "--untar", "-d", "unpacked", "-q"]).succeeds();
    pull(&[&repository, "--untar", "--untardir", "deeper", "-d", "unpacked", "-q"]).succeeds();
    let document = pull(&[&repository, "--untar", "-o", "json"]);
    let document: serde_json::Value = serde_json::from_str(&document.succeeds().stdout).unwrap();
    assert_eq!(document[0]["path"], "web");
    for path in ["unpacked/web", "unpacked/deeper/web", "web"] {
        let found = files(&other.path().join(path));
        assert_eq!(found["values.yaml"], b"a: 1\n", "{path}");
        assert_eq!(found.len(), CHART.len(), "{path}");
    }
    if let Some(helm) = tool("helm") {
        home.directory("helms");
        let args = ["pull", &repository, "--version", "0.1.0", "-d", "helms"];
        home.program(&helm).args(args).run().succeeds();
        let read = |home: &Home, path: &str| fs::read(home.path().join(path)).unwrap();
        assert_eq!(read(&other, "packed/web-0.1.0.tgz"), read(&home, "helms/web-0.1.0.tgz"));
    }
    // Again it is the same file; another one is not overwritten without being told.
    pull(&[&repository, "-d", "packed", "-q"]).succeeds();
    other.write("packed/web-0.1.0.tgz", "mine");
    pull(&[&repository, "-d", "packed", "-q"]).fails(5).stdout_is("").stderr_is(&format!(
        "Error: cannot pull {repository}: it is in the cache now, but cannot be written: packed/web-0.1.0.tgz exists \
         already\nhint: --force replaces it, -d DIR exports somewhere else\n"
    ).replace(&repository, &format!("{host}/charts/web")));
    assert_eq!(fs::read(other.path().join("packed/web-0.1.0.tgz")).unwrap(), b"mine");
    pull(&[&repository, "-d", "packed", "-q", "-f"])
        .prints(&format!("{reference}@{}\n", other.linked(&reference, "manifest")));
    assert_ne!(fs::read(other.path().join("packed/web-0.1.0.tgz")).unwrap(), b"mine");
    pull(&[&repository, "--untar", "-q"]).fails(5);
}

#[test]
fn an_export_pulls_what_is_not_in_the_cache() {
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let host = registry.address();
    home.command("helm-chart-push").args(["web", &format!("oci://{host}/charts")]).run().succeeds();
    let other = Home::new();
    let before = snapshot(other.path());
    let export = |args: &[&str]| other.command("helm-chart-export").args(args).run();
    let reference = format!("{host}/charts/web:0.1.0");
    export(&[&reference, "--offline"]).fails(3);
    assert_eq!(snapshot(other.path()), before);
    let exported = export(&[&reference]);
    assert!(exported.succeeds().stdout.ends_with("\nExported to web/\n"), "{exported}");
    exported.stderr_is("");
    // It is in the cache now. Without a tag the newest is.
    export(&[&reference, "--offline", "-d", "again", "-q"]).prints("again/web\n");
    export(&[&format!("oci://{host}/charts/web"), "-d", "newest", "-q"]).prints("newest/web\n");
    // What cannot be pulled is told once, by what pulls.
    let gone = export(&[&format!("{host}/charts/gone:1")]);
    gone.fails(3).stdout_is("");
    assert_eq!(gone.stderr.matches("Error: ").count(), 1, "{gone}");
    assert!(gone.stderr.starts_with(&format!("Error: cannot pull {host}/charts/gone:1: ")), "{gone}");
}

#[test]
fn names_that_helm_will_not_find_are_a_warning_or_refused() {
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let reference = format!("{}/other:2.0.0", registry.address());
    let warnings = format!(
        "Warning: {reference}: the tag `2.0.0` is not the chart's version 0.1.0: Helm will not find that version\n\
         Warning: {reference}: the repository is called `other`, and the chart `web`: Helm will not find it as a dependency\n"
    );
    let strict = home.command("helm-chart-save").args(["web", &reference, "--strict"]).run();
    strict.fails(5).stdout_is("").stderr_is(
        "Error: cannot save web: the tag `2.0.0` is not the chart's version 0.1.0: Helm will not find that version\n\
         hint: PREFIX/NAME:VERSION is what Helm looks for; without --strict it is a warning\n",
    );
    assert!(!home.cache().exists());
    home.command("helm-chart-save").args(["web", &reference, "-q"]).run().succeeds().stderr_is(&warnings);
    home.command("helm-chart-push").args([&reference, "--strict"]).run().fails(5).stdout_is("");
    assert!(home.command("helm-chart-pull").args([&reference]).run().code == Some(3));
    home.command("helm-chart-push").args([&reference, "-q"]).run().succeeds().stderr_is(&warnings);
}

#[test]
fn what_a_push_replaced_is_told() {
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let reference = format!("{}/web:0.1.0", registry.address());
    let save_and_push = || {
        home.command("helm-chart-save").args(["web", &reference, "-q"]).run().succeeds();
        home.command("helm-chart-push").args([&reference]).run()
    };
    let first = save_and_push();
    let digest = first.succeeds().stdout.lines().last().unwrap().strip_prefix("Digest: ").unwrap().to_owned();
    home.write("web/values.yaml", "a: 2\n");
    let second = save_and_push();
    assert!(second.succeeds().stdout.ends_with(&format!("\nReplaced: {digest}\n")), "{second}");
    let document = home.command("helm-chart-push").args([&reference, "-o", "json"]).run();
    let document: serde_json::Value = serde_json::from_str(&document.succeeds().stdout).unwrap();
    assert_eq!(
        (&document[0]["replaced"], &document[0]["upToDate"]),
        (&serde_json::Value::Null, &true.into())
    );
}

#[test]
fn help_and_tables_fit_a_narrow_terminal() {
    let home = home();
    home.command("helm-chart-save")
        .args(["web", "localhost:5000/a/rather/long/name/of/web", "-q"])
        .run()
        .succeeds();
    // `script` makes a terminal of so many columns.
    for columns in [60, 80, 160] {
        for command in ["helm-chart-pull --help", "helm-oci help", "helm-oci registry", "helm-chart-list"] {
            let line = format!("stty rows 24 cols {columns}; exec {command}");
            let output = home.program("/usr/bin/script").args(["-qec", &line, "/dev/null"]).run();
            let widest =
                output.succeeds().stdout.lines().map(|line| line.trim_end().chars().count()).max().unwrap();
            // Examples are to be copied, and are never folded; nothing of this table is wider than 60.
            let folded = output.stdout.lines().filter(|line| !line.starts_with("  helm-chart-pull "));
            let widest_folded = folded.map(|line| line.trim_end().chars().count()).max().unwrap();
            assert!(widest_folded <= columns.max(60) && widest <= 160, "{columns}: {output}");
        }
    }
    let wide = home
        .program("/usr/bin/script")
        .args(["-qec", "stty rows 24 cols 160; exec helm-chart-list", "/dev/null"])
        .run();
    assert_eq!(wide.succeeds().stdout.lines().count(), 2, "{wide}");
    let narrow = home
        .program("/usr/bin/script")
        .args(["-qec", "stty rows 24 cols 60; exec helm-chart-list", "/dev/null"])
        .run();
    let lines: Vec<_> = narrow.succeeds().stdout.lines().map(str::trim_end).collect();
    assert_eq!(lines[0], "REF");
    assert_eq!(lines[2], "localhost:5000/a/rather/long/name/of/web:0.1.0");
    assert!(lines[3].starts_with("    web   0.1.0    "), "{narrow}");
}
