//! `helm-chart-prune`: what was not used for long, or is too much, and nothing that is nowhere else.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::common::{EmbeddedRegistry, Home, Output, files, note, snapshot, tool, write_chart};

const DAY: u64 = 24 * 60 * 60;

/// A home with charts of 4 KiB and more in an embedded registry, all pushed. `name` is `repository:tag`.
struct Shelf {
    home: Home,
    registry: EmbeddedRegistry,
}

impl Shelf {
    fn new(names: &[&str]) -> Self {
        let home = Home::new();
        let registry = EmbeddedRegistry::start(&home, []);
        let shelf = Self { home, registry };
        for name in names {
            shelf.save(name);
            shelf.run("helm-chart-push", &["-q", &shelf.reference(name)]).succeeds();
        }
        shelf
    }

    fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.address())
    }

    fn save(&self, name: &str) {
        let (repository, version) = name.split_once(':').unwrap();
        let chart = repository.rsplit('/').next().unwrap();
        let yaml = format!("apiVersion: v2\nname: {chart}\nversion: {version}\n");
        // What does not compress.
        let noise: String = (0_u64..200)
            .map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ name.len() as u64) + name)
            .collect();
        write_chart(
            &self.home.path().join(chart),
            &[("Chart.yaml", &yaml), ("values.yaml", &format!("a: {noise}\n"))],
        );
        self.run("helm-chart-save", &["-q", chart, &self.reference(name)]).succeeds();
    }

    fn run(&self, command: &str, args: &[&str]) -> Output {
        self.home.command(command).args(args).run()
    }

    fn prune(&self, args: &[&str]) -> Output {
        self.run("helm-chart-prune", args)
    }

    fn unused(&self, name: &str, days: u64) {
        self.home.unused(&self.reference(name), days * DAY);
    }

    /// What is left, without the host.
    fn left(&self) -> Vec<String> {
        let listed = self.run("helm-chart-list", &["-o", "json"]);
        let listed: Vec<Value> = serde_json::from_str(&listed.succeeds().stdout).unwrap();
        let host = self.reference("");
        listed.iter().map(|row| row["ref"].as_str().unwrap().replace(&host, "")).collect()
    }

    fn bytes(&self) -> u64 {
        let blobs = fs::read_dir(self.home.cache().join("blobs/sha256")).unwrap();
        blobs.map(|blob| blob.unwrap().metadata().unwrap().len()).sum()
    }
}

#[test]
fn what_was_not_used_for_long_goes_and_what_only_it_needed() {
    let shelf = Shelf::new(&["a:1.0.0", "a:1.1.0", "b:1.0.0"]);
    shelf.unused("a:1.0.0", 40);
    shelf.unused("b:1.0.0", 20);
    let before = snapshot(&shelf.home.cache());
    let bytes = shelf.bytes();
    let dry = shelf.prune(&["--older-than", "30d", "--dry-run"]);
    let lines: Vec<_> = dry.succeeds().stderr_is("").stdout.lines().collect();
    assert_eq!(snapshot(&shelf.home.cache()), before);
    let pruned = shelf.prune(&["--older-than", "30d", "-f"]);
    let reclaimed = oci::cli::bytes(bytes - shelf.bytes());
    let reference = shelf.reference("a:1.0.0");
    pruned.stderr_is("").prints(&format!(
        "{reference}: removed ({reclaimed}, last used 5 weeks ago)\nTotal reclaimed space: {reclaimed}\n"
    ));
    assert_eq!(
        lines,
        [
            format!("{reference}: would be removed ({reclaimed}, last used 5 weeks ago)"),
            format!("Total space that would be reclaimed: {reclaimed}")
        ]
    );
    assert_eq!(shelf.left(), ["a:1.1.0", "b:1.0.0"]);
    shelf.run("helm-chart-fsck", &[]).succeeds();
    // With nothing left to do, it is done.
    shelf.prune(&["--older-than", "30d", "-f"]).stderr_is("").prints("Total reclaimed space: 0 B\n");
}

