//! `helm-chart-list`, as a user sees it.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Home, note, snapshot, write_chart};

const REF: &str = "localhost:5000/myrepo/mychart:2.7.0";
const CHART_YAML: &str = "apiVersion: v1\nname: mychart\nversion: 2.7.0\n";
const HEADER: &str = "REF  NAME  VERSION  DIGEST  SIZE  CREATED\n";

/// A home with the original's chart, saved under these references.
fn home(references: &[&str]) -> Home {
    let home = Home::new();
    write_chart(&home.path().join("mychart"), &[("Chart.yaml", CHART_YAML), ("values.yaml", "a: 1\n")]);
    for reference in references {
        home.command("helm-chart-save").args(["mychart", reference]).run().succeeds().warns_of_names_alone();
    }
    home
}

/// The first seven digits of the content's digest, and its size, as the table has them.
fn digest_and_size(home: &Home, reference: &str) -> (String, u64) {
    let digest = home.linked(reference, "content");
    (digest["sha256:".len()..][..7].to_owned(), fs::metadata(home.blob(reference, "content")).unwrap().len())
}

#[test]
fn prints_the_table_of_the_original() {
    let home = home(&[REF]);
    let (digest, size) = digest_and_size(&home, REF);
    for _ in 0..5 {
        let started = Instant::now();
        home.age(REF, 27);
        let listed = home.command("helm-chart-list").run();
        // On a machine that is busier than that, 27 seconds have become 28.
        if started.elapsed() < Duration::from_secs(1) {
            listed.stderr_is("").prints(&format!(
                "REF                                  NAME     VERSION  DIGEST   SIZE   CREATED\n\
                 {REF}  mychart  2.7.0    {digest}  {size} B  27 seconds\n"
            ));
            return;
        }
    }
    note("the machine is too busy to tell 27 seconds from 28");
}

#[test]
fn an_empty_cache_is_a_header_and_is_not_made() {
    let home = Home::new();
    home.command("helm-chart-list").run().stderr_is("").prints(HEADER);
    home.command("helm-chart-list").args(["-q"]).run().stderr_is("").prints("");
    home.command("helm-chart-list").args(["-o", "json"]).run().stderr_is("").prints("[]\n");
    home.command("helm-chart-list").args(["-o", "yaml"]).run().stderr_is("").prints("[]\n");
    assert!(!home.cache().exists());
}

#[test]
fn rows_are_sorted_by_reference() {
    let references = [
        "localhost:5000/b:1",
        "localhost:5000/a/b:1",
        "localhost:5000/a:2",
        "localhost:5000/a:10",
        "example.com/z:1",
        "localhost:5000/a-b:1",
    ];
    let home = home(&references);
    let mut sorted = references;
    sorted.sort_unstable();
    home.command("helm-chart-list").args(["-q"]).run().prints(&(sorted.join("\n") + "\n"));
    let (digest, size) = digest_and_size(&home, "example.com/z:1");
    sorted.iter().for_each(|reference| home.age(reference, 3 * 3600));
    let rows = sorted
        .iter()
        .map(|reference| format!("{reference:20}  mychart  2.7.0    {digest}  {size} B  3 hours\n"))
        .collect::<String>();
    home.command("helm-chart-list")
        .run()
        .stderr_is("")
        .prints(&format!("REF                   NAME     VERSION  DIGEST   SIZE   CREATED\n{rows}"));
}

#[test]
fn repositories_are_listed_as_they_were_named() {
    let references = [
        "127.0.0.1:5000/x:1",
        "[::1]:5000/x:1",
        "localhost:5000/chart/meta/content:chart",
        "localhost:5000/digests/tags:digests",
        "localhost:5000/manifest:lock",
        "localhost:5000/my_repo/my__chart:1.0.0_a",
        "localhost:5000/my_repo:_x",
        "localhost:5000/tags/tags/tags:tags",
        "localhost:5000/tags/tags:tags",
        "localhost:5000/tags:tags",
        "localhost/x:1",
    ];
    let home = home(&references);
    let mut sorted = references;
    sorted.sort_unstable();
    home.command("helm-chart-list").args(["-q"]).run().stderr_is("").prints(&(sorted.join("\n") + "\n"));
    // Each is found under its name, and goes alone.
    for (i, reference) in sorted.iter().enumerate() {
        home.command("helm-chart-export").args([reference, "-q", "-f"]).run().prints("mychart\n");
        home.command("helm-chart-remove").args([reference, "-q"]).run().stderr_is("").prints("");
        let rest: String = sorted[i + 1..].iter().map(|reference| format!("{reference}\n")).collect();
        home.command("helm-chart-list").args(["-q"]).run().stderr_is("").prints(&rest);
    }
    assert_eq!(home.blobs(), [""; 0]);
}

