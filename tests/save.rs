//! `helm-chart-save`, as a user sees it: what it prints, what it refuses, and what is in the cache afterwards.

#![allow(clippy::unwrap_used, reason = "a panic says what failed")]

mod common;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use common::{Home, Output, files, snapshot, tool, write_chart};
use oci::digest::Digest;

const REF: &str = "localhost:5000/myrepo/mychart:2.7.0";
const CHART_YAML: &str = "apiVersion: v1\nname: mychart\nversion: 2.7.0\n";
const V2: &str = "apiVersion: v2\nname: mychart\nversion: 2.7.0\n";
/// `{"apiVersion":"v1"}`
const META: &str = "sha256:ca9588a9340fb83a62777cd177dae4ba5ab52061a1618ce2e21930b86c412d9e";

/// A home with a chart of these files.
fn home(files: &[(&str, &str)]) -> Home {
    let home = Home::new();
    write_chart(&home.path().join("mychart"), files);
    home
}

fn save(home: &Home, path: &str) -> Output {
    home.command("helm-chart-save").args([path, REF]).run()
}

/// Saves it and returns the digest of its content.
#[track_caller]
fn content(home: &Home, path: &str) -> String {
    save(home, path).succeeds().stderr_is("");
    home.linked(REF, "content")
}

/// What an export of the chart gives.
#[track_caller]
fn exported(home: &Home) -> BTreeMap<String, Vec<u8>> {
    home.command("helm-chart-export").args([REF, "-d", "exported", "--force"]).run().succeeds();
    files(&home.path().join("exported/mychart"))
}

/// It fails like this, and the cache is as it was.
#[track_caller]
fn refuses(home: &Home, args: &[&str], code: i32, stderr: &str) {
    let before = snapshot(&home.cache());
    home.command("helm-chart-save").args(args).run().fails(code).stdout_is("").stderr_is(stderr);
    assert_eq!(snapshot(&home.cache()), before, "{args:?}");
    if before.is_empty() {
        assert!(!home.cache().exists(), "{args:?}");
    }
}

/// Saving the chart fails with this after `Error: cannot save mychart: `.
#[track_caller]
fn refuses_chart(home: &Home, stderr: &str) {
    refuses(home, &["mychart", REF], 1, &format!("Error: cannot save mychart: {stderr}\n"));
}

#[test]
fn prints_the_lines_of_the_original() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    let output = save(&home, "mychart/");
    let content = home.linked(REF, "content");
    output
        .prints(&format!("Name: mychart\nVersion: 2.7.0\nMeta: {META}\nContent: {content}\n2.7.0: saved\n"))
        .stderr_is("");
    assert_eq!(fs::read(home.blob(REF, "meta")).unwrap(), br#"{"apiVersion":"v1"}"#);
}

#[test]
fn the_tag_defaults_to_the_version() {
    let home = home(&[("Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 1.2.3+build.5\n")]);
    let output = home.command("helm-chart-save").args(["mychart", "oci://localhost:5000/mychart"]).run();
    assert!(output.succeeds().stdout.ends_with("\n1.2.3_build.5: saved\n"), "{output}");
    home.command("helm-chart-list").args(["-q"]).run().prints("localhost:5000/mychart:1.2.3_build.5\n");
}

#[test]
fn the_cache_has_the_original_layout() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    save(&home, "mychart").succeeds();
    let (meta, content) = (home.linked(REF, "meta"), home.linked(REF, "content"));
    let mut found = snapshot(&home.cache());
    // `tags/2.7.0` is a link to a directory beside it, whose name is nobody's business.
    let directory =
        found["refs/localhost_5000/myrepo/mychart/tags/2.7.0"].strip_prefix("-> ").unwrap().to_owned();
    found.remove("refs/localhost_5000/myrepo/mychart/tags/2.7.0");
    let expected: BTreeMap<String, String> = [
        ("blobs", "a directory".to_owned()),
        ("blobs/sha256", "a directory".to_owned()),
        (&meta.replace("sha256:", "blobs/sha256/"), format!("444 {meta}")),
        (&content.replace("sha256:", "blobs/sha256/"), format!("444 {content}")),
        ("charts", "a directory".to_owned()),
        ("charts/mychart", "a directory".to_owned()),
        ("charts/mychart/versions", "a directory".to_owned()),
        ("charts/mychart/versions/2.7.0", found["charts/mychart/versions/2.7.0"].clone()),
        ("lock", found["lock"].clone()),
        ("refs", "a directory".to_owned()),
        ("refs/localhost_5000", "a directory".to_owned()),
        ("refs/localhost_5000/myrepo", "a directory".to_owned()),
        ("refs/localhost_5000/myrepo/mychart", "a directory".to_owned()),
        ("refs/localhost_5000/myrepo/mychart/tags", "a directory".to_owned()),
        (&format!("refs/localhost_5000/myrepo/mychart/tags/{directory}"), "a directory".to_owned()),
        (
            &format!("refs/localhost_5000/myrepo/mychart/tags/{directory}/chart"),
            "-> ../../../../../../charts/mychart/versions/2.7.0".to_owned(),
        ),
        (
            &format!("refs/localhost_5000/myrepo/mychart/tags/{directory}/content"),
            format!("-> ../../../../../../{}", content.replace("sha256:", "blobs/sha256/")),
        ),
        (
            &format!("refs/localhost_5000/myrepo/mychart/tags/{directory}/meta"),
            format!("-> ../../../../../../{}", meta.replace("sha256:", "blobs/sha256/")),
        ),
        // Beyond the original: not a way to anything, but a text.
        (
            &format!("refs/localhost_5000/myrepo/mychart/tags/{directory}/source"),
            found[&format!("refs/localhost_5000/myrepo/mychart/tags/{directory}/source")].clone(),
        ),
        ("tmp", "a directory".to_owned()),
    ]
    .into_iter()
    .map(|(path, what)| (path.to_owned(), what))
    .collect();
    assert_eq!(found, expected);
    assert_eq!(fs::read(home.cache().join("charts/mychart/versions/2.7.0")).unwrap(), b"-");
    assert_eq!(fs::read(home.entry(REF).join("chart")).unwrap(), b"-");
    assert_eq!(home.blobs().len(), 2);
}

#[test]
fn a_change_in_chart_yaml_alone_stores_no_content_again() {
    let home = home(&[("values.yaml", "a: 1\n"), ("templates/a.yaml", "a: {{ .Values.a }}\n")]);
    for i in 0..20 {
        home.write(
            "mychart/Chart.yaml",
            format!("apiVersion: v2\nname: mychart\nversion: 1.0.{i}\ndescription: number {i}\n"),
        );
        home.command("helm-chart-save").args(["mychart", "localhost:5000/mychart"]).run().succeeds();
    }
    let reference = |i: usize| format!("localhost:5000/mychart:1.0.{i}");
    let content = home.linked(&reference(0), "content");
    let mut expected: Vec<_> = (0..20).map(|i| home.linked(&reference(i), "meta")).collect();
    assert!((0..20).all(|i| home.linked(&reference(i), "content") == content));
    expected.push(content.clone());
    expected.sort();
    expected.dedup();
    assert_eq!(expected.len(), 21);
    assert_eq!(home.blobs(), expected);
    let versions = files(&home.cache().join("charts/mychart/versions"));
    assert_eq!(versions.len(), 20);

    // All but two go; what those two need stays.
    let gone: Vec<_> = (0..18).map(reference).collect();
    home.command("helm-chart-remove").args(&gone).run().succeeds();
    let mut expected =
        vec![home.linked(&reference(18), "meta"), home.linked(&reference(19), "meta"), content];
    expected.sort();
    assert_eq!(home.blobs(), expected);
    let versions: Vec<_> = files(&home.cache().join("charts/mychart/versions")).into_keys().collect();
    assert_eq!(versions, ["1.0.18", "1.0.19"]);
    home.command("helm-chart-export").args([reference(19), "-dout".to_owned()]).run().succeeds();
}

