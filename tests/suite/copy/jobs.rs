//! Large jobs: shares, journals, deadlines, and many writers at once.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use oci::digest::Digest;
use oci::media_type::MANIFEST;

use crate::attached::carried::{TAG, pushed, source};
use crate::attached::world::{SBOM, There};
use crate::common::counter::Counter;
use crate::common::{DockerRegistry, EmbeddedRegistry, Home};

/// A chart in so many repositories of a registry, with another SBOM in each. Returns the digests of these, sorted.
fn spread(address: &str, count: usize) -> (Vec<u8>, Vec<String>) {
    let first = source(address);
    let (_, chart) = pushed(&first);
    let mut sboms = Vec::new();
    for number in 0..count {
        let there = There::new(address, &format!("src{number}/mychart"));
        for blob in oci::graph::Node::parse(&chart, MANIFEST).unwrap().blobs {
            there.mount(&blob.digest.to_string(), "src/mychart");
        }
        there.put(TAG, MANIFEST, &chart);
        let sbom = there.attach(&chart, SBOM, &format!("sbom {number}"));
        sboms.push(Digest::of(&sbom).to_string());
    }
    sboms.sort();
    (chart, sboms)
}

#[test]
fn many_copies_onto_one_subject_lose_nothing() {
    const COUNT: usize = 12;
    let Some(docker) = DockerRegistry::start() else { return };
    let home = Home::new();
    let from = EmbeddedRegistry::start(&home, []);
    let (chart, sboms) = spread(from.address(), COUNT);
    let home = Home::new();
    // In one process, each under another tag.
    let line = |number| {
        let (from, to) = (from.address(), docker.address());
        format!("{from}/src{number}/mychart:{TAG} {to}/one/mychart:t{number}\n")
    };
    let list: String = (0..COUNT).map(line).collect();
    let run =
        home.command("helm-chart-copy").args(["-f", "-", "--concurrency", "12", "-q"]).stdin(list).run();
    assert_eq!(run.succeeds().stdout.lines().count(), COUNT, "{run}");
    assert_eq!(There::new(docker.address(), "one/mychart").found(&Digest::of(&chart)), sboms);
    // In as many processes, all under the same tag.
    let copies: Vec<_> = (0..COUNT)
        .map(|number| {
            let source = format!("{}/src{number}/mychart:{TAG}", from.address());
            let target = format!("{}/many/mychart", docker.address());
            let mut command = home.command("helm-chart-copy").args(["-q", &source, &target]).prepared();
            command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut copy in copies {
        assert!(copy.wait().unwrap().success());
    }
    assert_eq!(There::new(docker.address(), "many/mychart").found(&Digest::of(&chart)), sboms);
}

#[test]
fn shares_make_together_what_one_run_makes() {
    const COUNT: usize = 8;
    let home = Home::new();
    let from = EmbeddedRegistry::start(&home, []);
    spread(from.address(), COUNT);
    let home = Home::new();
    let list: String = (0..COUNT).map(|n| format!("{}/src{n}/mychart:{TAG}\n", from.address())).collect();
    let copy = |prefix: &str, args: &[&str]| {
        let to = format!("oci://{}/{prefix}", from.address());
        let command = home.command("helm-chart-copy").args(["-q", "-f", "-", "--to", &to]);
        let run = command.args(args).stdin(list.clone()).run();
        run.succeeds().stdout.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut all: Vec<_> = (1..=4).flat_map(|n| copy("shares", &["--shard", &format!("{n}/4")])).collect();
    assert_eq!(all.len(), COUNT, "{all:?}");
    all.sort();
    let whole: BTreeSet<_> = copy("shares", &[]).into_iter().collect();
    assert_eq!(all, whole.into_iter().collect::<Vec<_>>());
    home.command("helm-chart-copy").args(["--shard", "5/4", "-f", "-"]).run().fails(2);
}

#[test]
fn a_journal_goes_on_where_a_run_has_ended() {
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, []);
    spread(registry.address(), 3);
    let way = Counter::start(registry.address());
    let home = Home::new();
    let line = |n: usize| format!("{0}/src{n}/mychart:{TAG} {0}/dst{n}/mychart\n", way.host());
    let copy = |lines: &[usize], args: &[&str]| {
        let list: String = lines.iter().map(|n| line(*n)).collect();
        let command = home.command("helm-chart-copy").args(["-q", "-f", "-", "--journal", "journal"]);
        let run = command.args(args).stdin(list).run();
        (run.succeeds().stdout.lines().count(), way.take().0.len())
    };
    // Nothing is noted that was not done.
    let mut command =
        home.command("helm-chart-copy").args(["-f", "-", "--journal", "journal", "--until", "1ns"]);
    command = command.stdin(line(0));
    let run = command.run();
    run.fails(1).stderr_is("Error: the time was up before 1 of 1 charts were begun\n");
    assert_eq!(copy(&[0, 1], &[]).0, 2);
    assert_eq!(copy(&[0, 1], &[]), (0, 0));
    // A line that was not finished counts as none.
    let path = home.path().join("journal");
    let journal = fs::read_to_string(&path).unwrap();
    assert_eq!(journal.lines().count(), 2);
    let second = journal.find('\n').unwrap() + 1;
    fs::write(&path, &journal[..second + 20]).unwrap();
    assert_eq!(copy(&[0, 1, 2], &[]).0, 2);
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 3);
    assert_eq!(copy(&[0, 1, 2], &["--recheck"]).0, 3);
    // What is none stays as it is, whether or not its last line is ended.
    for other in ["something else\n", "something else", "{\"a\": 1}", &"x".repeat(100_000)] {
        fs::write(&path, other).unwrap();
        let run = home.command("helm-chart-copy").args(["-f", "-", "--journal", "journal"]);
        run.stdin(line(0)).run().fails(2);
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    let run =
        home.command("helm-chart-copy").args(["-f", "-", "--journal", "/dev/full"]).stdin(line(0)).run();
    run.fails(2).stderr_is("Error: /dev/full is no file to keep a journal in\n");
    // Half of a line may be as short as nothing.
    for half in ["", "{", "{\"from\":\"loc"] {
        fs::write(&path, half).unwrap();
        assert_eq!(copy(&[0], &[]).0, 1, "{half}");
    }
}