#[test]
fn the_cache_can_be_moved() {
    let mut home = home(&[REF]);
    let listed = home.command("helm-chart-list").args(["-o", "json"]).run();
    fs::rename(home.path().join(".helm"), home.path().join("moved")).unwrap();
    home.command("helm-chart-list").args(["-q"]).run().prints("");
    home.set("HELM_HOME", home.path().join("moved"));
    home.command("helm-chart-list").args(["-o", "json"]).run().stderr_is("").prints(&listed.stdout);
    home.command("helm-chart-export").args([REF, "-q", "-d", "out"]).run().prints("out/mychart\n");
}

#[test]
fn the_cache_is_in_helms_home_or_the_users() {
    let home = home(&[REF]);
    let reference = format!("{REF}\n");
    let list = || home.command("helm-chart-list").args(["-q"]);
    list().run().prints(&reference);
    // Unset or empty, it is `~/.helm`, which is where this home has it too.
    list().env("HELM_HOME", "").run().stderr_is("").prints(&reference);
    list().env("HELM_HOME", "").env("HOME", home.path().join("mychart")).run().stderr_is("").prints("");
    let unset = ["-c", "unset HELM_HOME; exec helm-chart-list -q"];
    home.program("/bin/sh").args(unset).run().stderr_is("").prints(&reference);
    let neither = ["-c", "unset HELM_HOME HOME; exec helm-chart-list -q"];
    let message =
        "Error: neither HELM_HOME nor HOME is set\nhint: set HELM_HOME to where the cache should be\n";
    home.program("/bin/sh").args(neither).run().fails(1).stdout_is("").stderr_is(message);
    list().env("HELM_HOME", "").env("HOME", "").run().fails(1).stdout_is("").stderr_is(message);
}

#[test]
fn writes_one_document_for_programs() {
    let home = home(&[REF, "localhost:5000/a:1"]);
    home.age(REF, 0);
    let (content, meta) = (home.linked(REF, "content"), home.linked(REF, "meta"));
    let (_, size) = digest_and_size(&home, REF);
    for reference in [REF, "localhost:5000/a:1"] {
        let then = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        fs::File::open(home.entry(reference)).unwrap().set_modified(then).unwrap();
    }
    let row = |reference: &str| {
        serde_json::json!({
            "ref": reference,
            "name": "mychart",
            "version": "2.7.0",
            "digest": null,
            "manifest": null,
            "config": null,
            "chart": null,
            "prov": null,
            "meta": {"digest": meta, "size": 19},
            "content": {"digest": content, "size": size},
            "created": "2001-09-09T01:46:40Z",
            "broken": null,
        })
    };
    let rows = serde_json::json!([row("localhost:5000/a:1"), row(REF)]);
    let listed = home.command("helm-chart-list").args(["--output", "json"]).run();
    listed.stderr_is("");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&listed.succeeds().stdout).unwrap(), rows);
    let listed = home.command("helm-chart-list").args(["--output=yaml"]).run();
    listed.stderr_is("");
    assert_eq!(serde_yaml::from_str::<serde_json::Value>(&listed.succeeds().stdout).unwrap(), rows);
    home.command("helm-chart-list")
        .args(["--quiet=true"])
        .run()
        .prints(&format!("localhost:5000/a:1\n{REF}\n"));
    assert!(
        home.command("helm-chart-list").args(["--quiet=false"]).run().succeeds().stdout.starts_with("REF ")
    );
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let home = home(&[REF]);
    // More than a pipe holds, so that writing must fail.
    let tags: Vec<_> = (0..1000).map(|i| format!("{i:0>100}")).collect();
    for tag in &tags {
        // As the original wrote its entries.
        let entry = home.entry(REF).with_file_name(tag);
        fs::create_dir(&entry).unwrap();
        for link in fs::read_dir(home.entry(REF)).unwrap().map(|link| link.unwrap()) {
            std::os::unix::fs::symlink(fs::read_link(link.path()).unwrap(), entry.join(link.file_name()))
                .unwrap();
        }
    }
    for args in ["", "-o json", "-o yaml", "-q"] {
        let script = format!("(helm-chart-list {args}; echo \"ended with $?\" >&2) | head -c 1 >/dev/null");
        home.program("/bin/sh").args(["-c", &script]).run().prints("").stderr_is("ended with 0\n");
    }
}