#[test]
fn saving_again_replaces_the_entry_and_leaves_nothing_behind() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    save(&home, "mychart").succeeds();
    let before: Vec<_> = snapshot(&home.cache()).into_keys().filter(|path| !path.contains("/.")).collect();
    save(&home, "mychart").succeeds();
    let after: Vec<_> = snapshot(&home.cache()).into_keys().filter(|path| !path.contains("/.")).collect();
    assert_eq!(after, before);
    assert_eq!(fs::read_dir(home.entry(REF).parent().unwrap()).unwrap().count(), 2);
}

// --- the rules of charts, beside Helm 3.10.1

/// Packs the chart with Helm, saves and exports it with us, and compares all files; Chart.yaml by its meaning.
#[track_caller]
fn agrees_with_helm(home: &Home) {
    save(home, "mychart").succeeds();
    let mut ours = exported(home);
    let Some(helm) = tool("helm") else { return };
    let packed = home.directory("packed");
    home.program(helm).args(["package", "mychart", "-d", "packed"]).run().succeeds();
    let mut theirs: BTreeMap<_, _> = common::read_tgz(&packed.join("mychart-2.7.0.tgz"))
        .into_iter()
        .map(|(path, content)| (path.strip_prefix("mychart/").unwrap().to_owned(), content))
        .collect();
    let keys = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&ours), keys(&theirs));
    let charts: Vec<_> = ours.keys().filter(|path| path.ends_with("Chart.yaml")).cloned().collect();
    for path in charts {
        let meaning = |files: &mut BTreeMap<String, Vec<u8>>| -> serde_yaml::Value {
            serde_yaml::from_slice(&files.remove(&path).unwrap()).unwrap()
        };
        assert_eq!(meaning(&mut ours), meaning(&mut theirs), "{path}");
    }
    for (path, content) in ours {
        assert_eq!(String::from_utf8_lossy(&content), String::from_utf8_lossy(&theirs[&path]), "{path}");
    }
}

/// The same, and the files are these, Chart.yaml left out.
#[track_caller]
fn agrees_with_helm_on(home: &Home, expected: &[&str]) {
    agrees_with_helm(home);
    let found: Vec<_> = exported(home).into_keys().filter(|path| path != "Chart.yaml").collect();
    assert_eq!(found, expected);
}

#[test]
fn packs_all_files_that_helm_packs() {
    let home = home(&[
        ("Chart.yaml", V2),
        ("README.md", "# Read\n"),
        ("LICENSE", "free\n"),
        ("values.yaml", "# a comment that stays\nb: 1\na: 2\n"),
        ("values.schema.json", "{ \"type\": \"object\" }\n"),
        ("crds/thing.yaml", "kind: CustomResourceDefinition\n"),
        ("templates/NOTES.txt", "Thanks\n"),
        ("templates/_helpers.tpl", "{{/* nothing */}}\n"),
        ("templates/tests/test.yaml", "a: b\n"),
        ("templates/.hidden", "not packed\n"),
        ("files/deep/er/file.bin", "\0\u{1}\u{2}"),
        ("files/with space.txt", "x"),
        ("files/ünïcode.txt", "x"),
        (".hidden", "packed\n"),
        ("empty.txt", ""),
    ]);
    home.directory("mychart/empty/directory");
    agrees_with_helm_on(
        &home,
        &[
            ".hidden",
            "LICENSE",
            "README.md",
            "crds/thing.yaml",
            "empty.txt",
            "files/deep/er/file.bin",
            "files/with space.txt",
            "files/ünïcode.txt",
            "templates/NOTES.txt",
            "templates/_helpers.tpl",
            "templates/tests/test.yaml",
            "values.schema.json",
            "values.yaml",
        ],
    );
}

#[test]
fn helmignore_means_what_it_means_to_helm() {
    let tree = [
        ("Chart.yaml", V2),
        ("a.txt", "a"),
        ("b.txt", "b"),
        ("dir/a.txt", "a"),
        ("dir/sub/b.txt", "b"),
        ("templates/a.yaml", "a"),
        ("templates/.b", "b"),
        (".git/config", "x"),
    ];
    for (rules, expected) in [
        (
            "",
            &[
                ".git/config",
                ".helmignore",
                "a.txt",
                "b.txt",
                "dir/a.txt",
                "dir/sub/b.txt",
                "templates/a.yaml",
            ][..],
        ),
        (
            "# comment\n\n  a.txt  \n",
            &[".git/config", ".helmignore", "b.txt", "dir/sub/b.txt", "templates/a.yaml"],
        ),
        (
            "\u{feff}/a.txt\n.git\n",
            &[".helmignore", "b.txt", "dir/a.txt", "dir/sub/b.txt", "templates/a.yaml"],
        ),
        ("sub/\n*.yml\n.git/\r\n", &[".helmignore", "a.txt", "b.txt", "dir/a.txt", "templates/a.yaml"]),
        ("dir/*.txt\n.?*\n", &["a.txt", "b.txt", "dir/sub/b.txt", "templates/a.yaml"]),
        ("a.txt\n!dir\n", &[]),
    ] {
        let home = home(&tree);
        home.write("mychart/.helmignore", rules);
        if rules.contains('!') {
            // Its `!` ignores all that does not match, Chart.yaml too.
            refuses_chart(&home, "Chart.yaml file is missing");
            continue;
        }
        agrees_with_helm_on(&home, expected);
    }
}

#[test]
fn a_double_star_in_helmignore_is_refused() {
    let home = home(&[("Chart.yaml", V2), (".helmignore", "a\n**/b\n")]);
    refuses_chart(
        &home,
        "cannot use mychart/.helmignore: line 2: `**/b`: double-star (**) syntax is not supported",
    );
}

#[test]
fn byte_order_marks_are_dropped() {
    let home = home(&[
        ("Chart.yaml", &format!("\u{feff}{V2}")),
        ("values.yaml", "\u{feff}a: 1\n"),
        ("templates/a.yaml", "\u{feff}a: 1\n"),
        ("files/a.txt", "\u{feff}\u{feff}twice\n"),
    ]);
    agrees_with_helm(&home);
    assert_eq!(exported(&home)["templates/a.yaml"], b"a: 1\n");
}

#[test]
fn version_1_charts_keep_requirements() {
    let home = home(&[
        ("Chart.yaml", CHART_YAML),
        (
            "requirements.yaml",
            "dependencies:\n- name: sub\n  version: 0.1.0\n  repository: https://example.com\n",
        ),
        (
            "requirements.lock",
            "dependencies:\n- name: sub\n  repository: https://example.com\n  version: 0.1.0\n",
        ),
        ("charts/sub/Chart.yaml", "apiVersion: v1\nname: sub\nversion: 0.1.0\n"),
    ]);
    agrees_with_helm_on(&home, &["charts/sub/Chart.yaml", "requirements.lock", "requirements.yaml"]);
    let meta = fs::read_to_string(home.blob(REF, "meta")).unwrap();
    assert_eq!(
        meta,
        r#"{"apiVersion":"v1","dependencies":[{"name":"sub","version":"0.1.0","repository":"https://example.com"}]}"#
    );
}

