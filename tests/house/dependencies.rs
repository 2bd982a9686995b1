//! What is built into the executables: licences that allow it, crates that are known to be good, all of it from crates.io.
//! The rules are those of `.deny.toml`, which cargo-deny reads as well (scripts/check-deps); this holds them where it is
//! not installed. And the bill of materials that a release carries.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The packages of Cargo.lock that Linux needs, as cargo describes them. Nothing is fetched.
fn packages() -> Vec<Value> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let used: BTreeSet<_> =
        metadata["resolve"]["nodes"].as_array().unwrap().iter().map(|node| node["id"].to_string()).collect();
    let all = metadata["packages"].as_array().unwrap().iter();
    all.filter(|package| used.contains(&package["id"].to_string())).cloned().collect()
}

/// The quoted strings of the list that begins with `start` in .deny.toml.
fn listed(start: &str, each: impl Fn(&str) -> Option<String>) -> BTreeSet<String> {
    let text = fs::read_to_string(root().join(".deny.toml")).unwrap();
    let list = text.split_once(&format!("\n{start} = [\n")).unwrap().1.split_once("\n]").unwrap().0;
    let found: BTreeSet<_> = list.lines().filter_map(|line| each(line.trim())).collect();
    assert!(!found.is_empty(), "{start}");
    found
}

fn quoted(text: &str) -> Option<String> {
    Some(text.strip_prefix('"')?.split_once('"')?.0.to_owned())
}

/// Whether an SPDX expression is satisfied by these licences; all of ours are `A`, `A OR B`, `A AND B`, with brackets.
fn satisfied(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let (verdict, rest) = either(&words, allowed);
    assert!(rest.is_empty(), "{expression}");
    verdict
}

fn either<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut verdict, mut rest) = both(words, allowed);
    while rest.first() == Some(&"OR") {
        let (next, after) = both(&rest[1..], allowed);
        (verdict, rest) = (verdict | next, after);
    }
    (verdict, rest)
}

fn both<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    let (mut verdict, mut rest) = one(words, allowed);
    while rest.first() == Some(&"AND") {
        let (next, after) = one(&rest[1..], allowed);
        (verdict, rest) = (verdict & next, after);
    }
    (verdict, rest)
}

fn one<'a>(words: &'a [&'a str], allowed: &BTreeSet<String>) -> (bool, &'a [&'a str]) {
    match words {
        ["(", inner @ ..] => {
            let (verdict, rest) = either(inner, allowed);
            assert_eq!(rest.first(), Some(&")"));
            (verdict, &rest[1..])
        }
        // `Apache-2.0 WITH LLVM-exception` allows more than Apache-2.0.
        [license, "WITH", _, rest @ ..] | [license, rest @ ..] => (allowed.contains(*license), rest),
        [] => panic!("an expression that ends in the middle"),
    }
}

#[test]
fn licences_are_allowed_and_banned_crates_absent() {
    let allowed = listed("allow", quoted);
    let banned = listed("deny", |line| quoted(line.strip_prefix("{ crate = ")?));
    assert!(banned.contains("serde_yml") && allowed.contains("MIT"));
    let packages = packages();
    assert!(packages.len() > 100, "{}", packages.len());
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let license = package["license"].as_str().unwrap_or_else(|| panic!("{name} has no licence"));
        assert!(satisfied(license, &allowed), "{name}: {license}");
        assert!(!banned.contains(name), "{name} is banned in .deny.toml");
        match package["source"].as_str() {
            None => assert_eq!(name, "helm-oci"),
            Some(source) => assert!(source.contains("crates.io-index"), "{name} comes from {source}"),
        }
    }
}

#[test]
fn expressions_are_read_as_spdx_has_them() {
    let allowed = BTreeSet::from(["MIT".to_owned(), "ISC".to_owned()]);
    for (expression, verdict) in [
        ("MIT", true),
        ("GPL-3.0", false),
        ("GPL-3.0 OR MIT", true),
        ("GPL-3.0/MIT", true),
        ("MIT AND GPL-3.0", false),
        ("MIT AND ISC", true),
        ("ISC AND (GPL-3.0 OR MIT)", true),
        ("(GPL-3.0 OR MIT) AND Unicode-3.0", false),
        ("MIT WITH x OR GPL-3.0", true),
    ] {
        assert_eq!(satisfied(expression, &allowed), verdict, "{expression}");
    }
}

#[test]
fn the_bill_of_materials_is_whole_and_always_the_same() {
    let Some(python) = crate::common::tool("python3") else { return };
    let made = || {
        let output = Command::new(&python).arg("scripts/sbom").current_dir(root()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let bytes = made();
    assert_eq!(bytes, made());
    let text = String::from_utf8(bytes).unwrap();
    for leak in [env!("CARGO_MANIFEST_DIR"), "file:"] {
        assert!(!text.contains(leak), "{leak}");
    }
    let bom: Value = serde_json::from_str(&text).unwrap();
    // What CycloneDX 1.5 requires.
    assert_eq!((&bom["bomFormat"], &bom["specVersion"]), (&"CycloneDX".into(), &"1.5".into()));
    assert_eq!(bom["metadata"]["component"]["name"], "helm-oci");
    assert_eq!(bom["metadata"]["component"]["version"], env!("CARGO_PKG_VERSION"));
    let components = bom["components"].as_array().unwrap();
    let mut refs = BTreeSet::from([bom["metadata"]["component"]["bom-ref"].to_string()]);
    for component in components {
        assert_eq!(component["type"], "library");
        for field in ["name", "version", "purl"] {
            assert!(component[field].as_str().is_some_and(|text| !text.is_empty()), "{component}");
        }
        assert_eq!(component["hashes"][0]["content"].as_str().unwrap().len(), 64, "{component}");
        assert!(refs.insert(component["bom-ref"].to_string()), "{component} is there twice");
    }
    let dependencies = bom["dependencies"].as_array().unwrap();
    assert_eq!(dependencies.len(), refs.len());
    for dependency in dependencies {
        assert!(refs.contains(&dependency["ref"].to_string()), "{dependency}");
        for on in dependency["dependsOn"].as_array().unwrap() {
            assert!(refs.contains(&on.to_string()), "{dependency}");
        }
    }
    let names: Vec<_> = components.iter().map(|component| component["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"ureq-proto") && names.contains(&"cc"), "what runs and what builds");
    assert!(!names.contains(&"rcgen"), "what tests need is in no executable");
}
