//! One directory of the cache that cannot be looked into is shown, marked, and stops nobody.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::common::{Home, Output, errno, tool, write_chart};

const REF: &str = "localhost:5000/a/mychart:1";
const OTHER: &str = "localhost:5000/b/other:1";

fn home() -> Home {
    let home = Home::new();
    for (name, reference) in [("mychart", REF), ("other", OTHER)] {
        let yaml = format!("apiVersion: v2\nname: {name}\nversion: 1.0.0\ndescription: {name}\n");
        write_chart(
            &home.path().join(name),
            &[("Chart.yaml", &yaml), ("values.yaml", &format!("a: {name}\n"))],
        );
        home.command("helm-chart-save").args([name, reference]).run().succeeds().warns_of_names_alone();
    }
    home
}

/// Puts something in the place of a directory, whose content goes.
fn replace(at: &Path, with: &str) {
    fs::remove_dir_all(at).unwrap();
    match with {
        "a fifo" => assert!(std::process::Command::new("mkfifo").arg(at).status().unwrap().success()),
        "a file" => fs::write(at, "").unwrap(),
        _ => symlink("/", at).unwrap(),
    }
}

#[test]
fn it_is_shown_and_the_others_are_listed() {
    for (below, beginning) in [
        ("refs/localhost_5000/a", "localhost:5000/a/"),
        ("refs/localhost_5000/a/mychart", "localhost:5000/a/mychart/"),
        ("refs/localhost_5000/a/mychart/tags", "localhost:5000/a/mychart:"),
    ] {
        for what in ["a fifo", "a file", "a symbolic link"] {
            let home = home();
            replace(&home.cache().join(below), what);
            let path = format!("$HOME/.helm/registry/{below}");
            let said = format!("cannot use {path}: it is {what}, where a directory belongs");
            let hint = match what {
                "a fifo" => format!("the cache makes no such thing, and has not touched it: rm '{path}'"),
                "a file" => format!(
                    "the cache makes no such thing there, and has not touched it: move '{path}' out of the cache"
                ),
                _ => format!(
                    "the cache makes no such link, and has touched nothing behind it: look where it leads, then rm '{path}'"
                ),
            };
            let warned = format!("Warning: {said}\nhint: {hint}\n");
            let listed = home.command("helm-chart-list").run();
            listed.succeeds().stderr_is(&warned);
            let rows: Vec<Vec<&str>> =
                listed.stdout.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
            assert_eq!(rows[0], [beginning, "-", "-", "-", "-", "(unreadable)"], "{listed}");
            assert_eq!((rows.len(), rows[1][0]), (2, OTHER), "{listed}");
            home.command("helm-chart-list")
                .args(["-q"])
                .run()
                .stderr_is(&warned)
                .prints(&format!("{OTHER}\n"));
            let document = home.command("helm-chart-list").args(["-o", "json"]).run();
            let document: serde_json::Value = serde_json::from_str(&document.succeeds().stdout).unwrap();
            assert_eq!(
                (&document[0]["ref"], &document[0]["broken"]),
                (&beginning.into(), &said.clone().into())
            );
            assert_eq!(document[1]["ref"], OTHER);
            // What is asked for there is said to be unreadable, and not to be absent.
            let export = home.command("helm-chart-export").args([REF]).run();
            export.fails(7).stderr_is(&format!("Error: cannot export {REF}: {said}\nhint: {hint}\n"));
            home.command("helm-chart-export").args(["-q", "-d", "out", OTHER]).run().prints("out/other\n");
            home.command("helm-chart-save")
                .args(["-q", "other", "localhost:5000/c/other:1"])
                .run()
                .succeeds();
            let verified = home.command("helm-chart-fsck").run();
            verified.fails(7).stderr_is(
                "Error: a place of the cache cannot be used\n\
                 hint: --repair leaves alone what the cache has not made: look at it, and take it away\n",
            );
            let found = format!("{below}: it is {what}, where a directory belongs\n");
            assert!(verified.stdout.contains(&found), "{verified}");
            // What a link leads to may be entries that somebody has moved elsewhere: what they need stays.
            let removed = home.command("helm-chart-remove").args([OTHER]).run();
            removed.prints("1: removed\n");
            let left = home.blobs().len();
            match what {
                "a symbolic link" => {
                    removed.stderr_is(&format!("Warning: nothing was collected: {said}\n"));
                    assert_eq!(left, 4);
                }
                _ => {
                    removed.warns_of_names_alone();
                    assert_eq!(left, 2);
                }
            }
        }
    }
}