#[test]
fn version_2_charts_take_requirements_into_chart_yaml() {
    let home = home(&[
        ("Chart.yaml", V2),
        (
            "requirements.yaml",
            "dependencies:\n- name: sub\n  version: 0.1.0\n  repository: https://example.com\n",
        ),
        ("charts/sub/Chart.yaml", "apiVersion: v1\nname: sub\nversion: 0.1.0\n"),
    ]);
    agrees_with_helm_on(&home, &["charts/sub/Chart.yaml"]);
    let chart_yaml = String::from_utf8(exported(&home)["Chart.yaml"].clone()).unwrap();
    assert_eq!(
        chart_yaml,
        "apiVersion: v2\nname: mychart\nversion: 2.7.0\ndependencies:\n- name: sub\n  \
         repository: https://example.com\n  version: 0.1.0\n"
    );
}

#[test]
fn version_2_charts_keep_their_lock() {
    let home = home(&[
        ("Chart.yaml", &format!("{V2}dependencies:\n- name: sub\n  version: 0.1.0\n  repository: \"\"\n")),
        (
            "Chart.lock",
            "dependencies:\n- name: sub\n  repository: \"\"\n  version: 0.1.0\ndigest: sha256:00\ngenerated: \"2020-01-01T00:00:00Z\"\n",
        ),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
    ]);
    save(&home, "mychart").succeeds();
    assert!(exported(&home).contains_key("Chart.lock"));
    // Helm writes the lock anew; ours keeps its bytes.
    assert_eq!(exported(&home)["Chart.lock"], fs::read(home.path().join("mychart/Chart.lock")).unwrap());
}

#[test]
fn a_schema_that_is_not_json_is_refused() {
    let home = home(&[("Chart.yaml", V2), ("values.schema.json", "{ type: object }")]);
    refuses_chart(&home, "values.schema.json is not JSON: key must be a string at line 1 column 3");
}

#[test]
fn subcharts_are_packed_from_directories_and_packages() {
    let home = home(&[
        ("Chart.yaml", V2),
        ("charts/plain/Chart.yaml", "apiVersion: v2\nname: plain\nversion: 0.1.0\n"),
        ("charts/plain/values.yaml", "a: 1\n"),
        ("charts/plain/charts/deep/Chart.yaml", "apiVersion: v1\nname: deep\nversion: 0.1.0\n"),
        ("charts/plain/charts/deep/templates/a.yaml", "a\n"),
        ("charts/_skipped/Chart.yaml", "not even: [yaml"),
        ("charts/.skipped/Chart.yaml", "not even: [yaml"),
        ("charts/_file", "x"),
        ("charts/packed-0.1.0.tgz.prov", "signed\n"),
    ]);
    let Some(helm) = tool("helm") else { return };
    write_chart(
        &home.path().join("packed"),
        &[
            ("Chart.yaml", "apiVersion: v2\nname: packed\nversion: 0.1.0\n"),
            ("templates/b.yaml", "b\n"),
            ("charts/inner/Chart.yaml", "apiVersion: v2\nname: inner\nversion: 0.1.0\n"),
        ],
    );
    home.program(helm).args(["package", "packed", "-d", "mychart/charts"]).run().succeeds();
    agrees_with_helm_on(
        &home,
        &[
            "charts/packed-0.1.0.tgz.prov",
            "charts/packed/Chart.yaml",
            "charts/packed/charts/inner/Chart.yaml",
            "charts/packed/templates/b.yaml",
            "charts/plain/Chart.yaml",
            "charts/plain/charts/deep/Chart.yaml",
            "charts/plain/charts/deep/templates/a.yaml",
            "charts/plain/values.yaml",
        ],
    );
}

#[test]
fn what_is_no_subchart_in_charts_is_refused() {
    let home = home(&[("Chart.yaml", V2), ("charts/README.md", "# Read\n")]);
    refuses_chart(&home, "charts/README.md: Chart.yaml file is missing");
    if let Some(helm) = tool("helm") {
        home.program(helm).args(["package", "mychart"]).run().fails(1);
    }
    fs::remove_file(home.path().join("mychart/charts/README.md")).unwrap();
    home.write("mychart/charts/x.tgz", "no archive");
    refuses_chart(
        &home,
        "cannot unpack charts/x.tgz: it is no packaged chart, which would be a gzipped tar archive",
    );
}

#[test]
fn missing_dependencies_are_a_warning() {
    let home = home(&[(
        "Chart.yaml",
        &format!("{V2}dependencies:\n- name: redis\n  version: \"1\"\n- name: etcd\n  version: \"1\"\n"),
    )]);
    let output = save(&home, "mychart");
    assert!(output.succeeds().stdout.ends_with("2.7.0: saved\n"), "{output}");
    output.stderr_is(
        "Warning: mychart declares dependencies that are missing in charts/: redis, etcd\n\
         hint: helm dependency build mychart\n",
    );
    let document = home.command("helm-chart-save").args(["mychart", REF, "-o=json"]).run();
    let document: serde_json::Value = serde_json::from_str(&document.succeeds().stdout).unwrap();
    assert_eq!(document["missingDependencies"], serde_json::json!(["redis", "etcd"]));
}

#[test]
fn fields_that_helm_does_not_know_are_kept() {
    let home = home(&[("Chart.yaml", &format!("{V2}zeta: [1, two]\nalpha: {{b: 1, a: null}}\n"))]);
    save(&home, "mychart").succeeds();
    assert_eq!(
        fs::read_to_string(home.blob(REF, "meta")).unwrap(),
        r#"{"apiVersion":"v2","alpha":{"a":null,"b":1},"zeta":[1,"two"]}"#
    );
    let chart_yaml = String::from_utf8(exported(&home)["Chart.yaml"].clone()).unwrap();
    let meaning: serde_yaml::Value = serde_yaml::from_str(&chart_yaml).unwrap();
    let given: serde_yaml::Value =
        serde_yaml::from_slice(&fs::read(home.path().join("mychart/Chart.yaml")).unwrap()).unwrap();
    assert_eq!(meaning, given);
}

#[test]
fn versions_that_helm_takes_are_taken() {
    for (version, read) in [("1", "1"), ("\"1.0\"", "1.0"), ("v1.2.3", "v1.2.3"), ("1.10", "1.1"), ("2", "2")]
    {
        let home = home(&[("Chart.yaml", &format!("apiVersion: v9\nname: mychart\nversion: {version}\n"))]);
        save(&home, "mychart").succeeds();
        let listed = home.command("helm-chart-list").args(["-o", "json"]).run();
        let listed: serde_json::Value = serde_json::from_str(&listed.succeeds().stdout).unwrap();
        assert_eq!(listed[0]["version"], read);
        if let Some(helm) = tool("helm") {
            home.program(helm).args(["package", "mychart"]).run().succeeds();
            assert!(home.path().join(format!("mychart-{read}.tgz")).exists(), "{read}");
        }
    }
}

#[test]
fn links_inside_the_chart_are_followed() {
    let home = home(&[("Chart.yaml", V2), ("files/real.txt", "real\n"), ("shared/x.yaml", "x\n")]);
    symlink("real.txt", home.path().join("mychart/files/link.txt")).unwrap();
    symlink("../shared", home.path().join("mychart/files/dir")).unwrap();
    symlink(home.path().join("mychart/files/real.txt"), home.path().join("mychart/absolute.txt")).unwrap();
    agrees_with_helm_on(
        &home,
        &["absolute.txt", "files/dir/x.yaml", "files/link.txt", "files/real.txt", "shared/x.yaml"],
    );
}