#[test]
fn a_broken_entry_is_marked_and_hides_no_other() {
    let good = "localhost:5000/good:1";
    let path = "$HOME/.helm/registry/refs/localhost_5000/myrepo/mychart/tags/2.7.0";
    let hint = "hint: pull or save it again, or remove it\n";
    // What somebody does to the entry, and what is said about it.
    type Damage = fn(&Home);
    let table: [(Damage, String); 5] = [
        (
            |home| fs::remove_file(home.entry(REF).join("meta")).unwrap(),
            format!("the cache entry {path} is broken: its link `meta` is missing"),
        ),
        (
            |home| {
                fs::remove_file(home.entry(REF).join("content")).unwrap();
                std::os::unix::fs::symlink("../nowhere", home.entry(REF).join("content")).unwrap();
            },
            format!("the cache entry {path} is broken: its link `content` leads nowhere"),
        ),
        (
            |home| fs::remove_dir_all(fs::canonicalize(home.entry(REF)).unwrap()).unwrap(),
            format!("the cache entry {path} is broken: its link `chart` is missing"),
        ),
        (
            |home| {
                fs::remove_file(home.entry(REF)).unwrap();
                fs::create_dir(home.entry(REF)).unwrap();
            },
            format!("the cache entry {path} is broken: its link `chart` is missing"),
        ),
        (
            |home| {
                fs::remove_file(home.entry(REF)).unwrap();
                fs::write(home.entry(REF), "a file").unwrap();
            },
            format!("the cache entry {path} is broken: it is a file"),
        ),
    ];
    for (damage, message) in table {
        let home = home(&[REF, good]);
        let (digest, size) = digest_and_size(&home, good);
        damage(&home);
        home.age(good, 3 * 3600);
        let listed = home.command("helm-chart-list").run();
        listed.stderr_is(&format!("Warning: {REF}: {message}\n{hint}")).prints(&format!(
            "REF                                  NAME     VERSION  DIGEST   SIZE   CREATED\n\
             {good}                mychart  2.7.0    {digest}  {size} B  3 hours\n\
             {REF}  -        -        -        -      (broken)\n"
        ));
        home.command("helm-chart-list").args(["-q"]).run().prints(&format!("{good}\n{REF}\n"));
        let document = home.command("helm-chart-list").args(["-o", "json"]).run();
        let document: serde_json::Value = serde_json::from_str(&document.succeeds().stdout).unwrap();
        assert_eq!(document[1]["ref"], REF);
        assert_eq!(document[1]["broken"], message);
        assert_eq!(document[1]["digest"], serde_json::Value::Null);
        assert_eq!(document[0]["name"], "mychart");
        // What is broken cannot be exported, and can be removed or saved again.
        home.command("helm-chart-export").args([REF]).run().fails(7).stdout_is("").stderr_is(&format!(
            "Error: cannot export {REF}: {message}\nhint: pull the reference again, or save it again\n"
        ));
        home.command("helm-chart-save").args(["mychart", REF]).run().succeeds().stderr_is("");
        home.command("helm-chart-export").args([REF, "-q", "-d", "out"]).run().prints("out/mychart\n");
        damage(&home);
        home.command("helm-chart-remove").args([REF]).run().stderr_is("").prints("2.7.0: removed\n");
        home.command("helm-chart-list").args(["-q"]).run().stderr_is("").prints(&format!("{good}\n"));
        assert_eq!(home.blobs().len(), 2);
    }
}

