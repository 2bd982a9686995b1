//! Packages in packages: however many there are, and whatever is in them, one budget holds for all, in memory and in what
//! comes out of them.

use std::fs;

use crate::common::archives::{entry, file, gzip};
use crate::common::wire::{Artifact, Shelf};
use crate::common::{Home, Output};

const CHART_YAML: &str = "apiVersion: v2\nname: mychart\nversion: 1.0.0\n";
const REFERENCE: &str = "localhost:5000/mychart:1.0.0";

/// A package of a chart, and what else is in it.
fn package(chart_yaml: &str, entries: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut tar = file("mychart/Chart.yaml", chart_yaml);
    entries.into_iter().for_each(|entry| tar.extend(entry));
    tar.extend([0; 1024]);
    gzip(&tar)
}

/// So many subcharts, each of them one of these packages.
fn packages(times: usize, of: &[u8]) -> Vec<u8> {
    package(CHART_YAML, (0..times).map(|n| file(&format!("mychart/charts/p{n}.tgz"), of)))
}

/// So many subcharts, each of them one directory with this Chart.yaml.
fn directories(times: usize, chart_yaml: &str) -> Vec<u8> {
    package(CHART_YAML, (0..times).map(|n| file(&format!("mychart/charts/p{n}/Chart.yaml"), chart_yaml)))
}

/// Packages in packages in packages, each with a file beside it.
fn deep(depth: usize) -> Vec<u8> {
    (0..depth).fold(package(CHART_YAML, []), |inner, _| {
        package(CHART_YAML, [file("mychart/charts/p.tgz", inner), file("mychart/f", "x")])
    })
}

fn bounded(home: &Home, command: &str, args: &[&str]) -> Output {
    let script = format!("ulimit -d 32768; exec {command} \"$@\"");
    home.program("/bin/sh").args([&["-c", &script, "sh"], args].concat()).run()
}

/// Saved and pulled within 32 MiB, or refused for that in one line.
#[track_caller]
fn stays_within(package: &[u8], refused: Option<&str>) {
    let home = Home::new();
    home.write("chart.tgz", package);
    let shelf = Shelf::new(&Artifact::of(b"{}", package));
    let reference = shelf.reference();
    let mut commands = vec![("helm-chart-save", vec!["-q", "chart.tgz", REFERENCE])];
    // Both read alike, and what is refused for its size takes its time.
    if refused != Some(OUT) {
        commands.push(("helm-chart-pull", vec!["-q", &reference]));
    }
    for (command, args) in commands {
        let output = bounded(&home, command, &args);
        match refused {
            None => _ = output.succeeds(),
            Some(said) => {
                output.fails(1).stdout_is("");
                assert!(output.stderr.contains(said) && output.stderr.lines().count() == 1, "{output}");
            }
        }
    }
}

const MEMORY: &str = "it takes more memory than a command may hold, which is 32 MiB";
const OUT: &str = "the decompressed archive is larger than the limit of 100 MiB";

/// 1,000 packages in 51 KB took 296 MB.
#[test]
fn many_packages_in_a_package() {
    let keywords = format!("{CHART_YAML}keywords: [{}]\n", "a,".repeat(9000));
    stays_within(&packages(1000, &package(CHART_YAML, [])), None);
    stays_within(&packages(40, &package(&keywords, [])), None);
    stays_within(&packages(20, &package(CHART_YAML, [file("mychart/f", vec![0; 4 << 20])])), None);
}

/// 500 subcharts in 17.8 KB took 164 MB: all of them are remembered until the last file has come.
#[test]
fn many_subcharts_in_a_package() {
    let keywords = format!("{CHART_YAML}keywords: [{}]\n", "a,".repeat(9000));
    let described = format!("{CHART_YAML}description: {}\n", "x".repeat(300_000));
    stays_within(&directories(1000, CHART_YAML), None);
    stays_within(&directories(500, &keywords), None);
    stays_within(&directories(300, &described), Some(MEMORY));
}

#[test]
fn packages_in_packages_in_packages() {
    stays_within(&deep(15), None);
    stays_within(&deep(17), Some("subcharts are nested too deeply"));
}

/// Headers and padding are what comes out as well, in however many packages they are.
#[test]
fn what_comes_out_is_counted_through_all_levels() {
    let directories = (0..9000).map(|_| entry(b'5', "mychart/d/", b""));
    stays_within(&packages(60, &package(CHART_YAML, directories)), Some(OUT));
    let padded = gzip(&[file("mychart/Chart.yaml", CHART_YAML), vec![0; 20 << 20]].concat());
    stays_within(&packages(10, &padded), Some(OUT));
    let records = format!("60011 comment={}\n", "x".repeat(60_011 - 15));
    let comments =
        (0..1000).flat_map(|n| [entry(b'x', "pax", records.as_bytes()), file(&format!("mychart/{n}"), "")]);
    let commented = package(CHART_YAML, comments);
    stays_within(&commented, None);
    stays_within(&packages(3, &commented), Some(OUT));
}

/// Of a chart's directory its packages are taken apart as well.
#[test]
fn the_packages_of_a_directory_have_one_budget() {
    let home = Home::new();
    home.write("mychart/Chart.yaml", CHART_YAML);
    let padded = gzip(&[file("mychart/Chart.yaml", CHART_YAML), vec![0; 20 << 20]].concat());
    fs::create_dir(home.path().join("mychart/charts")).unwrap();
    for n in 0..10 {
        home.write(format!("mychart/charts/p{n}.tgz"), &padded);
    }
    let saved = bounded(&home, "helm-chart-save", &["mychart", REFERENCE]);
    assert!(saved.fails(1).stderr.contains(OUT), "{saved}");
    assert!(!home.cache().exists());
}