#[test]
fn links_out_of_the_chart_are_refused() {
    let home = home(&[("Chart.yaml", V2)]);
    home.write("secret.txt", "secret\n");
    symlink("../secret.txt", home.path().join("mychart/a.txt")).unwrap();
    let message = "the symbolic link mychart/a.txt leaves the chart: it points to $HOME/secret.txt\n\
                   hint: copy the file into the chart, or name it in .helmignore";
    refuses_chart(&home, message);
    // The advice works.
    home.write("mychart/.helmignore", "a.txt\n");
    save(&home, "mychart").succeeds();
    assert_eq!(exported(&home).into_keys().collect::<Vec<_>>(), [".helmignore", "Chart.yaml"]);
    // A file that was told to be the chart's may lie elsewhere: the chart itself may be a link.
    symlink("mychart", home.path().join("link")).unwrap();
    save(&home, "link").succeeds();
}

#[test]
fn links_to_nowhere_and_round_in_circles_are_refused() {
    let home = home(&[("Chart.yaml", V2)]);
    let link = home.path().join("mychart/link");
    symlink("nowhere", &link).unwrap();
    refuses_chart(&home, "cannot follow the symbolic link mychart/link: No such file or directory");
    fs::remove_file(&link).unwrap();
    symlink("link", &link).unwrap();
    refuses_chart(&home, "cannot follow the symbolic link mychart/link: Too many levels of symbolic links");
    fs::remove_file(&link).unwrap();
    symlink(".", &link).unwrap();
    refuses_chart(&home, "the symbolic link mychart/link leads back to a directory above it");
}

#[test]
fn names_that_helm_takes_are_taken() {
    for name in ["a b", "-x", ".x", "é", "a:b", "$HOME", "CON", "1.1"] {
        let home = home(&[("Chart.yaml", &format!("apiVersion: v2\nname: \"{name}\"\nversion: 1.0.0\n"))]);
        home.write("mychart/c:x", "x");
        save(&home, "mychart").succeeds().stderr_is("");
        let export = home.command("helm-chart-export").args([REF, "-q", "-d", "out"]).run();
        export.stderr_is("").prints(&format!("out/{name}\n"));
        let expected = ["Chart.yaml".to_owned(), "c:x".to_owned()];
        assert_eq!(files(&home.path().join("out").join(name)).into_keys().collect::<Vec<_>>(), expected);
        home.command("helm-chart-remove").args([REF, "-q"]).run().stderr_is("").prints("");
    }
    let home = home(&[("Chart.yaml", "apiVersion: v2\nname: \"c:\"\nversion: 1.0.0\n")]);
    refuses_chart(&home, "the path `c:/Chart.yaml` is refused: it begins with a drive letter");
}

#[test]
fn values_are_read_as_helm_reads_them() {
    for (values, message) in [
        ("a: 1\na: 2\n", ""),
        ("a: 1\n---\nb: 2\n", ""),
        ("1: 1\ntrue: 2\n", ""),
        ("", ""),
        ("a: b: c\n", "mapping values are not allowed in this context at line 1 column 5"),
        ("x\n", "expected a map, found a string"),
        ("- a\n", "expected a map, found a list"),
        ("a: .inf\n", "inf is not a number that a chart can hold"),
        ("[a]: 1\n", "a list cannot be the key of a map"),
    ] {
        let home = home(&[("Chart.yaml", V2), ("values.yaml", values)]);
        if message.is_empty() {
            agrees_with_helm(&home);
            continue;
        }
        refuses_chart(&home, &format!("cannot load values.yaml: {message}"));
        if let Some(helm) = tool("helm") {
            home.program(helm).args(["package", "mychart"]).run().fails(1);
        }
    }
}

#[test]
fn fifos_are_refused() {
    let home = home(&[("Chart.yaml", V2)]);
    assert!(Command::new("mkfifo").arg(home.path().join("mychart/pipe")).status().unwrap().success());
    refuses_chart(&home, "mychart/pipe is neither a file nor a directory");
}

#[test]
fn nothing_is_read_that_does_not_end() {
    let home = home(&[("Chart.yaml", V2)]);
    let ignore = home.path().join("mychart/.helmignore");
    assert!(Command::new("mkfifo").arg(&ignore).status().unwrap().success());
    refuses_chart(&home, "mychart/.helmignore is neither a file nor a directory");
    fs::remove_file(&ignore).unwrap();
    symlink("/dev/zero", &ignore).unwrap();
    refuses_chart(
        &home,
        "the symbolic link mychart/.helmignore leaves the chart: it points to /dev/zero\n\
         hint: copy the file into the chart, or name it in .helmignore",
    );
    let message = "Error: cannot save /dev/zero: /dev/zero is neither a file nor a directory\n";
    refuses(&home, &["/dev/zero", REF], 1, message);
}

