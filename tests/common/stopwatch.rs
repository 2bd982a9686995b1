//! How much memory a command takes, at most.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use oci::limits::MEMORY;

use super::{Home, Output};

/// The program that measures: a process's peak counts from before its exec, so a test cannot do that by itself.
fn stopwatch() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/benchmark/stopwatch.c");
        let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stopwatch");
        let built = Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(&source).status();
        assert!(built.is_ok_and(|status| status.success()), "a C compiler is needed to build this project");
        program
    })
}

/// Runs a command of ours, and says how many bytes of memory it had at once, at most.
pub fn measured(home: &Home, command: &str, args: &[&str]) -> (Output, usize) {
    run(home, "exec \"$@\"", command, args)
}

/// Runs a command of ours that may have 32 MiB of data, which is what it allocates, and the stacks of its threads; and it
/// has no more memory than that, with its code. A system that does not keep to that limit would let everything pass: see
/// `bombs::the_limit_is_one`.
#[track_caller]
pub fn bounded(home: &Home, command: &str, args: &[&str]) -> Output {
    let (output, peak) = run(home, "ulimit -d 32768; exec \"$@\"", command, args);
    assert!(peak as u64 <= MEMORY, "{} KiB of memory: {output}", peak >> 10);
    output
}

fn run(home: &Home, script: &str, command: &str, args: &[&str]) -> (Output, usize) {
    let report = home.path().join(".stopwatch");
    let program = home.executable(command);
    let words = ["-c", script, "sh"].map(AsRef::as_ref).into_iter();
    let words = words.chain([stopwatch().as_os_str(), report.as_os_str(), program.as_os_str()]);
    let mut output = home.program("/bin/sh").args(words.chain(args.iter().map(AsRef::as_ref))).run();
    output.succeeds();
    let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    fs::remove_file(home.path().join(".stopwatch")).unwrap();
    output.code = report["code"].as_i64().and_then(|code| i32::try_from(code).ok());
    (output, usize::try_from(report["memory"].as_u64().unwrap()).unwrap())
}
