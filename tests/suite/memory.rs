//! The memory of a command does not grow with the chart: everything streams.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{EmbeddedRegistry, Home};

const MIB: usize = 1 << 20;

/// The program that measures: a process's peak counts from before its exec, so a test cannot do that by itself.
fn stopwatch() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/benchmark/stopwatch.c");
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("stopwatch");
    let built = Command::new("cc").arg("-O2").arg("-o").arg(&program).arg(&source).status();
    assert!(built.is_ok_and(|status| status.success()), "a C compiler is needed to build this project");
    program
}

/// A chart of so many MiB, in files as large as Helm allows, of text that packs about as well as YAML does.
fn write_chart(directory: &Path, mebibytes: usize) {
    fs::create_dir_all(directory).unwrap();
    fs::write(directory.join("Chart.yaml"), "apiVersion: v2\nname: sized\nversion: 1.0.0\n").unwrap();
    let (mut state, mut block) = (2700_u64, String::new());
    while block.len() < 64 << 10 {
        // Knuth's multiplier for 64 bits.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        writeln!(block, "    key-{}: value-{:x}", state >> 56, state >> 32).unwrap();
    }
    // Deflate looks back 32 KiB, and so does not see that it comes again and again.
    let file = block.repeat(3 * MIB / block.len());
    for number in 0..mebibytes * MIB / file.len() {
        fs::write(directory.join(format!("{number:02}.yaml")), &file).unwrap();
    }
}

#[test]
fn no_command_needs_more_for_a_large_chart_than_for_a_small_one() {
    let stopwatch = stopwatch();
    let home = Home::new();
    let registry = EmbeddedRegistry::start(&home, ["--data", "registry"]);
    let report = home.path().join("report");
    let peak = |command: &str, home: &Home, args: &[&str]| {
        let program = Path::new(env!("CARGO_BIN_EXE_helm-oci")).with_file_name(command);
        let run = home.program(&stopwatch).args([report.as_os_str(), program.as_os_str()]).args(args).run();
        run.succeeds();
        let report: serde_json::Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert_eq!(report["code"], 0, "{command}: {run}");
        usize::try_from(report["memory"].as_u64().unwrap()).unwrap()
    };
    let mut peaks: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for mebibytes in [9, 90] {
        let other = Home::new();
        let (directory, reference) =
            (format!("chart-{mebibytes}"), format!("{}/a:{mebibytes}", registry.address()));
        write_chart(&home.path().join(&directory), mebibytes);
        for (command, home, args) in [
            ("helm-chart-save", &home, vec![directory.as_str(), &reference]),
            ("helm-chart-push", &home, vec![&reference]),
            ("helm-chart-pull", &other, vec![&reference]),
            ("helm-chart-export", &other, vec![&reference]),
        ] {
            peaks.entry(command).or_default().push(peak(command, home, &args));
        }
    }
    for (command, peaks) in peaks {
        let [small, large] = peaks[..] else { panic!("{command}: {peaks:?}") };
        assert!(large <= 16 * MIB, "{command}: {large} bytes for 90 MiB");
        // Threads come and go a little differently each time.
        assert!(large <= small + MIB, "{command}: {large} bytes for 90 MiB, {small} for 9 MiB");
    }
}
