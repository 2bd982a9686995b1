//! `helm-chart-export`, as a user sees it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use crate::common::{Home, files, snapshot, tool, write_chart};

const REF: &str = "localhost:5000/myrepo/mychart:2.7.0";
const CHART_YAML: &str = "apiVersion: v1\nname: mychart\nversion: 2.7.0\n";
const META: &str = "sha256:ca9588a9340fb83a62777cd177dae4ba5ab52061a1618ce2e21930b86c412d9e";
const TREE: &[(&str, &str)] = &[
    ("Chart.yaml", CHART_YAML),
    ("values.yaml", "# kept\nb: 1\na: 2\n"),
    ("templates/tests/a.yaml", "a: {{ .Values.a }}\n"),
];

/// A home whose cache has a chart of these files, which are not in the home themselves.
fn home(files: &[(&str, &str)]) -> Home {
    let home = Home::new();
    write_chart(&home.path().join("source"), files);
    home.command("helm-chart-save").args(["source", REF]).run().succeeds().stderr_is("");
    home
}

/// What the home has beside the cache and the chart's source.
fn made(home: &Home) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(home.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".helm" && name != "source")
        .collect();
    names.sort();
    names
}

#[test]
fn prints_the_lines_of_the_original() {
    let home = home(&[("Chart.yaml", CHART_YAML)]);
    let content = home.linked(REF, "content");
    home.command("helm-chart-export").args([REF]).run().stderr_is("").prints(&format!(
        "Name: mychart\nVersion: 2.7.0\nMeta: {META}\nContent: {content}\nExported to mychart/\n"
    ));
    assert_eq!(files(&home.path().join("mychart"))["Chart.yaml"], CHART_YAML.as_bytes());
    assert_eq!(made(&home), ["mychart"]);
}

#[test]
fn gives_back_what_was_saved() {
    let home = home(TREE);
    home.command("helm-chart-export").args([REF, "-q"]).run().stderr_is("").prints("mychart\n");
    assert_eq!(files(&home.path().join("mychart")), files(&home.path().join("source")));
    // And saving that gives the same chart again.
    let digests = [home.linked(REF, "meta"), home.linked(REF, "content")];
    home.command("helm-chart-save").args(["mychart", REF]).run().succeeds();
    assert_eq!([home.linked(REF, "meta"), home.linked(REF, "content")], digests);
    if let Some(helm) = tool("helm") {
        home.program(helm)
            .args(["template", "mychart"])
            .run()
            .prints("---\n# Source: mychart/templates/tests/a.yaml\na: 2\n");
    }
}

#[test]
fn a_version_2_chart_stays_one() {
    // The original made every chart a version 1 chart.
    let text = "apiVersion: v2\nname: mychart\nversion: 2.7.0\ndescription: \"a: b\"\ntype: library\nappVersion: \"1.10\"\n";
    let home = home(&[("Chart.yaml", text)]);
    home.command("helm-chart-export").args([REF]).run().succeeds();
    assert_eq!(fs::read_to_string(home.path().join("mychart/Chart.yaml")).unwrap(), text);
}

#[test]
fn never_overwrites_what_is_there() {
    let message = format!(
        "Error: cannot export {REF}: mychart exists already\nhint: --force replaces it, -d DIR exports somewhere else\n"
    );
    let refuses = |prepare: &dyn Fn(&Path)| {
        let home = home(TREE);
        prepare(&home.path().join("mychart"));
        let before = snapshot(home.path());
        home.command("helm-chart-export").args([REF]).run().fails(5).stdout_is("").stderr_is(&message);
        assert_eq!(snapshot(home.path()), before);
    };
    refuses(&|path| write_chart(path, &[("mine", "x")]));
    refuses(&|path| fs::create_dir(path).unwrap());
    refuses(&|path| fs::write(path, "a file").unwrap());
    refuses(&|path| symlink("nowhere", path).unwrap());
}

