//! How often the system is asked. A figure, and no time: it is the same on every machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use oci::cache::{Cache, CacheEntry, CacheError, CacheFault};
use oci::digest::Digest;
use oci::reference::Reference;

use crate::common::{EmbeddedRegistry, Home, tool, write_chart};

const REF: &str = "localhost:5000/a/mychart:1";

fn home() -> Home {
    let home = Home::new();
    let yaml = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";
    write_chart(&home.path().join("mychart"), &[("Chart.yaml", yaml), ("values.yaml", "a: 1\n")]);
    home.command("helm-chart-save").args(["mychart", REF]).run().succeeds().warns_of_names_alone();
    home
}

/// Gives the chart so many more tags, as the cache writes them.
fn name_often(home: &Home, more: usize) {
    let entry = home.entry(REF);
    let links: Vec<_> = fs::read_dir(&entry)
        .unwrap()
        .map(|link| link.unwrap())
        .map(|link| (link.file_name(), fs::read_link(link.path()).unwrap()))
        .collect();
    for number in 0..more {
        let directory = format!(".t{number}.1-{number:x}-2");
        fs::create_dir(entry.with_file_name(&directory)).unwrap();
        for (name, text) in &links {
            symlink(text, entry.with_file_name(&directory).join(name)).unwrap();
        }
        symlink(&directory, entry.with_file_name(format!("t{number}"))).unwrap();
    }
}

/// The system calls of a command, with their arguments.
fn calls(home: &Home, strace: &Path, args: &[&str]) -> Vec<String> {
    let program = home.executable(args[0]);
    let options = ["-f", "-qq", "-y", "-s", "4096", "-o", "strace.log"];
    home.program(strace).args(options).args([&program]).args(&args[1..]).run().succeeds();
    let log = fs::read_to_string(home.path().join("strace.log")).unwrap();
    log.lines().filter_map(|line| Some(line.split_once(' ')?.1.trim_start().to_owned())).collect()
}

fn count(calls: &[String], call: &str, with: &str) -> usize {
    calls.iter().filter(|line| line.starts_with(&format!("{call}(")) && line.contains(with)).count()
}

#[test]
fn verify_reads_each_blob_and_each_link_once_whatever_the_number_of_references() {
    let Some(strace) = tool("strace") else { return };
    let mut seen = Vec::new();
    for more in [0, 700] {
        let home = home();
        name_often(&home, more);
        let calls = calls(&home, &strace, &["helm-chart-fsck"]);
        let blobs: BTreeMap<_, _> = home
            .blobs()
            .into_iter()
            .map(|digest| {
                let hex = digest.strip_prefix("sha256:").unwrap().to_owned();
                let opened = count(&calls, "openat", &format!("\"{hex}\""));
                let read = count(&calls, "pread64", &hex);
                (hex, (opened, read))
            })
            .collect();
        // Once to hash it, and once for all references to see that the parts are of one chart.
        assert!(blobs.values().all(|(opened, _)| *opened == 2), "{blobs:?}");
        seen.push(blobs);
        let references = more + 1;
        // The link of the entry, before and after; and those in it.
        assert_eq!(count(&calls, "readlinkat", ""), references * (2 + 4));
        assert!(calls.len() < 13 * references + 400, "{} calls", calls.len());
        // Nobody is kept out; and who removes something waits for a slice.
        assert_eq!(count(&calls, "flock", "LOCK_EX"), 0);
        assert!(
            count(&calls, "flock", "LOCK_SH") >= references / 256,
            "{}",
            count(&calls, "flock", "LOCK_SH")
        );
    }
    assert_eq!(seen[0], seen[1]);
}

#[test]
fn list_and_remove_read_each_link_once() {
    let Some(strace) = tool("strace") else { return };
    let home = home();
    name_often(&home, 300);
    let listed = calls(&home, &strace, &["helm-chart-list"]);
    assert_eq!(count(&listed, "readlinkat", ""), 301 * (2 + 4));
    let removed = calls(&home, &strace, &["helm-chart-remove", REF]);
    assert!(count(&removed, "readlinkat", "") <= 300 * (1 + 4) + 3);
    // A directory is opened once for what is in it.
    assert_eq!(count(&listed, "openat", "/refs/localhost_5000/a/mychart/tags>, \"."), 301);
    assert!(count(&listed, "openat", "") < 301 + 40);
}

/// A blob that is there already may have been put there by a process that died before its directory was synced.
#[test]
fn the_directory_of_a_blob_is_synced_though_it_was_there() {
    let Some(strace) = tool("strace") else { return };
    let home = home();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let [one, two] = ["one", "two"].map(|name| format!("{}/{name}/mychart:1", registry.address()));
    for reference in [&one, &two] {
        home.command("helm-chart-save").args(["mychart", reference]).run().succeeds();
    }
    // Manifest and config of the second are those of the first.
    home.command("helm-chart-push").args([&one]).run().succeeds();
    let before = home.blobs().len();
    for (args, what) in [
        (vec!["helm-chart-push", &two], "push"),
        (vec!["helm-chart-save", "mychart", &two], "save"),
        (vec!["helm-chart-tag", &two, "localhost:5000/b/mychart:1"], "tag"),
        (vec!["helm-chart-pull", &one], "pull"),
    ] {
        if what == "pull" {
            // Its blobs are another entry's as well.
            home.command("helm-chart-remove").args([&one]).run().succeeds();
        }
        let calls = calls(&home, &strace, &args);
        let at = |call: &str, with: &str| {
            calls.iter().position(|line| line.starts_with(call) && line.contains(with)).unwrap_or(usize::MAX)
        };
        let synced = at("fsync(", "/blobs/sha256>");
        // Before the link that makes it count: that of the form, or of the entry.
        let named = at("renameat", ".link\"")
            .min(at("symlinkat(", "\"manifest\"") + 1_000_000 * usize::from(what != "push"));
        assert!(synced < named, "{what}: {calls:#?}");
        assert!(at("fsync(", "/charts/mychart/versions>") < named, "{what}: {calls:#?}");
        assert_eq!(home.blobs().len(), before, "{what}");
    }
}

/// The executables are too slow for this.
#[test]
fn what_comes_and_goes_meanwhile_is_neither_damaged_nor_needed_by_nobody() {
    let home = home();
    let cache = Cache::new(home.cache());
    let template = cache.find(&REF.parse().unwrap()).unwrap().entry;
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (cache, template, ended) = (&cache, &template, &ended);
            scope.spawn(move || {
                let reference: Reference = format!("localhost:5000/x{thread}:1").parse().unwrap();
                let mut number = 0;
                while !ended.load(Ordering::Relaxed) {
                    number += 1;
                    let text = format!("{thread} {number}");
                    let content = cache.stage(&Digest::of(text.as_bytes()), text.as_bytes()).unwrap();
                    let entry =
                        CacheEntry { content: content.digest().clone(), source: None, ..template.clone() };
                    cache.put(&reference, &entry, vec![content], oci::cache::PutAs::Whole).unwrap();
                    cache.remove(std::slice::from_ref(&reference)).unwrap();
                }
            });
        }
        let looked: Vec<_> = (0..200).map(|_| cache.check(&[])).collect();
        ended.store(true, Ordering::Relaxed);
        for checked in looked {
            let checked = checked.unwrap_or_else(|error: CacheError| panic!("{error}"));
            let wrong: Vec<_> =
                checked.problems.iter().filter(|p| !matches!(p.fault, CacheFault::LeftOver(_))).collect();
            assert!(wrong.is_empty(), "{wrong:?}");
        }
    });
}
