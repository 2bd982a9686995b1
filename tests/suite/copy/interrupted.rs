//! A copy that a signal ends: it says how far it is, ends by that signal, and another run goes on.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::lists::push_versions;
use crate::attached::world::There;
use crate::common::mock::{Action, Mock, on};
use crate::common::{EmbeddedRegistry, Home};

/// Three charts, and a fourth whose registry says nothing.
struct Job {
    home: Home,
    silent: Mock,
    from: EmbeddedRegistry,
    _data: Home,
}

impl Job {
    fn new() -> Self {
        let data = Home::new();
        let from = EmbeddedRegistry::start(&data, []);
        push_versions(from.address(), &["1.0.0", "1.1.0", "1.2.0", "1.3.0"].map(str::to_owned));
        let silent = Mock::serve(|request| on(&request.line).then(Action::Hang));
        Self { home: Home::new(), silent, from, _data: data }
    }

    /// A list, of which the last line may come from a registry that says nothing.
    fn list(&self, last: &str) -> String {
        let address = self.from.address();
        let line = |version: &str| format!("{address}/src/mychart:{version} {address}/dst/mychart\n");
        let last = format!("{last}/src/mychart:1.3.0 {address}/dst/mychart\n");
        ["1.0.0", "1.1.0", "1.2.0"].map(line).concat() + &last
    }

    /// Starts a copy under these rules about signals, and waits until only the last chart is missing.
    fn started(&self, signals: &str, args: &[&str]) -> Child {
        self.home.write("list", self.list(&self.silent.host()));
        let program = self.home.executable("helm-chart-copy");
        let mut command = self.home.program("/usr/bin/env").args([signals]).args([program]);
        command = command.args(["-q", "-f", "list", "--concurrency", "1"]).args(args);
        let mut command = command.prepared();
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let begun = Instant::now();
        while self.silent.requests().is_empty() {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is asked for");
            thread::sleep(Duration::from_millis(5));
        }
        child
    }

    fn there(&self) -> Vec<bool> {
        let there = There::new(self.from.address(), "dst/mychart");
        ["1.0.0", "1.1.0", "1.2.0", "1.3.0"].iter().map(|tag| there.get(tag).is_some()).collect()
    }
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_ends_it_with_a_word_and_the_next_run_goes_on() {
    for (name, number) in [("-INT", 2), ("-TERM", 15)] {
        let job = Job::new();
        let child = job.started("--default-signal=INT,TERM", &["--journal", "journal"]);
        signal(&child, name);
        let output = child.wait_with_output().unwrap();
        // What a shell shows as 130 and 143.
        assert_eq!(output.status.signal(), Some(number), "{output:?}");
        assert_eq!(
            String::from_utf8(output.stderr).unwrap(),
            "Error: interrupted: 3 of 4 charts were copied, and no tag stands for half of one\n\
             hint: the same command goes on behind what journal has\n"
        );
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 3);
        assert_eq!(job.there(), [true, true, true, false]);
        let journal = fs::read_to_string(job.home.path().join("journal")).unwrap();
        assert_eq!(journal.lines().count(), 3);
        let command = job.home.command("helm-chart-copy").args(["-q", "-f", "-", "--journal", "journal"]);
        let run = command.stdin(job.list(job.from.address())).run();
        assert_eq!(run.succeeds().stdout.lines().count(), 1, "{run}");
        assert_eq!(job.there(), [true; 4]);
    }
}

#[test]
fn without_a_journal_it_goes_on_as_well() {
    let job = Job::new();
    let child = job.started("--default-signal=INT,TERM", &["-o", "table"]);
    signal(&child, "-TERM");
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "Error: interrupted: 3 of 4 charts were copied, and no tag stands for half of one\n\
         hint: the same command goes on: what is there is not sent again\n"
    );
    let run = job.home.command("helm-chart-copy").args(["-o", "jsonl", "-f", "-"]);
    let run = run.stdin(job.list(job.from.address())).run();
    let count = |word: &str| run.stdout.matches(&format!("\"status\":\"{word}\"")).count();
    assert_eq!((count("current"), count("copied")), (3, 1), "{run}");
}

#[test]
fn a_look_that_is_interrupted_promises_nothing() {
    let job = Job::new();
    let child = job.started("--default-signal=INT,TERM", &["--dry-run"]);
    signal(&child, "-INT");
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, "Error: interrupted: 3 of 4 charts were looked at\n");
    assert_eq!(job.there(), [false; 4]);
}

/// A job that a shell has put in the background goes on when the one in the foreground is interrupted.
#[test]
fn a_signal_that_is_ignored_stays_so() {
    let job = Job::new();
    let child = job.started("--ignore-signal=INT", &[]);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        u64::from_str_radix(line.trim(), 16).unwrap()
    };
    let (interrupt, terminate) = (1 << 1, 1 << 14);
    assert_eq!(mask("SigIgn:") & (interrupt | terminate), interrupt);
    assert_eq!(mask("SigCgt:") & (interrupt | terminate), terminate);
    signal(&child, "-INT");
    signal(&child, "-TERM");
    assert_eq!(child.wait_with_output().unwrap().status.signal(), Some(15));
}
