//! `helm-chart-save`, as a user sees it: what it prints, what it refuses, and what is in the cache afterwards.

mod crowd;
mod digests;
mod documents;
mod packages;
mod readings;
mod refused;
mod rules;

use std::collections::BTreeMap;
use std::fs;

use crate::common::{Home, Output, files, snapshot, write_chart};

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
    save(home, path).succeeds().warns_of_names_alone();
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
