//! Whatever we accept every program reads as the same files: real Helm 3.10 and 4, Python's tarfile, GNU tar, libarchive,
//! busybox and the tar crate, over packages whose headers are made to be read in more than one way.
//!
//! A slice runs with the tests; `scripts/differential` runs as many as it is told.

mod generator;
mod readers;

use std::env;
use std::fs;

use self::generator::Generator;
use self::readers::{
    Files, Loaded, Reading, helm3, helm4, ours, python, show, tar_crate, unpacked_by, unpackers,
};
use crate::common::tool;

/// How many packages go to Helm 3 at once.
const BATCH: usize = 200;

/// What a run counted.
#[derive(Default, Debug)]
struct Counts {
    made: usize,
    accepted: usize,
    /// Refused by us, loaded by Helm 4: attacks, and packages that no program makes.
    loaded_by_helm: usize,
}

/// Makes `count` packages from `seed` on and compares all readings.
fn compare(seed: u64, count: usize, make: fn(Generator) -> Vec<u8>) -> Result<Counts, String> {
    let programs = (tool("helm"), tool("helm4"), tool("python3"));
    let (Some(helm), Some(fourth), Some(interpreter)) = programs else { return Ok(Counts::default()) };
    let unpackers = unpackers();
    let scratch = tempfile::tempdir().unwrap();
    let (mut counts, mut differences) = (Counts::default(), String::new());
    for start in (0..count).step_by(BATCH) {
        let mut accepted: Vec<(String, _)> = Vec::new();
        let (mut readings, mut refused) = (Vec::<Files>::new(), Vec::new());
        for number in start..count.min(start + BATCH) {
            // Of one length, so that equal seeds make equal headers.
            let name = format!("c{number:06}");
            let package = make(Generator::new(seed.wrapping_add(number as u64), &name));
            let path = scratch.path().join(format!("{name}.tgz"));
            fs::write(&path, &package).unwrap();
            counts.made += 1;
            let Ok(files) = ours(&package, scratch.path()) else {
                refused.push(path);
                continue;
            };
            let mut differs = |reader: &str, reading: Reading| {
                // busybox does not know the format of Version 7.
                let unknown = matches!(&reading, Err(error) if error == "tar: invalid tar magic\n");
                if !unknown && reading.as_ref() != Ok(&with_top(&reading, &name, &files)) {
                    differences += &show(&name, reader, &files, &reading);
                }
            };
            differs("the tar crate", tar_crate(&package));
            for (reader, program, arguments) in &unpackers {
                differs(reader, unpacked_by(program, arguments, &path, scratch.path()));
            }
            accepted.push((name, path));
            readings.push(files);
        }
        let paths: Vec<_> = accepted.iter().map(|(_, path)| path.clone()).collect();
        for (index, reading) in python(&interpreter, &paths).into_iter().enumerate() {
            let name = &accepted[index].0;
            if reading.as_ref() != Ok(&with_top(&reading, name, &readings[index])) {
                differences += &show(name, "Python", &readings[index], &reading);
            }
        }
        let loaded = [("Helm 3.10", helm3(&helm, &accepted)), ("Helm 4", helm4(&fourth, &paths))];
        for (reader, loaded) in loaded {
            for (index, loaded) in loaded.into_iter().enumerate() {
                // Helm 3 had to render templates to show them, and these are none.
                if matches!(&loaded, Err(error) if error.contains("control characters are not allowed")) {
                    continue;
                }
                let mut expected = Loaded::of(&readings[index]);
                // And it shows none that is empty.
                if reader == "Helm 3.10" {
                    expected
                        .files
                        .retain(|path, text| !path.starts_with("templates/") || !text.trim().is_empty());
                }
                if loaded.as_ref() != Ok(&expected) {
                    differences += &show(&accepted[index].0, reader, &expected, &loaded);
                }
            }
        }
        counts.accepted += accepted.len();
        counts.loaded_by_helm += helm4(&fourth, &refused).iter().filter(|loaded| loaded.is_ok()).count();
        for path in paths.iter().chain(&refused) {
            fs::remove_file(path).unwrap();
        }
    }
    if differences.is_empty() { Ok(counts) } else { Err(differences) }
}

/// The files as they are unpacked: below the chart's directory, unless that was called `.`.
fn with_top(reading: &Reading, name: &str, files: &Files) -> Files {
    let below = format!("{name}/");
    let has_top = reading.as_ref().is_ok_and(|files| files.keys().all(|path| path.starts_with(&below)));
    let top = if has_top { below.as_str() } else { "" };
    files.iter().map(|(path, content)| (format!("{top}{path}"), content.clone())).collect()
}

#[test]
fn what_is_accepted_is_read_alike_by_all() {
    let counts = compare(1, 400, Generator::hostile).unwrap_or_else(|differences| panic!("{differences}"));
    // Were all of them refused, nothing would have been compared.
    assert!(counts.made == 0 || counts.accepted > 60, "{counts:?}");
}

#[test]
fn what_programs_make_is_accepted_and_read_alike_by_all() {
    let counts = compare(1, 100, Generator::honest).unwrap_or_else(|differences| panic!("{differences}"));
    assert_eq!(counts.made, counts.accepted, "{counts:?}");
}

/// For `scripts/differential`, which says how many and from where on.
#[test]
#[ignore = "it takes as long as it is told to"]
fn many_packages() {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let (count, seed) =
        (number("HELM_OCI_DIFFERENTIAL").unwrap_or(10_000), number("HELM_OCI_SEED").unwrap_or(1_000_000));
    for (what, make) in [("hostile", Generator::hostile as fn(_) -> _), ("honest", Generator::honest)] {
        let count = if what == "honest" { count / 10 } else { count };
        let counts = compare(seed as u64, count, make).unwrap_or_else(|differences| panic!("{differences}"));
        println!("{what}: {counts:?}");
        if what == "honest" {
            assert_eq!(counts.made, counts.accepted);
        }
    }
}