#[test]
fn the_directories_and_absolute_links_of_the_original_are_read() {
    let home = home(&[REF]);
    let before = home.command("helm-chart-list").args(["-o", "json"]).run();
    let entry = home.entry(REF);
    let created = fs::metadata(&entry).unwrap().modified().unwrap();
    let directory = fs::canonicalize(&entry).unwrap();
    fs::remove_file(&entry).unwrap();
    fs::rename(&directory, &entry).unwrap();
    for name in ["chart", "content", "meta"] {
        let link = entry.join(name);
        let target = fs::canonicalize(&link).unwrap();
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(target, &link).unwrap();
    }
    fs::File::open(&entry).unwrap().set_modified(created).unwrap();
    home.command("helm-chart-list").args(["-o", "json"]).run().stderr_is("").prints(&before.stdout);
    home.command("helm-chart-export").args([REF, "-q", "-d", "out"]).run().prints("out/mychart\n");
    home.command("helm-chart-save").args(["mychart", REF]).run().succeeds().stderr_is("");
    assert!(fs::symlink_metadata(&entry).unwrap().is_symlink());
    home.command("helm-chart-remove").args([REF, "-q"]).run().stderr_is("").prints("");
    assert_eq!(home.blobs(), [""; 0]);
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let home = home(&[REF]);
    let script = "helm-chart-list > /dev/full";
    home.program("/bin/sh")
        .args(["-c", script])
        .run()
        .fails(1)
        .stderr_is("Error: cannot write standard output: No space left on device\n");
}

#[test]
fn a_missing_blob_breaks_the_entries_that_need_it() {
    let home = home(&[REF]);
    let meta = home.linked(REF, "meta");
    fs::remove_file(home.blob(REF, "meta")).unwrap();
    home.command("helm-chart-list")
        .run()
        .stderr_is(&format!("Warning: {REF}: blob {meta} is missing from the cache\nhint: pull or save it again, or remove it\n"))
        .prints(&format!(
            "REF                                  NAME  VERSION  DIGEST  SIZE  CREATED\n\
             {REF}  -     -        -       -     (broken)\n"
        ));
}