#[test]
fn force_replaces_the_whole_directory() {
    let home = home(TREE);
    for flag in ["--force", "-f"] {
        write_chart(&home.path().join("mychart"), &[("stale.yaml", "x"), ("values.yaml", "edited")]);
        home.command("helm-chart-export").args([REF, flag, "-q"]).run().stderr_is("").prints("mychart\n");
        assert_eq!(files(&home.path().join("mychart")), files(&home.path().join("source")));
        assert_eq!(made(&home), ["mychart"]);
    }
    // A link is replaced, and what it leads to is left alone.
    fs::rename(home.path().join("mychart"), home.path().join("other")).unwrap();
    home.write("other/mine", "x");
    symlink("other", home.path().join("mychart")).unwrap();
    home.command("helm-chart-export").args([REF, "-f", "-q"]).run().stderr_is("").prints("mychart\n");
    assert!(fs::symlink_metadata(home.path().join("mychart")).unwrap().is_dir());
    assert!(home.path().join("other/mine").exists());
    assert_eq!(made(&home), ["mychart", "other"]);
}

#[test]
fn the_destination_is_made() {
    let home = home(TREE);
    for (args, path) in [
        (&["-d", "a/b"][..], "a/b/mychart"),
        (&["--destination=c/"], "c/mychart"),
        (&["-de"], "e/mychart"),
        (&["-d", "."], "./mychart"),
    ] {
        let output = home.command("helm-chart-export").args(args).args([REF]).run();
        assert!(output.succeeds().stdout.ends_with(&format!("\nExported to {path}/\n")), "{output}");
        assert_eq!(files(&home.path().join(path)), files(&home.path().join("source")));
    }
    let absolute = home.path().join("f");
    home.command("helm-chart-export")
        .args([REF, "-q", "-d", absolute.to_str().unwrap()])
        .run()
        .prints("$HOME/f/mychart\n");
    assert_eq!(made(&home), ["a", "c", "e", "f", "mychart"]);
    home.write("file", "x");
    home.command("helm-chart-export")
        .args([REF, "-d", "file"])
        .run()
        .fails(1)
        .stdout_is("")
        .stderr_is(&format!("Error: cannot export {REF}: cannot create directory file: File exists\n"));
}

#[test]
fn files_have_the_mode_that_the_umask_gives() {
    let home = home(TREE);
    let args = ["-c", "umask 027; exec helm-chart-export -q $0", REF];
    home.program("/bin/sh").args(args).run().succeeds();
    let mode = |path: &str| fs::metadata(home.path().join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("mychart"), 0o750);
    assert_eq!(mode("mychart/templates"), 0o750);
    assert_eq!(mode("mychart/values.yaml"), 0o640);
}

#[test]
fn unknown_references_are_not_found() {
    let unknown = |home: &Home, reference: &str, hint: &str| {
        let before = snapshot(home.path());
        home.command("helm-chart-export")
            .args([reference, "-d", "out", "--offline"])
            .run()
            .fails(3)
            .stdout_is("")
            .stderr_is(&format!("Error: cannot export {reference}: not in the cache\nhint: {hint}\n"));
        assert_eq!(snapshot(home.path()), before);
    };
    let (list, there) = ("helm oci list shows what is there", format!("the cache has {REF}"));
    unknown(&Home::new(), REF, list);
    let home = home(TREE);
    for (reference, hint) in [
        ("localhost:5000/myrepo/mychart:2.7.1", there.as_str()),
        ("localhost:5000/myrepo:2.7.0", list),
        ("localhost:5001/myrepo/mychart:2.7.0", &there),
        (&format!("localhost:5000/myrepo/mychart@{META}"), &there),
    ] {
        unknown(&home, reference, hint);
    }
}

