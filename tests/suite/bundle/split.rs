//! Bundles in parts.

use std::fs;

use super::{bundle, load, saved};
use crate::common::Home;

#[test]
fn parts_are_the_whole_one_behind_the_other() {
    let home = Home::new();
    let references: Vec<_> =
        (0..6).map(|n| saved(&home, "web", &format!("1.0.{n}"), &format!("a: {n}\n"))).collect();
    let make = |more: &[&str]| {
        let args = [&["--offline"], more].concat();
        bundle(&home, args.into_iter().map(str::to_owned).chain(references.iter().cloned()))
    };
    make(&["-o", "charts.tar"]).succeeds();
    let whole = fs::read(home.path().join("charts.tar")).unwrap();
    for (most, at_most) in [("4KiB", 4096), ("10000", 10_000), ("700", 700)] {
        let told = make(&["-o", "parts", "--split", most]);
        assert!(told.succeeds().stdout.contains(&oci::digest::Digest::of(&whole).to_string()), "{told}");
        let parts: Vec<_> = (0..)
            .map(|n| home.path().join(format!("parts.{n:03}")))
            .take_while(|path| path.exists())
            .map(|path| fs::read(path).unwrap())
            .collect();
        assert!(parts.len() > 2 && parts.iter().all(|part| part.len() <= at_most), "{most}");
        assert!(parts.concat() == whole, "{most}");
        // Each part but those of a large file begins with a header.
        if most == "10000" {
            assert!(parts.iter().skip(1).all(|part| part.starts_with(b"blobs/") || part[0] == 0), "{most}");
        }
        let sums = home.program("/usr/bin/sha256sum").args(["-c", "--quiet", "parts.sums"]).run();
        sums.prints("");
        for first in ["parts.000", "parts"] {
            let inside = Home::new();
            let run = load(&inside, [home.path().join(first)]);
            assert!(run.succeeds().stdout.ends_with("\n6 loaded, 0 up to date\n"), "{run}");
        }
    }
    // Larger parts are fewer, and what is left of the others is no part of it.
    make(&["-o", "parts", "--split", "1GiB"]).succeeds();
    let left =
        fs::read_dir(home.path()).unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let mut left: Vec<_> = left.filter(|name| name.starts_with("parts")).collect();
    left.sort();
    assert_eq!(left, ["parts.000", "parts.sums"]);
    make(&["-o", "-", "--split", "1GiB"]).fails(2).stdout_is("");
}

#[test]
fn parts_that_are_damaged_or_missing_are_told() {
    let home = Home::new();
    let web = saved(&home, "web", "1.0.0", "a: 1\n");
    let make = || bundle(&home, ["--offline", &web, "-o", "parts", "--split", "2KiB"]).succeeds().code;
    make();
    let path = home.path().join("parts.001");
    let mut part = fs::read(&path).unwrap();
    part[600] ^= 1;
    fs::write(&path, &part).unwrap();
    load(&Home::new(), [home.path().join("parts.000")]).fails(7);
    fs::remove_file(&path).unwrap();
    let run = load(&Home::new(), [home.path().join("parts.000")]);
    assert!(run.fails(7).stderr.contains("parts.001"), "{run}");
    // A list that names something else is none.
    make();
    let sums = fs::read_to_string(home.path().join("parts.sums")).unwrap();
    home.write("parts.sums", sums.replace("parts.001", "../x"));
    assert_ne!(load(&Home::new(), [home.path().join("parts.000")]).code, Some(0));
    // Without a list they are taken as they are.
    fs::remove_file(home.path().join("parts.sums")).unwrap();
    load(&Home::new(), [home.path().join("parts.000")]).succeeds();
}
