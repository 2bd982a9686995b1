//! `helm-chart-remove`, as a user sees it.

use std::fs;

use crate::common::{EmbeddedRegistry, Home, snapshot, tool, write_chart};

const REF: &str = "localhost:5000/myrepo/mychart:2.7.0";
const CHART_YAML: &str = "apiVersion: v1\nname: mychart\nversion: 2.7.0\n";
const HINT: &str = "hint: helm oci list shows what is there\n";

/// A home with the original's chart, saved under these references.
fn home(references: &[&str]) -> Home {
    let home = Home::new();
    write_chart(&home.path().join("mychart"), &[("Chart.yaml", CHART_YAML)]);
    for reference in references {
        home.command("helm-chart-save").args(["mychart", reference]).run().succeeds().warns_of_names_alone();
    }
    home
}

#[test]
fn prints_the_line_of_the_original_and_leaves_nothing() {
    let home = home(&[REF]);
    home.command("helm-chart-remove").args([REF]).run().stderr_is("").prints("2.7.0: removed\n");
    let left: Vec<_> = snapshot(&home.cache()).into_keys().collect();
    assert_eq!(left, ["blobs", "blobs/sha256", "charts", "gate", "lock", "refs", "tmp"]);
    home.command("helm-chart-list").args(["-q"]).run().prints("");
}

#[test]
fn keeps_what_others_need() {
    let home = home(&[REF, "localhost:5000/same:1"]);
    // The same content with another version; the same metadata with another content.
    home.write("mychart/Chart.yaml", "apiVersion: v2\nname: mychart\nversion: 2.7.0\n");
    home.command("helm-chart-save").args(["mychart", "localhost:5000/content:1"]).run().succeeds();
    home.write("mychart/Chart.yaml", CHART_YAML);
    home.write("mychart/values.yaml", "a: 1\n");
    home.command("helm-chart-save").args(["mychart", "localhost:5000/meta:1"]).run().succeeds();
    let blobs = home.blobs();
    assert_eq!(blobs.len(), 4);

    let remove = |reference: &str| {
        home.command("helm-chart-remove").args([reference, "-q"]).run().stderr_is("").prints("");
    };
    remove("localhost:5000/same:1");
    assert_eq!(home.blobs(), blobs);
    remove(REF);
    assert_eq!(home.blobs(), blobs);
    let meta = home.linked("localhost:5000/meta:1", "meta");
    let content = home.linked("localhost:5000/content:1", "content");
    remove("localhost:5000/content:1");
    assert!(home.blobs().contains(&meta) && !home.blobs().contains(&content));
    assert_eq!(home.blobs().len(), 2);
    assert!(home.cache().join("charts/mychart/versions/2.7.0").exists());
    home.command("helm-chart-export").args(["localhost:5000/meta:1", "-d", "out"]).run().succeeds();
    remove("localhost:5000/meta:1");
    assert_eq!(home.blobs(), [""; 0]);
    assert!(!home.cache().join("charts/mychart").exists());
}

#[test]
fn a_package_goes_with_its_provenance() {
    let Some(helm) = tool("helm") else { return };
    let home = home(&[]);
    home.program(helm).args(["package", "mychart"]).run().succeeds();
    home.write("mychart-2.7.0.tgz.prov", "signed\n");
    home.command("helm-chart-save").args(["mychart-2.7.0.tgz", REF]).run().succeeds();
    assert_eq!(home.blobs().len(), 3);
    home.command("helm-chart-remove").args([REF]).run().stderr_is("").prints("2.7.0: removed\n");
    assert_eq!(home.blobs(), [""; 0]);
}

#[test]
fn tags_that_begin_alike_are_different_tags() {
    let references = [
        "localhost:5000/a:1",
        "localhost:5000/a:1.2",
        "localhost:5000/a:1.2.3",
        "localhost:5000/a:1.2.3.link",
    ];
    let home = home(&references);
    for (i, reference) in references.iter().enumerate() {
        home.command("helm-chart-remove").args([reference, "-q"]).run().stderr_is("").prints("");
        let rest: String = references[i + 1..].iter().map(|reference| format!("{reference}\n")).collect();
        home.command("helm-chart-list").args(["-q"]).run().stderr_is("").prints(&rest);
        for rest in &references[i + 1..] {
            home.command("helm-chart-export")
                .args([rest, "-q", "-d", "out", "-f"])
                .run()
                .prints("out/mychart\n");
        }
    }
}

#[test]
fn several_references_are_removed_in_one_call() {
    let home = home(&["localhost:5000/a:1", "localhost:5000/b:2", "localhost:5000/c:3"]);
    let args = ["localhost:5000/a:1", "localhost:5000/gone:1", "oci://localhost:5000/b:2"];
    home.command("helm-chart-remove")
        .args(args)
        .run()
        .fails(3)
        .stdout_is("localhost:5000/a:1: removed\nlocalhost:5000/b:2: removed\n")
        .stderr_is(&format!("Error: cannot remove localhost:5000/gone:1: not in the cache\n{HINT}"));
    home.command("helm-chart-list").args(["-q"]).run().prints("localhost:5000/c:3\n");
}