#[test]
fn a_damaged_cache_is_never_exported() {
    for name in ["content", "meta"] {
        let home = home(TREE);
        let digest = home.linked(REF, name);
        let fails = |message: &str| {
            let output = home.command("helm-chart-export").args([REF, "-d", "out"]).run();
            output.fails(7).stdout_is("").stderr_is(&format!(
                "Error: cannot export {REF}: {message}\nhint: pull the reference again, or save it again\n"
            ));
            assert_eq!(made(&home), ["mychart"]);
            // Nor does it take the place of what is there.
            let before = snapshot(&home.path().join("mychart"));
            home.command("helm-chart-export").args([REF, "-f"]).run().fails(7).stdout_is("");
            assert_eq!(snapshot(&home.path().join("mychart")), before);
            assert_eq!(made(&home), ["mychart"]);
        };
        write_chart(&home.path().join("mychart"), &[("mine", "x")]);
        let blob = home.blob(REF, name);
        let whole = fs::read(&blob).unwrap();
        home.damage(&blob);
        fails(&format!("blob {digest} is damaged"));
        for (damage, position) in [(1, 0), (0x80, whole.len() / 2)] {
            let mut bytes = whole.clone();
            bytes[position] ^= damage;
            fs::write(&blob, bytes).unwrap();
            fails(&format!("blob {digest} is damaged"));
        }
        fs::write(&blob, &whole[..whole.len() - 1]).unwrap();
        fails(&format!("blob {digest} is damaged"));
        fs::write(&blob, [&whole[..], b"x"].concat()).unwrap();
        fails(&format!("blob {digest} is damaged"));
        fs::write(&blob, "").unwrap();
        fails(&format!("blob {digest} is damaged"));
        fs::remove_file(&blob).unwrap();
        symlink("/etc/passwd", &blob).unwrap();
        fails(&format!("blob {digest} is damaged"));
        fs::remove_file(&blob).unwrap();
        fails(&format!("blob {digest} is missing from the cache"));
        fs::write(&blob, &whole).unwrap();
        home.command("helm-chart-export").args([REF, "-q", "-d", "out"]).run().prints("out/mychart\n");
    }
}

#[test]
fn writes_one_document_for_programs() {
    let home = home(TREE);
    home.command("helm-chart-export").args([REF, "-o", "json", "-d", "out"]).run().stderr_is("").prints(&format!(
        "[\n  {{\n    \"ref\": \"{REF}\",\n    \"name\": \"mychart\",\n    \"version\": \"2.7.0\",\n    \"path\": \"out/mychart\"\n  }}\n]\n"
    ));
    home.command("helm-chart-export")
        .args([REF, "-oyaml"])
        .run()
        .stderr_is("")
        .prints(&format!("- ref: {REF}\n  name: mychart\n  path: mychart\n  version: 2.7.0\n"));
}