#[test]
fn what_is_saved_can_be_exported() {
    // The limits of packages, and what is just below them.
    let long_directory = || format!("{}/", "a".repeat(125)).repeat(8);
    type Make<'a> = &'a dyn Fn(&Home, usize);
    let limits: [(Make<'_>, &str); 3] = [
        (
            &|home, more| {
                (0..9_999 + more).for_each(|i| drop(home.write(format!("mychart/{i:0>200}"), "")));
            },
            "the number of files is larger than the limit of 10000",
        ),
        (
            &|home, more| drop(home.write(format!("mychart/{}x", "a/".repeat(63 + more)), "")),
            &format!("the path `mychart/{}x` is refused: it is nested too deeply", "a/".repeat(64)),
        ),
        (
            // Its name in the package begins with `mychart/`.
            &|home, more| {
                drop(home.write(format!("mychart/{}{}", long_directory(), "x".repeat(8 + more)), ""));
            },
            &format!(
                "the path `mychart/{}xxxxxxxxx` is refused: it is longer than 1024 bytes",
                long_directory()
            ),
        ),
    ];
    for (make, message) in limits {
        let home = home(&[("Chart.yaml", V2)]);
        make(&home, 0);
        save(&home, "mychart").succeeds();
        exported(&home);
        fs::remove_dir_all(home.path().join("mychart")).unwrap();
        let home = self::home(&[("Chart.yaml", V2)]);
        make(&home, 1);
        refuses_chart(&home, message);
    }
}

#[test]
fn file_sizes_have_helms_limits() {
    const LIMIT: u64 = 5 << 20;
    let home = home(&[("Chart.yaml", V2)]);
    let large = File::create(home.path().join("mychart/large.bin")).unwrap();
    large.set_len(LIMIT).unwrap();
    save(&home, "mychart").succeeds();
    large.set_len(LIMIT + 1).unwrap();
    refuses_chart(&home, "`large.bin` is larger than the limit of 5 MiB for one file");
    large.set_len(LIMIT).unwrap();
    for i in 0..20 {
        let path = home.path().join(format!("mychart/{i}.bin"));
        File::create(path).unwrap().set_len(LIMIT).unwrap();
    }
    refuses_chart(&home, "the chart is larger than the limit of 100 MiB");
}

#[test]
fn names_that_a_package_cannot_have_are_refused() {
    let table: [(&[u8], &str); 4] = [
        (b"a\\b.txt", "the file name mychart/a\\b.txt cannot be in a chart: it contains a backslash"),
        (
            b"a\nb.txt",
            "the file name mychart/a\\u{a}b.txt cannot be in a chart: it contains control characters",
        ),
        (b"a\xffb.txt", "the file name mychart/a\u{fffd}b.txt cannot be in a chart: it is not UTF-8"),
        (
            "a\u{202e}b".as_bytes(),
            "the file name mychart/a\\u{202e}b cannot be in a chart: it contains control characters",
        ),
    ];
    for (name, message) in table {
        let home = home(&[("Chart.yaml", V2)]);
        fs::write(home.path().join("mychart").join(std::ffi::OsStr::from_bytes(name)), "x").unwrap();
        refuses_chart(&home, message);
    }
}

// --- one chart, one digest

#[test]
fn the_digest_depends_on_the_files_alone() {
    let tree = [
        ("Chart.yaml", V2),
        ("values.yaml", "a: 1\n"),
        ("templates/a.yaml", "a\n"),
        ("templates/b.yaml", "b\n"),
        ("crds/c.yaml", "c\n"),
    ];
    let one = home(&tree);
    let expected = content(&one, "mychart");

    // Made in another order, at another place, with other modes and times.
    let mut other = Home::new();
    let directory = other.directory("somewhere/else");
    let mut reversed = tree;
    reversed.reverse();
    write_chart(&directory.join("mychart"), &reversed);
    for (path, content) in files(&directory.join("mychart")) {
        let path = directory.join("mychart").join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(content.len() as u64 * 1_000_000_000);
        File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    }
    other.set("LC_ALL", "tr_TR.UTF-8");
    other.set("TZ", "Pacific/Kiritimati");
    other.set("USER", "somebody");
    for path in ["somewhere/else/mychart", "somewhere/else/mychart/", "./somewhere//else/../else/mychart/."] {
        assert_eq!(content(&other, path), expected, "{path}");
    }
    let absolute = directory.join("mychart");
    assert_eq!(content(&other, absolute.to_str().unwrap()), expected);
    let here = other.command("helm-chart-save").args([".", REF]).dir("somewhere/else/mychart").run();
    here.succeeds().stderr_is("");
    assert_eq!(other.linked(REF, "content"), expected);
    for umask in ["000", "077"] {
        let args = ["-c", "umask $0; exec helm-chart-save somewhere/else/mychart $1", umask, REF];
        other.program("/bin/sh").args(args).run().succeeds();
        assert_eq!(other.linked(REF, "content"), expected, "{umask}");
        let mode = fs::metadata(other.blob(REF, "content")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o444, "{umask}");
    }
}

/// The cache, registries and whoever pins a chart know it by these digests: no update of a compressor may move them.
#[test]
fn the_digest_of_a_chart_never_changes() {
    let long = "a: {{ .Values.a }}\n".repeat(60_000);
    let home = home(&[
        ("Chart.yaml", V2),
        ("values.yaml", "a: 1\n"),
        ("templates/a.yaml", "a: {{ .Values.a }}\n"),
        // More than the compressor takes at once.
        ("files/long.txt", &long),
    ]);
    let saved = home.command("helm-chart-save").args(["mychart", REF, "-o", "json"]).run();
    let saved: serde_json::Value = serde_json::from_str(&saved.succeeds().stdout).unwrap();
    assert_eq!(
        [&saved["content"]["digest"], &saved["manifest"]["digest"]],
        [
            "sha256:0ca148b6b870f0f39f21f31f633497bc4014b806d833a846a95dee89077696a5",
            "sha256:63fa99b814434249659434dd2774d5139ccadcc76d367e1e765cf33bab627787",
        ]
    );
}

#[test]
fn source_date_epoch_is_the_time_of_all_files() {
    let mut home = home(&[("Chart.yaml", V2), ("values.yaml", "a: 1\n")]);
    let without = content(&home, "mychart");
    home.set("SOURCE_DATE_EPOCH", "1234567890");
    let with = content(&home, "mychart");
    assert_ne!(with, without);
    let blob = File::open(home.blob(REF, "content")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::MultiGzDecoder::new(blob));
    for entry in archive.entries().unwrap() {
        assert_eq!(entry.unwrap().header().mtime().unwrap(), 1_234_567_890);
    }
    home.set("SOURCE_DATE_EPOCH", "0");
    assert_eq!(content(&home, "mychart"), without);
    // An empty variable is none.
    home.set("SOURCE_DATE_EPOCH", "");
    assert_eq!(content(&home, "mychart"), without);
}

#[test]
fn a_bad_source_date_epoch_is_a_wrong_call() {
    for bad in ["yesterday", "-1", "1.5", " 1", "8589934592"] {
        let mut home = home(&[("Chart.yaml", V2)]);
        home.set("SOURCE_DATE_EPOCH", bad);
        let message = format!("Error: SOURCE_DATE_EPOCH is `{bad}`: expected whole seconds since 1970\n");
        refuses(&home, &["mychart", REF], 2, &message);
    }
}

#[test]
fn content_does_not_depend_on_how_the_bytes_arrive() {
    // Bytes that hardly compress, and sizes around those of buffers and tar blocks.
    let mut state = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(200_000)
    .collect();
    let home = home(&[("Chart.yaml", V2)]);
    for size in [0, 1, 2, 3, 511, 512, 513, 8191, 8192, 8193, 65_535, 65_536, 65_537, 200_000] {
        home.write(format!("mychart/files/{size}"), &noise[..size]);
    }
    let expected = content(&home, "mychart");
    exported(&home);
    assert_eq!(content(&home, "exported/mychart"), expected);
    // As a subchart: read from files, and out of a package.
    let Some(helm) = tool("helm") else { return };
    home.write("outer/Chart.yaml", "apiVersion: v2\nname: outer\nversion: 1.0.0\n");
    home.directory("outer/charts");
    home.program(helm).args(["package", "mychart", "-d", "outer/charts"]).run().succeeds();
    home.write(
        "mychart/Chart.yaml",
        common::read_tgz(&home.path().join("outer/charts/mychart-2.7.0.tgz"))["mychart/Chart.yaml"].clone(),
    );
    let packed = content(&home, "outer");
    fs::remove_file(home.path().join("outer/charts/mychart-2.7.0.tgz")).unwrap();
    fs::rename(home.path().join("mychart"), home.path().join("outer/charts/mychart")).unwrap();
    assert_eq!(content(&home, "outer"), packed);
}

// --- what was compressed before

/// Saves it and returns the document about it.
fn document(home: &Home, reference: &str) -> serde_json::Value {
    let saved = home.command("helm-chart-save").args(["mychart", reference, "-o", "json"]).run();
    serde_json::from_str(&saved.succeeds().stdout).unwrap()
}

#[test]
fn the_same_files_are_not_compressed_again() {
    let home = home(&[("Chart.yaml", V2), ("values.yaml", "a: 1\n")]);
    let other = "localhost:5000/myrepo/mychart:other";
    let saved = document(&home, REF);
    // Nobody would know the difference but by the time that it takes, were not the entry to say that these files became
    // the content of another chart.
    home.write("mychart/values.yaml", "a: 2\n");
    document(&home, other);
    let link = home.entry(REF).join("content");
    fs::remove_file(&link).unwrap();
    symlink(fs::read_link(home.entry(other).join("content")).unwrap(), &link).unwrap();
    home.write("mychart/values.yaml", "a: 1\n");
    let believed = document(&home, REF);
    assert_eq!(believed["content"]["digest"], home.linked(other, "content"));

    // It is found under other tags too, with another version.
    home.write("mychart/Chart.yaml", V2.replace("2.7.0", "2.8.0"));
    let next = document(&home, "localhost:5000/myrepo/mychart");
    assert_eq!(next["content"], believed["content"]);
    // Not in other repositories, not under another time, and not for other files.
    home.write("mychart/Chart.yaml", V2);
    assert_eq!(document(&home, "localhost:5000/else/mychart:1")["manifest"], saved["manifest"]);
    let mut dated = home;
    dated.set("SOURCE_DATE_EPOCH", "1");
    assert_ne!(document(&dated, REF)["content"], believed["content"]);
    dated.set("SOURCE_DATE_EPOCH", "0");
    dated.write("mychart/values.yaml", "a: 3\n");
    assert!(document(&dated, REF)["content"] != believed["content"]);
}

#[test]
fn saving_again_gives_the_same_with_a_source_and_without() {
    let home = home(&[("Chart.yaml", V2), ("values.yaml", "a: 1\n")]);
    let first = document(&home, REF);
    let source = home.entry(REF).join("source");
    let digest = fs::read_link(&source).unwrap();
    assert!(digest.to_str().unwrap().parse::<Digest>().is_ok(), "{}", digest.display());
    assert_eq!(document(&home, REF), first);
    // As an older version wrote it, or as nobody did.
    for text in [None, Some("nonsense"), Some("../../../../../../blobs/sha256/x")] {
        fs::remove_file(&source).unwrap();
        if let Some(text) = text {
            symlink(text, &source).unwrap();
        }
        assert_eq!(document(&home, REF), first, "{text:?}");
        assert_eq!(fs::read_link(&source).unwrap(), digest, "{text:?}");
    }
    // What is needed is not missing, even if the content is gone.
    fs::remove_file(home.blob(REF, "content")).unwrap();
    assert_eq!(document(&home, REF), first);
    assert_eq!(home.blobs().len(), 2);
}

// --- what is refused

#[test]
fn what_is_no_chart_is_refused() {
    let home = Home::new();
    refuses(
        &home,
        &["mychart", REF],
        3,
        "Error: cannot save mychart: cannot read mychart: No such file or directory\n",
    );
    home.write("notes.txt", "notes");
    refuses(
        &home,
        &["notes.txt", REF],
        1,
        "Error: cannot save notes.txt: it is no packaged chart, which would be a gzipped tar archive\n",
    );
    home.directory("mychart");
    refuses_chart(&home, "Chart.yaml file is missing");
}

#[test]
fn a_chart_yaml_that_breaks_a_rule_is_refused() {
    for (text, message) in [
        ("", "`name` is missing"),
        ("version: 1.0.0", "`name` is missing"),
        ("name: x", "`version` is missing"),
        ("name: x\nversion: a.b", "the version `a.b` is invalid: expected a semantic version like 1.2.3"),
        (
            "name: ../x\nversion: 1.0.0",
            "the name `../x` is invalid: it must be usable as the name of one directory",
        ),
        (
            "name: ..\nversion: 1.0.0",
            "the name `..` is invalid: it must be usable as the name of one directory",
        ),
        ("a: b: c", "mapping values are not allowed in this context at line 1 column 5"),
        ("- a", "expected a map, found a list"),
        ("name: [x]\nversion: 1.0.0", "`name` must be a string, not a list"),
        (
            "name: x\nversion: 1.0.0\ntype: both",
            "the type `both` is invalid: a chart is an application or a library",
        ),
    ] {
        let home = home(&[("Chart.yaml", text)]);
        refuses_chart(&home, &format!("cannot load Chart.yaml: {message}"));
        // Nor does it harm a cache that is there.
        write_chart(&home.path().join("good"), &[("Chart.yaml", CHART_YAML)]);
        save(&home, "good").succeeds();
        refuses_chart(&home, &format!("cannot load Chart.yaml: {message}"));
    }
}

#[test]
fn a_chart_yaml_without_api_version_is_version_1() {
    let home = home(&[("Chart.yaml", "name: mychart\nversion: 2.7.0\n")]);
    save(&home, "mychart").succeeds();
    assert_eq!(home.linked(REF, "meta"), META);
    agrees_with_helm(&home);
}

#[test]
fn bad_references_are_wrong_calls() {
    let home = home(&[("Chart.yaml", V2)]);
    for (reference, message) in [
        ("localhost:5000/MyRepo/x:1", "invalid repository `MyRepo/x`: a repository must be lowercase"),
        (
            "myrepo/mychart:1",
            "the reference `myrepo/mychart:1` has no registry host: expected host[:port]/repository:tag\n\
            hint: name the registry, too: localhost:5000/myrepo/mychart:1",
        ),
        (
            "localhost:5000/x:1.0.0+a",
            "invalid tag `1.0.0+a`: a tag has up to 128 letters, digits, `_`, `.` and `-`, and \
            begins with none of the last two\nhint: tags have no `+`; Helm writes `_` for it: 1.0.0_a",
        ),
        (
            "localhost:5000/x:-a",
            "invalid tag `-a`: a tag has up to 128 letters, digits, `_`, `.` and `-`, and begins with \
            none of the last two",
        ),
        ("http://localhost/x:1", "invalid reference `http://localhost/x:1`: the only scheme is oci://"),
        (
            "localhost:5000/../x:1",
            "invalid repository `../x`: expected components of a-z and 0-9, joined by one of . _ __ \
            or dashes, and separated by /",
        ),
        ("", "the reference is empty"),
    ] {
        refuses(&home, &["mychart", reference], 2, &format!("Error: {message}\n"));
    }
    let digest = format!("localhost:5000/x:1@{META}");
    let message = format!(
        "Error: cannot save mychart: the reference `{digest}` has a digest: a chart is saved under a tag\n"
    );
    refuses(&home, &["mychart", &digest], 2, &message);
}

#[test]
fn wrong_calls_end_with_2_and_name_the_help() {
    let home = home(&[("Chart.yaml", V2)]);
    let hint = "hint: helm-chart-save --help shows how it is called\n";
    for (args, message) in [
        (&[][..], "required positional arguments not provided: path reference"),
        (&["mychart"], "required positional arguments not provided: reference"),
        (&["mychart", REF, "more"], "unrecognized argument: more"),
        (&["mychart", REF, "--unknown"], "unrecognized argument: --unknown"),
        (&["mychart", REF, "--unknown=x"], "unrecognized argument: --unknown"),
        (
            &["mychart", REF, "--output=xml"],
            "error parsing option '--output' with value 'xml': expected \"table\", \"json\" or \"yaml\"",
        ),
    ] {
        refuses(&home, args, 2, &format!("Error: {message}\n{hint}"));
    }
    refuses(&home, &["mychart", REF, "--quiet=maybe"], 2, "Error: `--quiet` is true or false, not `maybe`\n");
}

#[test]
fn help_and_version_go_to_stdout() {
    let home = Home::new();
    let help = home.command("helm-chart-save").args(["--help"]).run();
    help.stderr_is("").prints(
        "Usage: helm-chart-save [-o <format>] [-q] [--] <path> <reference>

Save a chart directory or a packaged chart in the local cache.

Positional Arguments:
  path              a chart directory, or a packaged chart
  reference         host[:port]/repository[:tag]; the tag defaults to the
                    chart's version

Options:
  -o, --output      print table, json or yaml
  -q, --quiet       print nothing but the reference with the digest that a push
                    will give it
  -h, --help        display usage information

Examples:
  helm-chart-save mychart/ localhost:5000/myrepo/mychart:2.7.0

Notes:
  A package (.tgz) keeps its bytes, and a provenance file (.tgz.prov) beside it is saved with it.
  SOURCE_DATE_EPOCH sets the time of all files in the chart; without it that is 1970.
",
    );
    home.command("helm-chart-save").args(["-h"]).run().prints(&help.stdout);
    home.command("helm-chart-save")
        .args(["--version"])
        .run()
        .stderr_is("")
        .prints(&format!("helm-chart-save {}\n", env!("CARGO_PKG_VERSION")));
}

// --- for programs

#[test]
fn writes_one_document_for_programs() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    let output = home.command("helm-chart-save").args(["--output=json", "mychart", REF]).run();
    let content = home.linked(REF, "content");
    let size = fs::metadata(home.blob(REF, "content")).unwrap().len();
    let quiet = home.command("helm-chart-save").args(["-q", "mychart", REF]).run();
    let manifest = quiet.succeeds().stdout.trim_end().strip_prefix(&format!("{REF}@")).unwrap().to_owned();
    output.stderr_is("").prints(&format!(
        r#"{{
  "content": {{
    "digest": "{content}",
    "size": {size}
  }},
  "manifest": {{
    "digest": "{manifest}",
    "size": 454
  }},
  "meta": {{
    "digest": "{META}",
    "size": 19
  }},
  "missingDependencies": [],
  "name": "mychart",
  "prov": null,
  "ref": "{REF}",
  "version": "2.7.0"
}}
"#
    ));
    home.command("helm-chart-save").args(["mychart", REF, "-oyaml"]).run().stderr_is("").prints(&format!(
        "ref: {REF}\nname: mychart\ncontent:\n  digest: {content}\n  size: {size}\nmanifest:\n  digest: {manifest}\n  \
         size: 454\nmeta:\n  digest: {META}\n  size: 19\nmissingDependencies: []\nprov: null\nversion: 2.7.0\n"
    ));
}

