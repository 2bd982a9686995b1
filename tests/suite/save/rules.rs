//! The files and the metadata that a chart has by Helm's rules, beside Helm 3.10.1.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;
use crate::common::{Home, errno, files, tool, write_chart};

/// Packs the chart with Helm, saves and exports it with us, and compares all files; Chart.yaml by its meaning.
#[track_caller]
pub(super) fn agrees_with_helm(home: &Home) {
    save(home, "mychart").succeeds();
    let mut ours = exported(home);
    let Some(helm) = tool("helm") else { return };
    let packed = home.directory("packed");
    home.program(helm).args(["package", "mychart", "-d", "packed"]).run().succeeds();
    let mut theirs: BTreeMap<_, _> = crate::common::read_tgz(&packed.join("mychart-2.7.0.tgz"))
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
            refuses_chart(
                &home,
                "Chart.yaml file is missing\nhint: a chart is a directory with a Chart.yaml, or a .tgz of one; helm create NAME makes one",
            );
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
    assert_eq!(document[0]["missingDependencies"], serde_json::json!(["redis", "etcd"]));
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
    let said = format!("cannot follow the symbolic link mychart/link: {}", errno::said("ELOOP"));
    refuses_chart(&home, &said);
    fs::remove_file(&link).unwrap();
    symlink(".", &link).unwrap();
    refuses_chart(&home, "the symbolic link mychart/link leads back to a directory above it");
}

#[test]
fn names_that_helm_takes_are_taken() {
    for name in ["a b", "-x", ".x", "é", "a:b", "$HOME", "CON", "1.1"] {
        let home = home(&[("Chart.yaml", &format!("apiVersion: v2\nname: \"{name}\"\nversion: 1.0.0\n"))]);
        home.write("mychart/c:x", "x");
        save(&home, "mychart").succeeds().warns_of_names_alone();
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