#[test]
fn what_is_nowhere_else_stays_until_it_is_asked_for() {
    let shelf = Shelf::new(&["a:1.0.0"]);
    shelf.save("mine:1.0.0");
    let hint = "hint: 1 chart that was never pushed or pulled stays: --unpushed removes them, too\n";
    shelf.prune(&["--all", "-f", "-q"]).stderr_is(hint).succeeds();
    assert_eq!(shelf.left(), ["mine:1.0.0"]);
    shelf
        .prune(&["--all", "-f", "-q", "--unpushed"])
        .stderr_is("")
        .prints(&format!("{}\n", shelf.reference("mine:1.0.0")));
    assert_eq!(shelf.left(), [""; 0]);
    assert_eq!(shelf.bytes(), 0);
    // A chart that was pulled is somewhere.
    shelf.run("helm-chart-pull", &["-q", &shelf.reference("a:1.0.0")]).succeeds();
    let pruned = shelf.prune(&["--all", "-f", "-q"]);
    assert!(
        pruned
            .stderr_is("")
            .succeeds()
            .stdout
            .starts_with(&format!("{}@sha256:", shelf.reference("a:1.0.0")))
    );
}

#[test]
fn the_least_recently_used_go_until_the_cache_is_small_enough() {
    let names = ["a:1.0.0", "b:1.0.0", "c:1.0.0", "d:1.0.0"];
    let shelf = Shelf::new(&names);
    for (name, days) in [("c:1.0.0", 4), ("a:1.0.0", 3), ("d:1.0.0", 2)] {
        shelf.unused(name, days);
    }
    let half = (shelf.bytes() / 2 + 50).to_string();
    let pruned = shelf.prune(&["--max-size", &half, "-f", "-o", "json"]);
    let document: Value = serde_json::from_str(&pruned.stderr_is("").succeeds().stdout).unwrap();
    assert_eq!(shelf.left(), ["b:1.0.0", "d:1.0.0"]);
    assert_eq!((&document["dryRun"], &document["kept"]), (&Value::Bool(false), &2.into()));
    let rows = document["removed"].as_array().unwrap();
    let refs: Vec<_> = rows.iter().map(|row| row["ref"].as_str().unwrap().to_owned()).collect();
    assert_eq!(refs, [shelf.reference("c:1.0.0"), shelf.reference("a:1.0.0")]);
    assert!(
        rows.iter()
            .all(|row| row["reason"] == "size" && row["digest"].as_str().unwrap().starts_with("sha256:"))
    );
    let sizes: u64 = rows.iter().map(|row| row["size"].as_u64().unwrap()).sum();
    assert_eq!(document["reclaimed"], sizes);
    // What may not go is told of.
    shelf.save("mine:1.0.0");
    let pruned = shelf.prune(&["--max-size", "1", "-f"]);
    assert_eq!(shelf.left(), ["mine:1.0.0"]);
    assert!(pruned.succeeds().stderr.starts_with("Warning: the cache has "), "{pruned}");
    assert!(pruned.stderr.contains(", more than 1 B: what is left may not go\nhint: 1 chart"), "{pruned}");
}