// --- packages

#[test]
fn a_package_keeps_its_bytes_and_its_provenance() {
    let Some(helm) = tool("helm") else { return };
    let home = home(&[
        ("Chart.yaml", V2),
        ("values.yaml", "# kept\na: 1\n"),
        ("charts/sub/Chart.yaml", "name: sub\nversion: 0.1.0\n"),
    ]);
    home.program(helm).args(["package", "mychart"]).run().succeeds();
    let package = home.path().join("mychart-2.7.0.tgz");
    save(&home, "mychart-2.7.0.tgz").succeeds().stderr_is("");
    assert_eq!(fs::read(home.blob(REF, "content")).unwrap(), fs::read(&package).unwrap());
    assert!(!home.entry(REF).join("provenance").exists());
    let ours = exported(&home);
    let theirs = common::read_tgz(&package);
    assert_eq!(ours.len(), theirs.len());
    for (path, content) in ours {
        assert_eq!(content, theirs[&format!("mychart/{path}")], "{path}");
    }

    // Nobody waits for what does not end.
    let beside = home.path().join("mychart-2.7.0.tgz.prov");
    assert!(Command::new("mkfifo").arg(&beside).status().unwrap().success());
    let refusal = "mychart-2.7.0.tgz.prov is neither a file nor a directory";
    refuses(
        &home,
        &["mychart-2.7.0.tgz", REF],
        1,
        &format!("Error: cannot save mychart-2.7.0.tgz: {refusal}\n"),
    );
    fs::remove_file(beside).unwrap();

    home.write("mychart-2.7.0.tgz.prov", "signed\n");
    let output = home.command("helm-chart-save").args(["mychart-2.7.0.tgz", REF, "-o", "json"]).run();
    assert_eq!(fs::read(home.blob(REF, "provenance")).unwrap(), b"signed\n");
    let document: serde_json::Value = serde_json::from_str(&output.succeeds().stdout).unwrap();
    assert_eq!(document["prov"]["size"], 7);
    assert_eq!(document["prov"]["digest"], home.linked(REF, "provenance"));
    assert_eq!(home.blobs().len(), 3);

    // A chart from its directory has the same metadata and is no package.
    let meta = home.linked(REF, "meta");
    save(&home, "mychart").succeeds();
    assert_eq!(home.linked(REF, "meta"), meta);
    assert!(!home.entry(REF).join("provenance").exists() && !home.entry(REF).join("package").exists());
}

