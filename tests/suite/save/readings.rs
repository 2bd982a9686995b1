//! Packages that not all programs read alike are refused; what every Helm loads is taken with the meaning that Helm gives it.

use std::os::unix::ffi::OsStrExt as _;

use super::*;
use crate::common::archives::gzip;
use crate::common::tool;

/// A header block with these fields over those of an empty ustar file, and its checksum.
fn header(kind: u8, name: &str, size: usize, fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut block = vec![0; 512];
    let size = format!("{size:011o}\0");
    let standard: [(usize, &[u8]); 6] = [
        (0, name.as_bytes()),
        (100, b"0000644\x000000000\x000000000\0"),
        (124, size.as_bytes()),
        (136, b"00000000000\0        "),
        (156, &[kind]),
        (257, b"ustar\x0000"),
    ];
    for (at, bytes) in standard.iter().chain(fields) {
        block[*at..at + bytes.len()].copy_from_slice(bytes);
    }
    let sum = format!("{:06o}\0 ", block.iter().map(|byte| u32::from(*byte)).sum::<u32>());
    block[148..156].copy_from_slice(sum.as_bytes());
    block
}

/// An entry with its content, and these fields in its header.
fn entry_with(kind: u8, name: &str, content: &[u8], fields: &[(usize, &[u8])]) -> Vec<u8> {
    let mut bytes = header(kind, name, content.len(), fields);
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn entry(kind: u8, name: &str, content: &[u8]) -> Vec<u8> {
    entry_with(kind, name, content, &[])
}

fn file(name: &str, content: &str) -> Vec<u8> {
    entry(b'0', name, content.as_bytes())
}

fn package(entries: &[Vec<u8>]) -> Vec<u8> {
    gzip(&[entries.concat(), vec![0; 1024]].concat())
}

/// A chart with these entries behind its Chart.yaml.
fn with(entries: &[Vec<u8>]) -> Vec<u8> {
    package(&[&[file("mychart/Chart.yaml", V2)], entries].concat())
}

#[track_caller]
fn refuses_package(package: &[u8], message: &str) {
    let home = Home::new();
    home.write("mychart.tgz", package);
    refuses(&home, &["mychart.tgz", REF], 1, &format!("Error: cannot save mychart.tgz: {message}\n"));
}

/// The charts that an export showed were others than the ones that Helm rendered.
#[test]
fn a_package_has_one_reading() {
    const SIZE: &str = "the entry `mychart/d/` is refused: it is a directory with a size";
    const SLASH: &str =
        "the entry `mychart/d/` is refused: it has the type of a file and the name of a directory";
    const FORMAT: &str =
        "the entry `mychart/templates/x.yaml` is refused: its format is none that all programs know";
    const TWO: &str = "the archive is malformed: two headers in a row are for one entry";
    const ANOTHER: &str = "it is in another directory than the chart";
    let evil = file("mychart/templates/x.yaml", "evil: 1\n");
    let path = entry(b'x', "pax", b"33 path=mychart/templates/x.yaml\n");
    let long = entry(b'L', "././@LongLink", b"mychart/templates/x.yaml\0");
    let comment = entry(b'g', "pax_global_header", b"13 comment=a\n");
    let harmless = file("mychart/notes.txt", "a: 1\n");
    let after =
        |entries: &[&Vec<u8>]| with(&entries.iter().map(|entry| (*entry).clone()).collect::<Vec<_>>());
    for (package, message) in [
        // What follows is content to the tar crate, and entries to Go.
        (with(&[entry(b'5', "mychart/d/", &evil)]), SIZE),
        (with(&[entry(0, "mychart/d/", &evil)]), SLASH),
        // To Go a global header ends what stood before it.
        (after(&[&path, &comment, &harmless]), TWO),
        (after(&[&long, &comment, &harmless]), TWO),
        (after(&[&long, &path, &harmless]), TWO),
        (after(&[&path, &long, &harmless]), TWO),
        (after(&[&path, &path, &harmless]), TWO),
        (after(&[&long, &long, &harmless]), TWO),
        (
            after(&[&harmless, &path]),
            "the archive is malformed: it ends behind a header that is for another entry",
        ),
        // The tar crate knows no prefix in it.
        (
            with(&[entry_with(b'0', "templates/x.yaml", b"a: 1\n", &[(345, b"mychart"), (263, b"\0\0")])]),
            "the entry `templates/x.yaml` is refused: its format is none that all programs know",
        ),
        (with(&[entry_with(b'0', "mychart/templates/x.yaml", b"", &[(263, b" \0")])]), FORMAT),
        (
            with(&[file("./mychart/values.yaml", "a: 1\n")]),
            &format!("the path `./mychart/values.yaml` is refused: {ANOTHER}"),
        ),
        // To Go alone it is a directory.
        (
            with(&[entry_with(b'0', "mychart/values.yaml", b"a: 1\n", &[(100, b"0040755\0")])]),
            "the entry `mychart/values.yaml` is refused: its mode says that it is something else than its type",
        ),
        (
            with(&[file("mychart/values.yaml/", "a: 1\n")]),
            "the path `mychart/values.yaml/` is refused: it is a file and has the name of a directory",
        ),
        (
            gzip(&[file("mychart/Chart.yaml", V2), vec![0; 512], harmless.clone(), vec![0; 1024]].concat()),
            "there is data after the end of the archive",
        ),
        (
            [gzip(&[file("mychart/Chart.yaml", V2), vec![0; 1024]].concat()), package(&[harmless])].concat(),
            "there is data after the end of the archive",
        ),
    ] {
        refuses_package(&package, message);
    }
}

/// What Helm loads and what it does not, for each way to pack a directory with tar.
#[test]
fn the_first_component_is_dropped_as_helm_drops_it() {
    let (Some(tar), Some(helm), Some(fourth)) = (tool("tar"), tool("helm"), tool("helm4")) else { return };
    let home =
        home(&[("Chart.yaml", V2), ("values.yaml", "a: 1\n"), ("templates/a.yaml", "a: {{ .Values.a }}\n")]);
    home.write("..c/Chart.yaml", V2);
    for (args, loads) in [
        (&["mychart"][..], true),
        (&["./mychart"], false),
        (&["mychart/."], true),
        (&["-C", "mychart", "."], true),
        (&["-C", "mychart", "Chart.yaml", "values.yaml"], false),
        (&["-C", "mychart", "./Chart.yaml", "./values.yaml"], true),
        (&["..c/Chart.yaml"], true),
        (&["--transform", "s,^mychart/values,mychart/..values,", "mychart"], false),
        (&["--transform", "s,^mychart/values,mychart/a/..values,", "mychart"], true),
        (&["--transform", "s,^mychart/values,mychart//values,", "mychart"], false),
        (&["--transform", "s,^mychart/values,mychart/c:/values,", "mychart"], false),
        (&["--transform", "s,^mychart/,Chart.yaml/,", "mychart"], false),
        (&["--transform", "s,^mychart/templates/a,mychart/charts/x.tgz/a,", "mychart"], false),
        (&["--transform", "s,^mychart/templates/a,mychart/templates/\u{200d}a,", "mychart"], true),
    ] {
        home.program(&tar).args([&["-czf", "x.tgz"], args].concat()).run().succeeds();
        for helm in [&helm, &fourth] {
            let shown = home.program(helm).args(["show", "chart", "x.tgz"]).run();
            assert_eq!(shown.code == Some(0), loads, "{args:?}: {shown}");
        }
        let saved = save(&home, "x.tgz");
        assert_eq!(saved.code, Some(i32::from(!loads)), "{args:?}: {saved}");
        if loads {
            exported(&home);
            let (theirs, ours) = ("x.tgz", "exported/mychart");
            let rendered = [theirs, ours]
                .map(|chart| home.program(&helm).args(["template", chart]).run().succeeds().stdout.clone());
            assert_eq!(rendered[0], rendered[1], "{args:?}");
        }
    }
    home.program(&tar).args(["-czf", "x.tgz", "./mychart"]).run().succeeds();
    let said = "Chart.yaml file is missing: all names in the package begin with `./`, which Helm takes for the chart's \
                directory\nhint: tar -czf NAME.tgz NAME, or helm package NAME, packs it so that Helm finds it";
    refuses(&home, &["x.tgz", REF], 1, &format!("Error: cannot save x.tgz: {said}\n"));
}

/// Windows once wrote backslashes. Helm takes them for separators, unless a name has slashes as well.
#[test]
fn names_of_windows_are_read_as_helm_reads_them() {
    let home = Home::new();
    home.write(
        "x.tgz",
        package(&[file("mychart\\Chart.yaml", V2), file("mychart\\templates\\a.yaml", "a: 1\n")]),
    );
    save(&home, "x.tgz").succeeds();
    assert_eq!(exported(&home)["templates/a.yaml"], b"a: 1\n");
    let twice = [file("mychart/values.yaml", "a: 1\n"), file("mychart\\values.yaml", "a: 2\n")];
    refuses_package(&with(&twice), "`values.yaml` is in the archive twice");
}

#[test]
fn what_helm_packs_of_two_versions_of_a_dependency_is_mirrored() {
    let (Some(helm), Some(fourth)) = (tool("helm"), tool("helm4")) else { return };
    let home = Home::new();
    for version in ["1.0.0", "2.0.0"] {
        let chart = format!("p-{version}");
        home.write(format!("{chart}/Chart.yaml"), format!("apiVersion: v2\nname: p\nversion: {version}\n"));
        home.write(format!("{chart}/values.yaml"), format!("v: {version}\n"));
        home.write(format!("{chart}/templates/a.yaml"), "v: {{ .Values.v }} of {{ .Chart.Version }}\n");
        home.write(format!("{chart}/templates/{version}.yaml"), format!("only: {version}\n"));
        home.write(format!("{chart}/crds/a.yaml"), "the: same\n");
        home.program(&helm).args(["package", &chart, "-d", "mychart/charts"]).run().succeeds();
    }
    let dependency = |version, alias| format!("- name: p\n  version: {version}\n  alias: {alias}\n");
    let dependencies = dependency("1.0.0", "a") + &dependency("2.0.0", "b");
    home.write("mychart/Chart.yaml", format!("{V2}dependencies:\n{dependencies}"));
    for (generation, helm) in [("3", &helm), ("4", &fourth)] {
        home.program(helm).args(["package", "mychart", "-d", generation]).run().succeeds();
        let path = format!("{generation}/mychart-2.7.0.tgz");
        save(&home, &path).succeeds().stderr_is("");
        assert_eq!(fs::read(home.blob(REF, "content")).unwrap(), fs::read(home.path().join(&path)).unwrap());
        // What Helm makes of both is what an export shows.
        exported(&home);
        let render =
            |chart: &str| home.program(helm).args(["template", chart]).run().succeeds().stdout.clone();
        let rendered = render(&path);
        assert_eq!(render("exported/mychart"), rendered);
        assert!(rendered.contains("only: 1.0.0") && rendered.contains("only: 2.0.0"), "{rendered}");
    }
    // From the directory each has a place of its own, and nothing is mixed up.
    save(&home, "mychart").succeeds();
    assert!(exported(&home).contains_key("charts/p-2.0.0/templates/a.yaml"));
}

#[test]
fn nothing_else_comes_twice() {
    let p = |version: &str, more: &str| {
        file("mychart/charts/p/Chart.yaml", &format!("apiVersion: v2\nname: p\nversion: {version}\n{more}"))
    };
    let crd = |text: &str| file("mychart/charts/p/crds/a.yaml", text);
    let declaring = |entries: &[Vec<u8>]| {
        let chart_yaml = format!(
            "{V2}dependencies:\n- {{name: p, version: 1.0.0, alias: a}}\n- {{name: p, version: 2.0.0, alias: b}}\n"
        );
        package(&[&[file("mychart/Chart.yaml", &chart_yaml)], entries].concat())
    };
    let twice = "`charts/p/Chart.yaml` is in the archive twice";
    refuses_package(&with(&[p("1.0.0", ""), p("2.0.0", "")]), twice);
    refuses_package(&declaring(&[p("1.0.0", ""), p("2.0.0", ""), p("3.0.0", "")]), twice);
    refuses_package(
        &declaring(&[p("1.0.0", ""), crd("a"), crd("a")]),
        "`charts/p/crds/a.yaml` is in the archive twice",
    );
    refuses_package(
        &declaring(&[file("mychart/a", ""), file("mychart/a", "")]),
        "`a` is in the archive twice",
    );
    // Helm installs both definitions, and mixes both Chart.yaml: a directory would be another chart.
    for (entries, path) in [
        ([p("1.0.0", ""), crd("one"), p("2.0.0", ""), crd("two")], "charts/p/crds/a.yaml"),
        ([p("1.0.0", "type: library\n"), crd("a"), p("2.0.0", ""), crd("a")], "charts/p/Chart.yaml"),
    ] {
        let home = Home::new();
        home.write("x.tgz", declaring(&entries));
        save(&home, "x.tgz").succeeds();
        let exported = home.command("helm-chart-export").args([REF]).run();
        let said =
            format!("the path `{path}` is refused: it is there twice, and Helm takes something of both\n");
        assert!(exported.fails(1).stderr.ends_with(&said), "{exported}");
        assert!(!home.path().join("mychart").exists());
    }
}

/// Helm packs no such schema, and loads it.
#[test]
fn rules_for_packing_are_none_for_packages() {
    let (Some(helm), Some(fourth)) = (tool("helm"), tool("helm4")) else { return };
    let s = |at: &str| {
        file(&format!("mychart/charts/{at}/Chart.yaml"), "apiVersion: v2\nname: s\nversion: 1.0.0\n")
    };
    let home = Home::new();
    for entries in [
        vec![file("mychart/values.schema.json", "{no")],
        vec![entry(b'0', "mychart/values.schema.json", b"\xff\xfe")],
        vec![s("s"), file("mychart/charts/s/values.schema.json", "")],
        // Two subcharts that a package of ours would have to call the same.
        vec![s("s"), s("t")],
        vec![file("mychart/a\u{200b}\u{feff}b", "")],
    ] {
        home.write("x.tgz", with(&entries));
        for helm in [&helm, &fourth] {
            home.program(helm).args(["show", "chart", "x.tgz"]).run().succeeds();
        }
        save(&home, "x.tgz").succeeds();
        exported(&home);
    }
    let home = self::home(&[("Chart.yaml", V2), ("values.schema.json", "{no")]);
    let refused = save(&home, "mychart");
    assert!(refused.fails(1).stderr.contains("values.schema.json is not JSON"), "{refused}");
    // What is JSON to Go, which looks at no encoding.
    fs::write(home.path().join("mychart/values.schema.json"), b"\xef\xbb\xbf{\"a\":\"\xff\"}").unwrap();
    home.program(helm).args(["package", "mychart"]).run().succeeds();
    save(&home, "mychart").succeeds();
}

#[test]
fn what_is_ignored_may_be_called_anything() {
    let Some(helm) = tool("helm") else { return };
    let name = |bytes: &[u8]| std::ffi::OsStr::from_bytes(bytes).to_owned();
    let home = home(&[("Chart.yaml", V2), (".helmignore", "*.bak\nold?/\n"), ("a", "")]);
    let chart = home.path().join("mychart");
    fs::write(chart.join(name(b"\xff.bak")), "x").unwrap();
    fs::create_dir(chart.join(name(b"old\xff"))).unwrap();
    fs::write(chart.join(name(b"old\xff")).join("x"), "x").unwrap();
    // Nothing of this one is packed.
    fs::create_dir(chart.join(name(b"empty\xff\\"))).unwrap();
    fs::write(chart.join(name(b"empty\xff\\")).join("x.bak"), "x").unwrap();
    home.program(helm).args(["package", "mychart"]).run().succeeds();
    save(&home, "mychart").succeeds();
    let theirs = crate::common::read_tgz(&home.path().join("mychart-2.7.0.tgz"));
    let ours = exported(&home);
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.keys().all(|path| theirs.contains_key(&format!("mychart/{path}"))), "{ours:?}");
    fs::write(chart.join(name(b"empty\xff\\")).join("x"), "x").unwrap();
    let shown = "the file name mychart/empty\u{fffd}\\/x cannot be in a chart: it is not UTF-8";
    refuses_chart(&home, shown);
}

/// A chart that is mounted from a ConfigMap has such names, and no Helm loads a package with them.
#[test]
fn names_with_two_dots_are_not_packed_where_no_helm_loads_them() {
    let home = home(&[("Chart.yaml", V2), ("a/..data", "x")]);
    save(&home, "mychart").succeeds();
    assert_eq!(exported(&home)["a/..data"], b"x");
    home.write("mychart/..data/x", "x");
    let reason = "it begins with two dots, and Helm loads no such package";
    refuses_chart(&home, &format!("the file name mychart/..data/x cannot be in a chart: {reason}"));
    home.write("mychart/.helmignore", "..data\n");
    save(&home, "mychart").succeeds();
    home.write("mychart/charts/x.tgz/Chart.yaml", V2);
    refuses_chart(&home, "charts/x.tgz is a directory, and Helm takes for a package what is called so");
}