#[test]
fn wrong_calls_end_with_2() {
    let home = home(TREE);
    let before = snapshot(home.path());
    let help = "hint: helm-chart-export --help shows how it is called";
    for (args, message) in [
        (&[][..], format!("no reference is given\n{help}")),
        (
            &[REF, "more"],
            format!("unrecognized argument: more\nhint: -d says where to: helm-chart-export {REF} -d more"),
        ),
        (&[REF, "--unknown=x"], format!("unrecognized argument: --unknown\n{help}")),
        (&[REF, "-d"], format!("no value provided for option '-d'\n{help}")),
        (
            &["localhost:5000/mychart", "--offline"],
            "cannot export localhost:5000/mychart: the reference `localhost:5000/mychart` has neither a tag nor a digest\n\
             hint: add a tag: host[:port]/repository:tag"
                .to_owned(),
        ),
        (
            &["localhost:5000/MyChart:1"],
            "invalid repository `MyChart`: a repository must be lowercase".to_owned(),
        ),
    ] {
        let output = home.command("helm-chart-export").args(args).run();
        output.fails(2).stdout_is("").stderr_is(&format!("Error: {message}\n"));
        assert_eq!(snapshot(home.path()), before);
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    let home = Home::new();
    home.command("helm-chart-export").args(["--help"]).run().stderr_is("").prints(
        "Usage: helm-chart-export [-d <dir>] [--package] [-f] [--offline] [-o <format>]
      [-q] [--] <reference>

Export a chart from the local cache to a directory named like it; one that is
not there is pulled first.

Positional Arguments:
  reference         host[:port]/repository[:tag], or @digest; without a tag the
                    newest version

Options:
  -d, --destination where to put the directory (default: here)
  --package         write a package (.tgz) instead of a directory
  -f, --force       replace what is there
  --offline         pull nothing: what is not in the cache is not found
  -o, --output      print table, json or yaml
  -q, --quiet       print nothing but the directory or the package
  --debug           tell on stderr what is done
  -h, --help        display usage information

Examples:
  helm-chart-export -d charts localhost:5000/myrepo/mychart:2.7.0

Notes:
  --package writes NAME-VERSION.tgz, as helm pull leaves it, and its provenance
  file if there is one.
  What the cache has is not looked for in the registry; helm-chart-pull does
  that.
  What it has not is pulled as helm-chart-pull does without flags: by the stored
  login, or HELM_OCI_USERNAME and HELM_OCI_PASSWORD.

Exit codes:
  0  done
  1  failed
  2  called wrongly
  3  not found
  4  not authorised
  5  exists already, or is not what was asked for
  6  registry not reached, after retries
  7  verification failed: damaged cache, lying registry

Environment:
  HELM_HOME         the cache is in $HELM_HOME/registry (default ~/.helm)
  HELM_OCI_USERNAME, HELM_OCI_PASSWORD
                    the credential for every registry
  HELM_DEBUG        true is --debug
",
    );
    home.command("helm-chart-export")
        .args(["--version"])
        .run()
        .stderr_is("")
        .prints(&format!("helm-chart-export {}\n", env!("CARGO_PKG_VERSION")));
}

/// What an export of the chart would leave in `out` if it were killed now, by its name.
fn left_of(target: &str) -> String {
    format!("out/{}", oci::disk::temporary_name(target.as_ref()))
}

#[test]
fn what_killed_exports_left_behind_goes_with_the_next_one() {
    let home = home(TREE);
    let (abandoned, empty) = (left_of("mychart"), left_of("mychart"));
    home.write(format!("{abandoned}/templates/a.yaml"), "a");
    // A lock dies with its process: without one, a directory is nobody's however young it is.
    home.directory(&empty);
    home.command("helm-chart-export").args([REF, "-d", "out"]).run().succeeds().stderr_is("");
    assert_eq!(fs::read_dir(home.path().join("out")).unwrap().count(), 1);
}

#[test]
fn what_only_looks_like_left_behind_is_the_users() {
    let home = home(TREE);
    home.write("kept/Chart.yaml", "outside");
    let own = || left_of("mychart");
    let digits = own().rsplit_once('-').unwrap().0.to_owned();
    for (name, is_old) in [
        ("out/.helm-oci-settings".to_owned(), false),
        ("out/.helm-oci-".to_owned(), false),
        ("out/.helm-oci-XyZ123".to_owned(), false),
        ("out/.helm-oci-0123456789abcdef".to_owned(), false),
        ("out/.helm-oci-0123456789abcdef-0123456789abcdef".to_owned(), false),
        ("out/.helm-other".to_owned(), false),
        (digits.clone(), false),
        (format!("{digits}-0000000000000000"), false),
        (own().to_uppercase().replace("OUT/.HELM-OCI", "out/.helm-oci"), false),
        (format!("{}.bak", own()), false),
        (format!("{}0", own()), false),
        (own().replace("/.", "/"), false),
        // On the way to something else.
        (left_of("mychart2"), false),
        (left_of(""), false),
        // The only copy of what somebody had there.
        (own(), true),
    ] {
        home.write(format!("{name}/{}", if is_old { "old/Chart.yaml" } else { "notes" }), "mine");
    }
    // Something else than a directory, one that is in use, and one that somebody else owns.
    home.write(own(), "mine");
    symlink("../kept", home.path().join(own())).unwrap();
    let used = fs::File::open(home.directory(own())).unwrap();
    used.lock().unwrap();
    let theirs = home.directory(own());
    let given = std::os::unix::fs::chown(&theirs, Some(12345), None).is_ok();
    if !given {
        // Only root can give it away.
        fs::remove_dir(&theirs).unwrap();
    }
    let outside = || {
        let mut outside = snapshot(home.path());
        outside.retain(|path, _| !path.starts_with(".helm/") && !path.starts_with("out/mychart"));
        outside
    };
    let before = outside();
    home.command("helm-chart-export").args([REF, "-d", "out"]).run().succeeds().stderr_is("");
    home.command("helm-chart-export").args([REF, "-d", "out", "--force"]).run().succeeds().stderr_is("");
    assert_eq!(outside(), before);
}