/// One entry of a tar archive, as its header says and with what follows it.
fn entry(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    entry_of_size(kind, name, content.len() as u64, content)
}

/// The same with a size of its own.
fn entry_of_size(kind: u8, name: &str, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    if matches!(kind, b'1' | b'2') {
        header.as_old_mut().linkname[..10].copy_from_slice(b"/etc/group");
    }
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A chart with further entries, without the end of the archive.
fn archive(more: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = entry(b'0', "mychart/Chart.yaml", V2.as_bytes());
    more.iter().for_each(|entry| bytes.extend(entry));
    bytes
}

/// Saving this package fails with this; 256 MiB of memory have to be enough to find out.
#[track_caller]
fn refuses_package(package: &[u8], message: &str) {
    let home = home(&[]);
    home.write("mychart.tgz", package);
    let args = ["-c", "ulimit -v 262144; exec helm-chart-save mychart.tgz $0", REF];
    let output = home.program("/bin/sh").args(args).run();
    output.fails(1).stdout_is("").stderr_is(&format!("Error: cannot save mychart.tgz: {message}\n"));
    assert!(!home.cache().exists());
}

#[test]
fn hostile_packages_are_refused() {
    let end = [0; 1024];
    let ends = |more: &[Vec<u8>]| gzip(&[archive(more), end.to_vec()].concat());
    let with = |kind: u8, name: &str| ends(&[entry(kind, name, b"")]);
    for (name, reason) in [
        ("/etc/passwd", "it is absolute"),
        ("mychart/../../x", "it leaves the chart's directory"),
        ("../mychart/x", "it leaves the chart's directory"),
        ("mychart/a\\b", "it contains a backslash"),
        ("mychart/a\u{7}b", "it contains control characters"),
        ("c:/mychart/x", "it begins with a drive letter"),
        ("other/x", "it is in another directory than the chart"),
        ("x", "it is not inside the chart's directory"),
    ] {
        let shown = name.replace('\u{7}', "\\u{7}");
        refuses_package(&with(b'0', name), &format!("the path `{shown}` is refused: {reason}"));
    }
    for (kind, what) in [
        (b'1', "a hard link"),
        (b'2', "a symbolic link"),
        (b'3', "a device"),
        (b'4', "a device"),
        (b'6', "a fifo"),
        (b'S', "a sparse file"),
        (b'Z', "something unknown"),
    ] {
        let message = format!("`mychart/x` is {what}: a chart has only files and directories");
        refuses_package(&with(kind, "mychart/x"), &message);
    }
    let twice = [entry(b'0', "mychart/x", b"1"), entry(b'0', "mychart/./x", b"2")];
    refuses_package(&ends(&twice), "`x` is in the archive twice");
    let deep = format!("mychart/{}x", "a/".repeat(40));
    let deeper = format!("mychart/{}x", "a/".repeat(64));
    let long = |name: &str| entry(b'L', "././@LongLink", format!("{name}\0").as_bytes());
    let file = entry(b'0', "mychart/short", b"");
    refuses_package(
        &ends(&[long(&deeper), file.clone()]),
        &format!("the path `{deeper}` is refused: it is nested too deeply"),
    );
    assert!(deep.len() < 100);
    let home = home(&[]);
    home.write("deep.tgz", ends(&[long(&deep), file.clone()]));
    save(&home, "deep.tgz").succeeds();
    let name = format!("mychart/{}", "a".repeat(2000));
    refuses_package(
        &ends(&[long(&name), file.clone()]),
        &format!("the path `{}` is refused: it is longer than 1024 bytes", &name[..1024]),
    );
    refuses_package(
        &ends(&[entry(b'L', "././@LongLink", &vec![b'a'; 65_537]), file.clone()]),
        "a header of the archive is larger than the limit of 64 KiB",
    );
    refuses_package(
        &ends(&[entry(b'x', "pax", b"12 size=512\n"), file.clone()]),
        "the archive is malformed: a PAX header gives a size of its own",
    );
    refuses_package(
        &ends(&[entry(b'x', "pax", b"22 GNU.sparse.major=1\n"), file.clone()]),
        "the archive is malformed: a PAX header describes a sparse file",
    );
    let escaping = [entry(b'x', "pax", b"19 path=../../evil\n"), file];
    refuses_package(&ends(&escaping), "the path `../../evil` is refused: it leaves the chart's directory");
    let many: Vec<_> = (0..10_000).map(|i| entry(b'0', &format!("mychart/{i}"), b"")).collect();
    refuses_package(&ends(&many), "the number of entries is larger than the limit of 10000");
    let home = self::home(&[]);
    home.write("many.tgz", ends(&many[1..]));
    save(&home, "many.tgz").succeeds();
}

#[test]
fn broken_packages_are_refused() {
    let end = [0; 1024];
    let whole = gzip(&[archive(&[]), end.to_vec()].concat());
    refuses_package(b"", "it is no packaged chart, which would be a gzipped tar archive");
    refuses_package(b"PK\x03\x04", "it is no packaged chart, which would be a gzipped tar archive");
    refuses_package(&whole[..whole.len() / 2], "the archive cannot be read: incomplete deflate stream");
    refuses_package(&whole[..whole.len() - 1], "the archive cannot be read: unexpected end of file");
    let mut flipped = whole.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    refuses_package(
        &flipped,
        "the archive cannot be read: corrupt gzip stream does not have a matching checksum",
    );
    refuses_package(
        &[&whole[..], b"more than a header"].concat(),
        "the archive cannot be read: invalid gzip header",
    );
    refuses_package(
        &gzip(&[archive(&[]), end.to_vec(), b"more".to_vec()].concat()),
        "there is data after the end of the archive",
    );
    // A file that is cut short inside of a whole gzip stream.
    let short = entry_of_size(b'0', "mychart/x", 4096, b"only this");
    refuses_package(&gzip(&archive(&[short])), "the archive cannot be read: unexpected end of file");
    refuses_package(&gzip(&end), "the archive is malformed: there are no files in it");
    let other = [entry(b'0', "mychart/values.yaml", b"a: 1\n"), end.to_vec()].concat();
    refuses_package(&gzip(&other), "Chart.yaml file is missing");
}

#[test]
fn bombs_are_refused() {
    let zeros = vec![0; 5 << 20];
    let large = vec![0; (5 << 20) + 1];
    refuses_package(
        &gzip(&archive(&[entry(b'0', "mychart/x", &large)])),
        "`mychart/x` is larger than the limit of 5 MiB for one file",
    );
    let many: Vec<_> = (0..21).map(|i| entry(b'0', &format!("mychart/{i}"), &zeros)).collect();
    refuses_package(&gzip(&archive(&many)), "the chart is larger than the limit of 100 MiB");
    // Padding after the end that never ends, in members that are small.
    let member = gzip(&zeros);
    let padded = [gzip(&[archive(&[]), vec![0; 1024]].concat()), member.repeat(40)].concat();
    refuses_package(
        &padded,
        "the archive cannot be read: the decompressed archive is larger than the limit of 100 MiB",
    );
    // A package in a package.
    let inner = gzip(&archive(&many));
    refuses_package(
        &gzip(&[archive(&[entry(b'0', "mychart/charts/a.tgz", &inner)]), vec![0; 1024]].concat()),
        "cannot unpack charts/a.tgz: the chart is larger than the limit of 100 MiB",
    );
    // Several of them, each as large as a chart may be.
    let inner = gzip(&[archive(&many[..15]), vec![0; 1024]].concat());
    let inner: Vec<_> =
        ["a", "b"].map(|name| entry(b'0', &format!("mychart/charts/{name}.tgz"), &inner)).into();
    refuses_package(
        &gzip(&[archive(&inner), vec![0; 1024]].concat()),
        "cannot unpack charts/b.tgz: the chart is larger than the limit of 100 MiB",
    );
}

// --- many at once

#[test]
fn sixteen_at_once_all_succeed() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    let references: Vec<_> = (0..16).map(|i| format!("localhost:5000/mychart:{i}")).collect();
    let all: Vec<_> = references.iter().cloned().chain(std::iter::repeat_n(REF.to_owned(), 16)).collect();
    std::thread::scope(|scope| {
        for reference in &all {
            let home = &home;
            scope.spawn(move || {
                let saved = home.command("helm-chart-save").args(["mychart", reference]).run();
                saved.succeeds().stderr_is("");
            });
        }
    });
    let mut expected = references;
    expected.push(REF.to_owned());
    expected.sort();
    home.command("helm-chart-list").args(["-q"]).run().stderr_is("").prints(&(expected.join("\n") + "\n"));
    assert_eq!(home.blobs().len(), 2);
    assert_eq!(fs::read_dir(home.cache().join("tmp")).unwrap().count(), 0);
    // One directory of links and the link to it.
    assert_eq!(fs::read_dir(home.entry(REF).parent().unwrap()).unwrap().count(), 2);
    for reference in &expected {
        home.command("helm-chart-export").args([reference, "-d", "out", "-f"]).run().succeeds();
    }
}