#[test]
fn a_cache_that_cannot_be_written_can_be_read() {
    let home = home(&[REF]);
    let before = snapshot(&home.cache());
    // Root writes where it likes, but not into a file system that is mounted read-only.
    let script =
        "mount --bind \"$HELM_HOME\" \"$HELM_HOME\" && mount -o remount,bind,ro \"$HELM_HOME\" || exit 99
        touch \"$HELM_HOME/registry/x\" 2>/dev/null && exit 98
        helm-chart-list -q && helm-chart-export -q -d out $0; helm-chart-remove $0; helm-chart-save mychart $0";
    let unshare =
        Command::new("unshare").args(["-rm", "true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !unshare.is_ok_and(|status| status.success()) {
        return note("nothing can be mounted here, so no cache is read-only");
    }
    let output = home.program("unshare").args(["-rm", "/bin/sh", "-c", script, REF]).run();
    if output.to_string().contains("Some(99)") {
        return note("nothing can be mounted here, so no cache is read-only");
    }
    output.fails(1).stdout_is(&format!("{REF}\nout/mychart\n")).stderr_is(
        "Error: cannot lock $HOME/.helm/registry/gate: Read-only file system\n\
         Error: cannot save mychart: cannot write into $HOME/.helm/registry/tmp: Read-only file system\n",
    );
    assert_eq!(snapshot(&home.cache()), before);
}

#[test]
fn wrong_calls_end_with_2_and_name_the_help() {
    let home = Home::new();
    let hint = "hint: helm-chart-list --help shows how it is called\n";
    for (args, message) in [
        (&["--unknown"][..], "unrecognized argument: --unknown"),
        (&["-x"], "unrecognized argument: -x"),
        (&["-o"], "no value provided for option '-o'"),
        (&["-oxml"], "`-o xml`: expected \"table\", \"json\" or \"yaml\""),
    ] {
        let output = home.command("helm-chart-list").args(args).run();
        output.fails(2).stdout_is("").stderr_is(&format!("Error: {message}\n{hint}"));
    }
    assert!(!home.cache().exists());
}

#[test]
fn a_result_has_one_form() {
    let home = Home::new();
    for (command, args) in [
        ("helm-chart-list", &[][..]),
        ("helm-chart-save", &["mychart", "localhost:1/a:1"]),
        ("helm-chart-tag", &["localhost:1/a:1", "localhost:1/a:2"]),
        ("helm-chart-remove", &["localhost:1/a:1"]),
        ("helm-chart-export", &["localhost:1/a:1"]),
        ("helm-chart-fsck", &[]),
        ("helm-chart-push", &["localhost:1/a:1"]),
        ("helm-chart-pull", &["localhost:1/a:1"]),
    ] {
        for form in ["json", "yaml"] {
            let output = home.command(command).args(args).args(["-q", "-o", form]).run();
            output
                .fails(2)
                .stdout_is("")
                .stderr_is("Error: -q and -o are two ways to print a result, and only one can be had\n");
        }
    }
    home.command("helm-chart-list").args(["-q", "-o", "table"]).run().prints("");
}

#[test]
fn help_and_version_go_to_stdout() {
    let home = Home::new();
    home.command("helm-chart-list").args(["--help"]).run().stderr_is("").prints(
        "Usage: helm-chart-list [-o <format>] [-q] [--] [<reference>]

List the charts in the local cache.

Positional Arguments:
  reference         only these: host[:port][/path], or
                    host[:port]/repository:tag; or what repositories end with,
                    like mychart

Options:
  -o, --output      print table, json or yaml
  -q, --quiet       print nothing but references, with their digests where they
                    have been pushed or pulled
  --debug           tell on stderr what is done
  -h, --help        display usage information

Examples:
  helm-chart-list -o json
  helm-chart-list localhost:5000/myrepo

Notes:
  DIGEST and SIZE are the content's. The digest of -q and of documents is the
  manifest's, which pins a chart.

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
    home.command("helm-chart-list")
        .args(["--version"])
        .run()
        .stderr_is("")
        .prints(&format!("helm-chart-list {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_part_of_the_cache_is_listed_alone() {
    let references = [
        "example.com/charts/web:1",
        "localhost:5000/charts/other:1",
        "localhost:5000/charts/web:1",
        "localhost:5000/charts/web:2",
        "localhost:5000/chartsweb:1",
    ];
    let home = home(&references);
    let list = |args: &[&str]| home.command("helm-chart-list").args(args).run();
    for (wanted, expected) in [
        ("localhost:5000", &references[1..]),
        ("oci://localhost:5000/charts", &references[1..4]),
        ("localhost:5000/charts/web/", &references[2..4]),
        ("localhost:5000/charts/web:2", &references[3..4]),
        ("web", &[references[0], references[2], references[3]]),
        ("charts/web", &[references[0], references[2], references[3]]),
    ] {
        let shown: String = expected.iter().map(|reference| format!("{reference}\n")).collect();
        list(&["-q", wanted]).stderr_is("").prints(&shown);
        let document = list(&[wanted, "-o", "json"]);
        let document: Vec<serde_json::Value> = serde_json::from_str(&document.succeeds().stdout).unwrap();
        assert_eq!(document.iter().map(|one| one["ref"].as_str().unwrap()).collect::<Vec<_>>(), expected);
        assert_eq!(list(&[wanted]).succeeds().stdout.lines().count(), 1 + expected.len());
    }
    let nothing = |wanted: &str| {
        format!("Error: nothing in the cache is called {wanted}\nhint: helm oci list shows what is there\n")
    };
    for wanted in ["localhost:5001", "localhost:5000/charts/we", "localhost:5000/charts/web:3", "eb"] {
        list(&[wanted]).fails(3).stdout_is("").stderr_is(&nothing(wanted));
        list(&[wanted, "-q"]).fails(3).stdout_is("").stderr_is(&nothing(wanted));
        list(&[wanted, "-o", "json"]).fails(3).stdout_is("[]\n").stderr_is(&nothing(wanted));
    }
    for wanted in ["https://localhost:5000/charts", "Web", "a:b:c"] {
        list(&[wanted]).fails(2).stdout_is("");
    }
    // What is broken elsewhere is no matter of this one.
    fs::remove_file(home.entry("localhost:5000/charts/other:1").join("content")).unwrap();
    list(&["localhost:5000/charts/web"]).succeeds().stderr_is("");
    assert!(list(&["other"]).succeeds().stdout.contains("(broken)"));
}
