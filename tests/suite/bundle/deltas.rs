//! Bundles that leave out what older ones have.

use std::fs;

use serde_json::Value;

use super::{bundle, listed, load, saved};
use crate::common::Home;

fn names(home: &Home, file: &str) -> Vec<String> {
    let file = fs::File::open(home.path().join(file)).unwrap();
    let mut archive = tar::Archive::new(file);
    let entries = archive.entries().unwrap();
    entries.map(|entry| entry.unwrap().path().unwrap().display().to_string()).collect()
}

#[test]
fn an_old_bundle_and_what_is_new_are_the_full_one() {
    let home = Home::new();
    let mut references: Vec<_> =
        (0..5).map(|n| saved(&home, "web", &format!("1.0.{n}"), &format!("a: {n}\n"))).collect();
    let make = |references: &[String], more: &[&str]| {
        let args = [&["--offline"], more].concat();
        bundle(&home, args.into_iter().map(str::to_owned).chain(references.iter().cloned()))
    };
    make(&references, &["-o", "old.tar"]).succeeds();
    // One is new; one has another name; one differs in its metadata alone, and has the same content.
    references.push(saved(&home, "web", "1.1.0", "a: new\n"));
    let renamed = "localhost:1/team/web:stable".to_owned();
    home.command("helm-chart-tag").args([&references[0], &renamed]).run().succeeds();
    references.push(renamed);
    make(&references, &["-o", "full.tar"]).succeeds();
    let run = make(&references, &["--since", "old.tar", "-o", "delta.tar"]);
    let line = "delta.tar: 7 charts, 2 new, signatures not looked for, 4 blobs, 14 blobs left out, ";
    assert!(run.succeeds().stdout.starts_with(line), "{run}");
    // The new one's three, and the manifest of the one that has another name.
    assert_eq!(names(&home, "delta.tar").len(), 2 + 4);
    // By the index alone it is the same.
    let index = tar::Archive::new(fs::File::open(home.path().join("old.tar")).unwrap())
        .entries()
        .unwrap()
        .nth(1)
        .map(|entry| std::io::read_to_string(entry.unwrap()).unwrap())
        .unwrap();
    home.write("old.json", &index);
    make(&references, &["--since", "old.json", "-o", "by-index.tar"]).succeeds();
    assert_eq!(names(&home, "by-index.tar"), names(&home, "delta.tar"));

    let [whole, steps, lone] = [(); 3].map(|()| Home::new());
    let path = |file: &str| home.path().join(file);
    load(&whole, [path("full.tar")]).succeeds();
    let run = load(&lone, [path("delta.tar")]);
    run.fails(7);
    assert!(run.stderr.contains("the layout lacks sha256:"), "{run}");
    assert!(
        run.stderr.contains("hint: it leaves out what another bundle has: load that one first\n"),
        "{run}"
    );
    // What is new has nothing to do with that.
    assert_eq!(listed(&lone).len(), 1);
    load(&steps, [path("old.tar")]).succeeds();
    assert!(load(&steps, [path("delta.tar")]).succeeds().stdout.ends_with("\n2 loaded, 0 up to date\n"));
    assert_eq!(listed(&steps), listed(&whole));
    steps.command("helm-chart-fsck").run().succeeds();
    // What is inside, as an index for those outside.
    let inventory = steps.command("helm-chart-load").args(["--inventory"]).run();
    home.write("inside.json", &inventory.succeeds().stdout);
    let parsed: Value = serde_json::from_str(&inventory.stdout).unwrap();
    assert_eq!(parsed["manifests"].as_array().unwrap().len(), 7);
    let run = make(&references, &["--since", "inside.json", "-o", "nothing.tar", "--format", "json"]);
    let document: Value = serde_json::from_str(&run.succeeds().stdout).unwrap();
    assert_eq!((&document["blobs"], &document["omitted"]), (&0.into(), &18.into()));
    assert!(document["charts"].as_array().unwrap().iter().all(|chart| chart["omitted"] == true), "{run}");
    assert_eq!(names(&home, "nothing.tar").len(), 2);
    load(&steps, [path("nothing.tar")]).prints("0 loaded, 0 up to date\n");
}

#[test]
fn one_delta_follows_another() {
    let home = Home::new();
    let references: Vec<_> =
        (0..3).map(|n| saved(&home, "web", &format!("1.0.{n}"), &format!("a: {n}\n"))).collect();
    let make = |args: &[&str]| bundle(&home, [&["--offline"], args].concat()).succeeds().stdout.clone();
    let [one, two, three] = [&references[0], &references[1], &references[2]].map(String::as_str);
    make(&[one, "-o", "1.tar"]);
    make(&[one, two, "--since", "1.tar", "-o", "2.tar"]);
    let told = make(&[one, two, three, "--since", "1.tar", "--since", "2.tar", "-o", "3.tar"]);
    assert!(told.starts_with("3.tar: 3 charts, 1 new, "), "{told}");
    let inside = Home::new();
    for file in ["1.tar", "2.tar", "3.tar"] {
        load(&inside, [home.path().join(file)]).succeeds();
    }
    assert_eq!(listed(&inside).len(), 3);
    // What is no bundle is no reason to leave anything out.
    home.write("none", "none");
    bundle(&home, ["--offline", one, "--since", "none", "-o", "4.tar"]).fails(7);
    bundle(&home, ["--offline", one, "--since", "absent", "-o", "4.tar"]).fails(3);
    assert!(!home.path().join("4.tar").exists());
}