#[test]
fn save_remove_and_list_do_not_disturb_each_other() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    let stays = "localhost:5000/stays:1";
    home.command("helm-chart-save").args(["mychart", stays]).run().succeeds();
    std::thread::scope(|scope| {
        let home = &home;
        let (comes, goes) = ("localhost:5000/comes:1", "localhost:5000/comes:1");
        scope.spawn(move || {
            for _ in 0..20 {
                home.command("helm-chart-save").args(["mychart", comes]).run().succeeds().stderr_is("");
            }
        });
        scope.spawn(move || {
            for _ in 0..20 {
                let removed = home.command("helm-chart-remove").args([goes]).run();
                if removed.stdout.is_empty() {
                    removed.fails(3);
                } else {
                    removed.prints("1: removed\n").stderr_is("");
                }
            }
        });
        scope.spawn(move || {
            for _ in 0..40 {
                let listed = home.command("helm-chart-list").args(["-q"]).run();
                listed.succeeds().stderr_is("");
                let both = format!("{comes}\n{stays}\n");
                assert!(listed.stdout == both || listed.stdout == format!("{stays}\n"), "{listed}");
            }
        });
    });
    home.command("helm-chart-export").args([stays, "-d", "out"]).run().succeeds();
}

/// Whether a path in the cache's blobs is what its name says.
#[test]
fn a_damaged_blob_of_the_same_content_is_healed() {
    let home = home(&[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    save(&home, "mychart").succeeds();
    for name in ["content", "meta"] {
        let blob = home.blob(REF, name);
        home.damage(&blob);
        home.command("helm-chart-export").args([REF, "-q", "-d", "out"]).run().fails(7);
        save(&home, "mychart").succeeds().stderr_is("");
        home.command("helm-chart-export").args([REF, "-q", "-f", "-d", "out"]).run().prints("out/mychart\n");
        fs::remove_dir_all(home.path().join("out")).unwrap();
        fs::remove_file(&blob).unwrap();
        save(&home, "mychart").succeeds().stderr_is("");
        assert_eq!(home.blobs().len(), 2);
    }
}

#[test]
fn the_error_of_a_directory_that_cannot_be_the_cache_names_it() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    home.write(".helm", "a file");
    save(&home, "mychart")
        .fails(1)
        .stdout_is("")
        .stderr_is("Error: cannot save mychart: cannot create directory $HOME/.helm: File exists\n");
    assert!(Path::new(&home.path().join(".helm")).is_file());
}