/// Runs one of our commands for which the disk cannot read one directory.
fn broken(home: &Home, strace: &Path, directory: &str, args: &[&str]) -> Output {
    let program = home.executable(args[0]);
    let path = home.cache().join(directory);
    let inject =
        ["-f", "-qq", "-o", "strace.log", "-e", "trace=getdents64", "-e", "inject=getdents64:error=EIO"];
    home.program(strace).args(inject).args(["-P".into(), path, program]).args(&args[1..]).run()
}

#[test]
fn a_disk_that_cannot_read_it_is_told() {
    let Some(strace) = tool("strace") else { return };
    let home = home();
    let directory = "refs/localhost_5000/a/mychart/tags";
    let said = format!("cannot read $HOME/.helm/registry/{directory}: {}", errno::said("EIO"));
    let listed = broken(&home, &strace, directory, &["helm-chart-list", "-q"]);
    listed.stderr_is(&format!("Warning: {said}\n")).prints(&format!("{OTHER}\n"));
    let verified = broken(&home, &strace, directory, &["helm-chart-fsck"]);
    verified.fails(7);
    assert!(verified.stdout.contains(&said["cannot read $HOME/.helm/registry/".len()..]), "{verified}");
    let removed = broken(&home, &strace, directory, &["helm-chart-remove", OTHER]);
    removed.stderr_is(&format!("Warning: nothing was collected: {said}\n")).prints("1: removed\n");
    assert_eq!(home.blobs().len(), 4);
    home.command("helm-chart-export")
        .args(["-q", "-d", "out", REF])
        .run()
        .warns_of_names_alone()
        .prints("out/mychart\n");
}

#[test]
fn several_references_are_all_verified() {
    let home = home();
    let third = "localhost:5000/c/third:1";
    home.command("helm-chart-tag").args([REF, third]).run().succeeds();
    let absent = "localhost:5000/absent:1";
    let verify = |args: &[&str]| home.command("helm-chart-fsck").args(args).run();
    let not_there =
        format!("Error: cannot check {absent}: not in the cache\nhint: helm oci list shows what is there\n");
    let run = verify(&[absent, REF, OTHER]);
    run.fails(3).stderr_is(&not_there);
    assert!(run.stdout.starts_with("2 references, 4 blobs, "), "{run}");
    assert!(run.stdout.ends_with(": all is well\n"), "{run}");
    // The first failure's code, in the order of the references; each is told.
    home.damage(&home.blob(REF, "content"));
    let content = home.linked(REF, "content");
    let damaged = "Error: 2 of 3 references are damaged\n\
                   hint: --repair fetches them again; or pull or save them again, or remove them\n";
    let told = format!("{REF}: blob {content} is damaged\n{third}: blob {content} is damaged\n");
    for (args, code, stderr) in [
        ([REF, absent, third, OTHER], 7, format!("{damaged}{not_there}")),
        ([absent, OTHER, REF, third], 3, format!("{not_there}{damaged}")),
        ([OTHER, absent, REF, third], 3, format!("{not_there}{damaged}")),
    ] {
        let run = verify(&args);
        run.fails(code).stderr_is(&stderr);
        assert!(run.stdout.starts_with(&format!("{told}3 references, ")), "{run}");
        verify(&["-q", args[0], args[1], args[2], args[3]])
            .fails(code)
            .stdout_is(&format!("{REF}\n{third}\n"));
    }
    // One that cannot be read is one of them.
    fs::remove_file(home.entry(OTHER).join("meta")).unwrap();
    let run = verify(&[OTHER, absent, REF]);
    run.fails(7);
    assert!(
        run.stdout.contains(&format!("{OTHER}: the entry is broken: its link `meta` is missing\n")),
        "{run}"
    );
    assert!(run.stdout.contains(&format!("{REF}: blob {content} is damaged\n")), "{run}");
    // No sense is made of a reference without a tag, whatever stands beside it.
    verify(&[REF, "localhost:5000/a"]).fails(2).stdout_is("");
    // Two ways to be absent: not there, and another than asked for.
    let digest = format!("{REF}@sha256:{}", "0".repeat(64));
    verify(&[&digest, absent]).fails(5).stdout_is("");
}
