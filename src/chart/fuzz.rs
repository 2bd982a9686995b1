//! Fuzz targets of this module: see `crate::fuzz`.

use std::io::{self, Read as _};

use super::archive::{self, Allowance, ArchiveError};
use super::ignore::Rules;
use super::yaml;
use super::{Metadata, chart_yaml as text, head, inspect, split, unpack};
use crate::digest::Digest;
use crate::limits::{Budget, MAX_CHART, MAX_FILE};

/// Chart.yaml to meta, and back to Chart.yaml: what comes in from anywhere goes round without change.
pub fn chart_yaml(data: &[u8]) {
    let budget = Budget::default();
    let _ = yaml::check_values(data, &budget);
    let Ok(document) = yaml::read(data, &budget) else { return };
    let mut metadata = Metadata::default();
    if metadata.take(document.value).is_err() || metadata.validate().is_err() {
        return;
    }
    for shown in [&metadata.name, &metadata.version, &metadata.description] {
        assert!(!shown.contains(char::is_control), "{shown:?}");
    }
    assert!(!metadata.name.contains(['/', '\\']) && !matches!(metadata.name.as_str(), "" | "." | ".."));
    metadata.to_config().expect("a config can be written");
    let meta = metadata.to_meta().expect("metadata can be written");
    let again = Metadata::from_meta(&meta, &metadata.name, &metadata.version).expect("and read again");
    assert_eq!(Digest::of(&again.to_meta().expect("twice")), Digest::of(&meta));
    // What we push we split again when we pull it, into the very same parts.
    let member = head(&metadata).expect("a head can be written");
    assert_eq!(
        split(member.as_slice(), &budget).expect("memory can be read"),
        Some(member.len() as u64),
        "{}",
        text::write(&metadata)
    );
    let written = yaml::read(text::write(&metadata).as_bytes(), &budget).expect("our own Chart.yaml is YAML");
    let mut read = Metadata::default();
    read.take(written.value).expect("our own Chart.yaml is one");
    read.validate().expect("our own Chart.yaml keeps the rules");
    // A version 1 chart has its dependencies elsewhere.
    if metadata.api_version == "v1" {
        metadata.dependencies.clear();
    }
    assert_eq!(read.to_meta().expect("thrice"), metadata.to_meta().expect("thrice"));
}

/// Packages: gzip as it is, anything else as the tar archive in it.
pub fn archive(data: &[u8]) {
    let packed = if data.starts_with(&[0x1f, 0x8b]) { data.to_vec() } else { gzip(data) };
    let budget = Budget::default();
    let mut total = 0;
    let mut paths = std::collections::HashSet::new();
    let read = archive::read(
        &mut packed.as_slice(),
        &budget,
        &Allowance::default(),
        |file, content| -> Result<(), ArchiveError> {
            let path = file.path;
            assert_eq!(archive::check_path(path), Ok(()), "{path}");
            assert!(path.split('/').all(|component| !matches!(component, "" | "." | "..")), "{path}");
            assert!(paths.insert(path.to_owned()), "{path} came twice");
            let size = io::copy(content, &mut io::sink())?;
            assert!(size <= MAX_FILE, "{path}");
            total += size;
            Ok(())
        },
    );
    assert!(total <= MAX_CHART);
    let _ = split(packed.as_slice(), &budget);
    if inspect(packed.as_slice(), &budget).is_ok() {
        let top = read.expect("what is a chart is an archive");
        assert!(!matches!(top.as_str(), "" | "." | ".."), "{top}");
        let outside = tempfile::tempdir().expect("a temporary directory");
        let inside = outside.path().join("inside");
        std::fs::create_dir(&inside).expect("a directory");
        // A file may stand where another file's directory should be.
        let _ = unpack(packed.as_slice(), &inside, &budget);
        assert_eq!(std::fs::read_dir(outside.path()).expect("a directory").count(), 1);
    }
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(tar, flate2::Compression::none());
    encoder.read_to_end(&mut packed).expect("memory can be read");
    packed
}

/// A .helmignore, and below an empty line the paths that it is asked about.
pub fn helmignore(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (rules, paths) = text.split_once("\n\n").unwrap_or((text, "a/b.txt\ntemplates/.x"));
    let Ok(rules) = Rules::parse(rules) else { return };
    for path in paths.lines().chain(["Chart.yaml", ".", ""]) {
        let ignored = rules.ignores(path, false);
        assert!(!ignored || !matches!(path, "" | "." | "./"));
        rules.ignores(path, true);
    }
}