#[test]
fn keep_and_ref_say_what_may_go() {
    let names = ["a:1.0.0", "a:1.1.0", "a:1.2.0", "b/c:1.0.0", "b/c:1.1.0"];
    let shelf = Shelf::new(&names);
    for (days, name) in [(5, "a:1.2.0"), (4, "a:1.1.0"), (3, "a:1.0.0"), (2, "b/c:1.1.0"), (1, "b/c:1.0.0")] {
        shelf.unused(name, days * 10);
    }
    let would = |args: &[&str]| {
        let dry = shelf.prune(&[&["--dry-run", "-o", "json"], args].concat());
        let document: Value = serde_json::from_str(&dry.succeeds().stdout).unwrap();
        let host = shelf.reference("");
        let rows = document["removed"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| {
                format!(
                    "{} {}",
                    row["ref"].as_str().unwrap().replace(&host, ""),
                    row["reason"].as_str().unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(would(&["--keep", "1"]), ["a:1.2.0 number", "a:1.1.0 number", "b/c:1.1.0 number"]);
    assert_eq!(would(&["--keep", "1", "--ref", "*/a:*"]), ["a:1.2.0 number", "a:1.1.0 number"]);
    assert_eq!(would(&["--ref", "*/b/*"]), ["b/c:1.1.0 asked", "b/c:1.0.0 asked"]);
    assert_eq!(would(&["--ref", &format!("oci://{}", shelf.reference("a:1.?.0"))]).len(), 3);
    assert_eq!(would(&["--older-than", "25d", "--keep", "1"]), ["a:1.2.0 age", "a:1.1.0 age"]);
    assert_eq!(would(&["--older-than", "45d", "--max-size", "1"]).len(), 5);
    assert_eq!(would(&["--older-than", "45d", "--max-size", "1"])[..2], ["a:1.2.0 age", "a:1.1.0 size"]);
    assert_eq!(would(&["--all"]).len(), 5);
}

#[test]
fn a_row_has_the_size_of_what_it_alone_holds() {
    let shelf = Shelf::new(&["a:1.0.0"]);
    let (one, other) = (shelf.reference("a:1.0.0"), shelf.reference("b:1.0.0"));
    shelf.run("helm-chart-tag", &[&one, &other]).succeeds();
    shelf.unused("a:1.0.0", 9);
    let bytes = shelf.bytes();
    let pruned = shelf.prune(&["--older-than", "1d", "-f"]);
    pruned.prints(&format!("{one}: removed (0 B, last used 9 days ago)\nTotal reclaimed space: 0 B\n"));
    assert_eq!(shelf.bytes(), bytes);
    shelf.run("helm-chart-export", &["-d", "out", &other]).succeeds();
    // A blob that no reference needs, and what a killed command has left, go as well.
    shelf.home.write(".helm/registry/blobs/sha256/".to_owned() + &"0".repeat(64), "x".repeat(100));
    shelf.home.write(".helm/registry/tmp/blob-1-2-3", "x");
    shelf.prune(&["--older-than", "1d", "--dry-run"]).prints("Total space that would be reclaimed: 100 B\n");
    shelf.prune(&["--older-than", "1d", "-f"]).prints("Total reclaimed space: 100 B\n");
    assert_eq!(shelf.home.directory(".helm/registry/tmp").read_dir().unwrap().count(), 0);
}

#[test]
fn a_use_is_noted_once_a_day_and_never_by_looking() {
    let shelf = Shelf::new(&["a:1.0.0"]);
    let (home, reference) = (&shelf.home, shelf.reference("a:1.0.0"));
    let other = shelf.reference("other:1.0.0");
    let url = format!("chart-cache://{reference}");
    let uses: [(&str, &[&str]); 5] = [
        ("helm-chart-pull", &[&reference]),
        ("helm-chart-push", &[&reference]),
        ("helm-chart-export", &["-f", "-d", "out", &reference]),
        ("helm-chart-get", &["", "", "", &url]),
        ("helm-chart-tag", &[&reference, &other]),
    ];
    let created = || fs::metadata(home.entry(&reference)).unwrap().modified().unwrap();
    let since = created();
    for (command, args) in uses {
        home.unused(&reference, 2 * DAY);
        let then = home.used(&reference);
        shelf.run(command, args).succeeds();
        assert!(home.used(&reference) > then, "{command}");
        home.unused(&reference, DAY - 60);
        let then = home.used(&reference);
        shelf.run(command, args).succeeds();
        assert_eq!(home.used(&reference), then, "{command} within a day");
    }
    home.unused(&reference, 2 * DAY);
    let then = home.used(&reference);
    for (command, args) in [
        ("helm-chart-list", &[][..]),
        ("helm-chart-list", &["-o", "json"]),
        ("helm-chart-fsck", &[]),
        ("helm-chart-fsck", &["--repair"]),
        ("helm-oci", &["__complete", "export", ""]),
        ("helm-chart-prune", &["--older-than", "3d", "--dry-run"]),
        ("helm-chart-prune", &["--older-than", "3d", "-f"]),
    ] {
        shelf.run(command, args).succeeds();
        assert_eq!(home.used(&reference), then, "{command} {args:?}");
    }
    assert_eq!(created(), since);
}

#[test]
fn the_limit_of_the_environment_holds_by_itself() {
    let mut shelf = Shelf::new(&["a:1.0.0", "b:1.0.0"]);
    shelf.unused("a:1.0.0", 3);
    shelf.unused("b:1.0.0", 2);
    shelf.save("mine:1.0.0");
    let limit = shelf.bytes().to_string();
    shelf.home.set("HELM_OCI_CACHE_MAX_SIZE", &limit);
    // At its limit, nothing goes.
    shelf.run("helm-chart-push", &["-q", &shelf.reference("b:1.0.0")]).stderr_is("").succeeds();
    assert_eq!(shelf.left(), ["a:1.0.0", "b:1.0.0", "mine:1.0.0"]);
    shelf.unused("b:1.0.0", 2);
    shelf.save("more:1.0.0");
    assert_eq!(shelf.left(), ["b:1.0.0", "mine:1.0.0", "more:1.0.0"]);
    // Whatever the limit, what a command is about stays, and so does what is nowhere else.
    shelf.home.set("HELM_OCI_CACHE_MAX_SIZE", "1");
    shelf.run("helm-chart-pull", &["-q", &shelf.reference("a:1.0.0")]).stderr_is("").succeeds();
    assert_eq!(shelf.left(), ["a:1.0.0", "mine:1.0.0", "more:1.0.0"]);
    shelf.home.set("HELM_OCI_CACHE_MAX_SIZE", "much");
    shelf.run("helm-chart-pull", &["-q", &shelf.reference("a:1.0.0")]).succeeds().stderr_is(
        "Warning: HELM_OCI_CACHE_MAX_SIZE is ignored: `much` is no size: expected for example 500MiB or 2GiB\n",
    );
}

#[test]
fn broken_entries_stay_and_one_that_nobody_can_follow_keeps_everything() {
    let shelf = Shelf::new(&["a:1.0.0", "b:1.0.0", "c:1.0.0"]);
    let entry = shelf.home.entry(&shelf.reference("a:1.0.0"));
    fs::remove_file(entry.join("meta")).unwrap();
    let kept = shelf.home.blob(&shelf.reference("a:1.0.0"), "content");
    // A blob that is missing has no size, and is no reason to keep what needs it.
    fs::remove_file(shelf.home.blob(&shelf.reference("c:1.0.0"), "content")).unwrap();
    let pruned = shelf.prune(&["--all", "-f", "-q"]);
    assert_eq!(pruned.succeeds().stdout.lines().count(), 2, "{pruned}");
    assert!(pruned.stderr.contains("a:1.0.0 stays: the cache entry "), "{pruned}");
    assert!(kept.exists());
    shelf.save("d:1.0.0");
    let tags = shelf.home.entry(&shelf.reference("a:1.0.0"));
    fs::remove_file(&tags).unwrap();
    std::os::unix::fs::symlink("/etc", &tags).unwrap();
    let before = snapshot(&shelf.home.cache());
    let pruned = shelf.prune(&["--all", "-f", "--unpushed"]);
    pruned.fails(7).stdout_is("");
    assert!(pruned.stderr.starts_with("Error: cannot prune the cache: the cache entry "), "{pruned}");
    assert_eq!(snapshot(&shelf.home.cache()), before);
}

#[test]
fn wrong_calls_remove_nothing() {
    let shelf = Shelf::new(&["a:1.0.0"]);
    let before = snapshot(&shelf.home.cache());
    for (args, message) in [
        (
            &["-f"][..],
            "nothing says what to remove: expected --older-than, --max-size, --keep, --ref or --all\n",
        ),
        (&["--all", "--keep", "1", "-f"], "--all removes everything, and another flag says otherwise\n"),
        (
            &["--all"],
            "there is no terminal to ask whether to remove anything\nhint: -f removes it without a question, \
             --dry-run tells what that would be\n",
        ),
        (
            &["--all", "-f", "-q", "-o", "json"],
            "-q and -o are two ways to print a result, and only one can be had\n",
        ),
    ] {
        shelf.prune(args).fails(2).stdout_is("").stderr_is(&format!("Error: {message}"));
    }
    for args in [["--older-than", "soon"], ["--max-size", "much"], ["--keep", "-1"]] {
        shelf.prune(&args).fails(2);
    }
    assert_eq!(snapshot(&shelf.home.cache()), before);
    // Where there is no cache there is nothing to do, and none is made.
    let home = Home::new();
    home.command("helm-chart-prune").args(["--all", "-f"]).run().prints("Total reclaimed space: 0 B\n");
    assert!(!home.cache().exists());
}

#[test]
fn a_terminal_is_asked_first() {
    let Some(script) = tool("script") else { return };
    let shelf = Shelf::new(&["a:1.0.0"]);
    let prune = shelf.home.executable("helm-chart-prune");
    let ask = |answer: &str| {
        let command = format!("{} --all", prune.display());
        let args = ["-q", "-e", "-c", &command, "/dev/null"];
        shelf.home.program(&script).args(args).stdin(answer).run()
    };
    for answer in ["n\n", "\n", "\u{4}"] {
        let asked = ask(answer);
        asked.fails(1);
        assert!(
            asked.stdout.contains("Remove this chart (") && asked.stdout.contains(")? [y/N] "),
            "{asked}"
        );
        assert!(asked.stdout.contains("nothing was removed"), "{asked}");
        assert_eq!(shelf.left(), ["a:1.0.0"]);
    }
    assert!(ask("y\n").succeeds().stdout.contains(": removed ("));
    assert_eq!(shelf.left(), [""; 0]);
}

#[test]
fn a_cache_that_cannot_be_written_is_looked_at_and_no_more() {
    let shelf = Shelf::new(&["a:1.0.0"]);
    shelf.unused("a:1.0.0", 3);
    let before = snapshot(&shelf.home.cache());
    let unshare = Command::new("unshare").args(["-rm", "true"]).stderr(Stdio::null()).status();
    if !unshare.is_ok_and(|status| status.success()) {
        return note("nothing can be mounted here, so no cache is read-only");
    }
    let script =
        "mount --bind \"$HELM_HOME\" \"$HELM_HOME\" && mount -o remount,bind,ro \"$HELM_HOME\" || exit 99
        helm-chart-prune --all --dry-run -q && helm-chart-export -q -d out $0; helm-chart-prune --all -f";
    let reference = shelf.reference("a:1.0.0");
    let output = shelf.home.program("unshare").args(["-rm", "/bin/sh", "-c", script, &reference]).run();
    if output.code == Some(99) {
        return note("nothing can be mounted here, so no cache is read-only");
    }
    // That the use could not be noted is no failure.
    output.fails(1).stderr_is(
        "Error: cannot prune the cache: cannot lock $HOME/.helm/registry/gate: Read-only file system\n",
    );
    assert!(output.stdout.ends_with("\nout/a\n"), "{output}");
    assert_eq!(snapshot(&shelf.home.cache()), before);
}

#[test]
fn others_that_keep_the_lock_are_waited_for_as_long_as_was_said() {
    let shelf = Shelf::new(&["a:1.0.0"]);
    let lock = fs::File::open(shelf.home.cache().join("lock")).unwrap();
    lock.lock_shared().unwrap();
    let pruned = shelf.prune(&["--all", "-f", "--wait", "100ms"]);
    pruned.fails(1).stdout_is("").stderr_is(
        "Error: cannot prune the cache: other processes have used it all the time, for 100ms\n\
         hint: --wait takes a longer time\n",
    );
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| shelf.prune(&["--all", "-f", "-q", "--wait", "1m"]));
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert!(!waiting.is_finished());
        drop(lock);
        waiting.join().unwrap().succeeds();
    });
    assert_eq!(shelf.left(), [""; 0]);
}

/// A loop of prune beside many that read and write: what is whole stays so, and what may not go does not.
#[test]
fn a_loop_of_prune_beside_readers_loses_nothing() {
    const READERS: usize = 32;
    let shelf = Shelf::new(&["a:1.0.0", "b:1.0.0"]);
    shelf.save("mine:1.0.0");
    let mine = shelf.reference("mine:1.0.0");
    let expected = ["a", "b", "mine"].map(|chart| files(&shelf.home.path().join(chart)));
    let done = AtomicBool::new(false);
    let pruned = std::thread::scope(|scope| {
        let pruner = scope.spawn(|| {
            let mut pruned = 0;
            while !done.load(Ordering::Relaxed) {
                pruned += shelf.prune(&["--all", "-f", "-q"]).succeeds().stdout.lines().count();
            }
            pruned
        });
        let read = |reader: usize| {
            for round in 0..4 {
                let directory = format!("out/{reader}-{round}");
                let kept = format!("{directory}/kept");
                shelf.run("helm-chart-export", &["-q", "-d", &kept, &mine]).succeeds();
                assert_eq!(files(&shelf.home.path().join(&kept).join("mine")), expected[2]);
                let number = reader % 2;
                let name = ["a", "b"][number];
                let reference = shelf.reference(&format!("{name}:1.0.0"));
                // It may go between its arrival and its export, which pulls it once more then; and once more in vain.
                let pull = ["-q", "--untar", "-d", &directory, &reference];
                let args = if round % 2 == 0 { &pull[..] } else { &["-q", "-d", &directory, &reference] };
                let output = shelf.run(["helm-chart-pull", "helm-chart-export"][round % 2], args);
                match output.code {
                    Some(0) => {
                        assert_eq!(files(&shelf.home.path().join(&directory).join(name)), expected[number]);
                    }
                    _ => assert!(output.fails(3).stderr.contains("not in the cache"), "{output}"),
                }
            }
        };
        let readers: Vec<_> = (0..READERS).map(|reader| scope.spawn(move || read(reader))).collect();
        let ended: Vec<_> = readers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        ended.into_iter().for_each(|ended| ended.unwrap());
        pruner.join().unwrap()
    });
    assert!(pruned > 2, "prune has met {pruned} charts");
    shelf.run("helm-chart-fsck", &[]).succeeds();
    assert!(shelf.left().contains(&"mine:1.0.0".to_owned()));
}