#[test]
fn one_wrong_reference_removes_none() {
    let home = home(&[REF]);
    let before = snapshot(&home.cache());
    let digest = home.linked(REF, "meta");
    for (wrong, code, message) in [
        (
            "localhost:5000/mychart".to_owned(),
            2,
            "the reference `localhost:5000/mychart` has neither a tag nor a digest\n\
             hint: add a tag: host[:port]/repository:tag"
                .to_owned(),
        ),
        (
            "mychart:2.7.0".to_owned(),
            2,
            "the reference `mychart:2.7.0` has no registry host: expected host[:port]/repository:tag\n\
             hint: name the registry, too: localhost:5000/mychart:2.7.0"
                .to_owned(),
        ),
        (
            format!("{REF}@{digest}"),
            5,
            format!(
                "cannot remove {REF}@{digest}: the cache has another chart under this tag: its manifest is not known yet\n\
                 hint: pull the reference again"
            ),
        ),
    ] {
        let output = home.command("helm-chart-remove").args([REF, &wrong]).run();
        output.fails(code).stdout_is("").stderr_is(&format!("Error: {message}\n"));
        let mut after = snapshot(&home.cache());
        after.remove("gate");
        assert_eq!(after, before);
    }
}

#[test]
fn what_is_not_there_is_not_found() {
    let home = Home::new();
    let message = format!("Error: cannot remove {REF}: not in the cache\n{HINT}");
    home.command("helm-chart-remove").args([REF]).run().fails(3).stdout_is("").stderr_is(&message);
    assert!(!home.cache().exists());
    let home = self::home(&[REF]);
    home.command("helm-chart-remove").args([REF]).run().prints("2.7.0: removed\n");
    home.command("helm-chart-remove").args([REF]).run().fails(3).stdout_is("").stderr_is(&message);
}

#[test]
fn a_digest_alone_names_what_is_kept_under_it() {
    let home = home(&[]);
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let name = format!("{}/a", registry.address());
    home.command("helm-chart-save").args(["mychart", &format!("{name}:2.7.0")]).run().succeeds();
    let pushed = home.command("helm-chart-push").args(["-q", &format!("{name}:2.7.0")]).run();
    let digest = pushed.succeeds().stdout.trim_end().rsplit('@').next().unwrap().to_owned();
    home.command("helm-chart-remove").args([format!("{name}@{digest}")]).run().fails(3).stderr_is(&format!(
        "Error: cannot remove {name}@{digest}: not in the cache\nhint: {name}:2.7.0 has that digest\n"
    ));
}

#[test]
fn a_stray_file_is_no_reason_to_collect_nothing() {
    let home = home(&[REF, "localhost:5000/other:1"]);
    fs::write(home.entry("localhost:5000/other:stray"), "x").unwrap();
    home.write(".helm/registry/refs/README", "x");
    home.command("helm-chart-remove")
        .args([REF, "localhost:5000/other:1"])
        .run()
        .stderr_is("")
        .prints(&format!("{REF}: removed\nlocalhost:5000/other:1: removed\n"));
    assert_eq!(home.blobs(), [""; 0]);
}

#[test]
fn writes_one_document_for_programs() {
    let home = home(&[REF]);
    home.command("helm-chart-remove")
        .args([REF, "localhost:5000/gone:1", "-o", "json"])
        .run()
        .fails(3)
        .stdout_is(&format!(
            "[\n  {{\n    \"ref\": \"{REF}\",\n    \"removed\": true\n  }},\n  {{\n    \
             \"ref\": \"localhost:5000/gone:1\",\n    \"removed\": false\n  }}\n]\n"
        ))
        .stderr_is(&format!("Error: cannot remove localhost:5000/gone:1: not in the cache\n{HINT}"));
}

#[test]
fn wrong_calls_end_with_2() {
    let home = home(&[REF]);
    let before = snapshot(&home.cache());
    let help = "hint: helm-chart-remove --help shows how it is called\n";
    for (args, message) in [
        (&[][..], format!("which reference? none is given\n{help}")),
        (&[REF, "--unknown"], format!("unrecognized argument: --unknown\n{help}")),
        (&[REF, "--output=xml"], format!("`--output xml`: expected \"table\", \"json\" or \"yaml\"\n{help}")),
        (&[REF, "localhost:5000/A:1"], "invalid repository `A`: a repository must be lowercase\n".to_owned()),
    ] {
        let output = home.command("helm-chart-remove").args(args).run();
        output.fails(2).stdout_is("").stderr_is(&format!("Error: {message}"));
        assert_eq!(snapshot(&home.cache()), before);
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    let home = Home::new();
    home.command("helm-chart-remove").args(["--help"]).run().stderr_is("").prints(
        "Usage: helm-chart-remove [--remote] [-o <format>] [-q] [--] [<reference...>]

Remove charts from the local cache.

Positional Arguments:
  reference         host[:port]/repository:tag, or @digest; one or more

Options:
  --remote          remove the tags from their registries, and nothing from the
                    cache
  -o, --output      print table, json or yaml
  -q, --quiet       print nothing
  --debug           tell on stderr what is done
  -h, --help        display usage information

Examples:
  helm-chart-remove localhost:5000/myrepo/mychart:2.7.0
  helm-chart-remove --remote localhost:5000/myrepo/mychart:2.7.0

Notes:
  --remote has flags of its own, which --remote --help shows.

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
  HELM_DEBUG        true is --debug
",
    );
    home.command("helm-chart-remove")
        .args(["--version"])
        .run()
        .stderr_is("")
        .prints(&format!("helm-chart-remove {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_cache_that_cannot_be_looked_into_is_not_an_empty_one() {
    let mut home = Home::new();
    let file = home.write("file", "");
    home.set("HELM_HOME", &file);
    home.command("helm-chart-remove")
        .args([REF])
        .run()
        .fails(1)
        .stdout_is("")
        .stderr_is("Error: cannot read $HOME/file/registry: Not a directory\n");
}
