//! Directories, references and calls that are refused.

use super::*;
use crate::common::{Home, write_chart};

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
    refuses_chart(
        &home,
        "Chart.yaml file is missing\nhint: a chart is a directory with a Chart.yaml, or a .tgz of one; helm create NAME makes one",
    );
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
    rules::agrees_with_helm(&home);
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
        (
            "http://localhost/x:1",
            "invalid reference `http://localhost/x:1`: the only scheme is oci://\n\
            hint: without it, or with the other: oci://localhost/x:1",
        ),
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
        (&[][..], "no path and no reference are given"),
        (&["mychart"], "no reference is given"),
        (&["mychart", REF, "--unknown"], "unrecognized argument: --unknown"),
        (&["mychart", REF, "--unknown=x"], "unrecognized argument: --unknown"),
        (&["mychart", REF, "--output=xml"], "`--output xml`: expected \"table\", \"json\" or \"yaml\""),
    ] {
        refuses(&home, args, 2, &format!("Error: {message}\n{hint}"));
    }
    let one =
        format!("one chart under one name at a time: helm-chart-save mychart {REF}; tag gives it others");
    let more = format!("Error: unrecognized argument: more\nhint: {one}\n");
    refuses(&home, &["mychart", REF, "more"], 2, &more);
    refuses(&home, &["mychart", REF, "--quiet=maybe"], 2, "Error: `--quiet` is true or false, not `maybe`\n");
}

#[test]
fn help_and_version_go_to_stdout() {
    let home = Home::new();
    let help = home.command("helm-chart-save").args(["--help"]).run();
    help.stderr_is("").prints(
        "Usage: helm-chart-save [--version <version>] [--app-version <version>]
      [--strict] [-o <format>] [-q] [--] <path> <reference>

Save a chart directory or a packaged chart in the local cache.

Positional Arguments:
  path              a chart directory, or a packaged chart
  reference         host[:port]/repository[:tag]; the tag defaults to the
                    chart's version

Options:
  --version         the chart's version, instead of the one in Chart.yaml
  --app-version     the version of what the chart installs, instead of
                    appVersion in Chart.yaml
  --strict          refuse what Helm would not find: a tag that is not the
                    chart's version, a repository not called like it
  -o, --output      print table, json or yaml
  -q, --quiet       print nothing but the reference with the digest that a push
                    will give it
  --debug           tell on stderr what is done
  -h, --help        display usage information

Examples:
  helm-chart-save mychart/ localhost:5000/myrepo/mychart:2.7.0
  helm-chart-save mychart/ localhost:5000/myrepo/mychart --version 2.7.1 --app-version 1.16.0

Notes:
  A package (.tgz) keeps its bytes, and a provenance file (.tgz.prov) beside it
  is saved with it.
  SOURCE_DATE_EPOCH sets the time of all files in the chart; without it that is
  1970.
  Another chart under the same reference is replaced in the cache, pushed or
  not.

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
  HELM_OCI_CACHE_MAX_SIZE
                    above this size, for example 2GiB, what was least recently
                    used leaves the cache
  SOURCE_DATE_EPOCH the time of files in saved charts, and of `created` in
                    manifests
  HELM_DEBUG        true is --debug
",
    );
    home.command("helm-chart-save").args(["-h"]).run().prints(&help.stdout);
    home.command("helm-chart-save")
        .args(["--version"])
        .run()
        .stderr_is("")
        .prints(&format!("helm-chart-save {}\n", env!("CARGO_PKG_VERSION")));
}
