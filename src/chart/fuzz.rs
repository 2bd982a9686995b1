//! Fuzz targets for charts: see `crate::fuzz`.

use std::io::{self, Read as _};

use super::archive::{Allowance, ArchiveError};
use super::ignore::Rules;
use super::member::{head, split};
use super::metadata::Metadata;
use super::package::inspect;
use super::yaml::YamlValue;
use super::{archive, chart_yaml, unpack, yaml};
use crate::digest::Digest;
use crate::limits::{Budget, MAX_CHART, MAX_FILE};

/// Reads the data as Chart.yaml, turns that into a meta blob and back, and checks that nothing has changed.
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
    // A layer that we push is split when we pull it, into the same two parts.
    let member = head(&metadata).expect("a head can be written");
    assert_eq!(
        split(member.as_slice(), &budget).expect("memory can be read"),
        Some(member.len() as u64),
        "{}",
        chart_yaml::write(&metadata)
    );
    let written =
        yaml::read(chart_yaml::write(&metadata).as_bytes(), &budget).expect("our own Chart.yaml is YAML");
    let mut read = Metadata::default();
    read.take(written.value).expect("our own Chart.yaml is one");
    read.validate().expect("our own Chart.yaml keeps the rules");
    // The dependencies of a chart with `apiVersion: v1` are in another file.
    if metadata.api_version == "v1" {
        metadata.dependencies.clear();
    }
    assert_eq!(read.to_meta().expect("thrice"), metadata.to_meta().expect("thrice"));
}

/// Reads the data as YAML, and checks that the result takes no more memory than was held, and no more steps than its
/// size allows.
pub fn yaml(data: &[u8]) {
    // The budget. It has the size of the largest file that is read.
    const LEFT: u64 = 1 << 20;
    let budget = Budget::new(LEFT);
    let _ = yaml::check_values(data, &budget);
    let steps = yaml::steps(data);
    assert!(steps <= 4 * data.len() as u64 + 100, "{steps} steps for {} bytes", data.len());
    if let Ok(document) = yaml::read(data, &budget) {
        let (held, weight) = (document.held.bytes(), weight(&document.value));
        assert!(weight <= held, "{weight} bytes, and {held} were held");
        let _ = document.value.into_json();
    }
    assert_eq!(budget.left(), LEFT);
}

/// The size of a value in memory, in bytes.
fn weight(value: &YamlValue) -> u64 {
    let inside = match value {
        YamlValue::String(text) => text.capacity(),
        YamlValue::List(list) => list.capacity() * size_of::<YamlValue>(),
        YamlValue::Map(map) => map.capacity() * size_of::<(String, YamlValue)>(),
        _ => 0,
    };
    let below: u64 = match value {
        YamlValue::List(list) => list.iter().map(weight).sum(),
        YamlValue::Map(map) => map.iter().map(|(key, value)| key.capacity() as u64 + weight(value)).sum(),
        _ => 0,
    };
    inside as u64 + below
}

/// Reads the data as a package: as it is if it is gzip, otherwise as the tar archive in one.
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

/// Reads the data as blocks of a tar archive, after their checksums are corrected. If we accept the archive, the tar
/// crate must read the same files from it.
pub fn tar_headers(data: &[u8]) {
    let mut tar = data.to_vec();
    sign(&mut tar);
    let (budget, allowance) = (Budget::default(), Allowance::default());
    let mut ours = Vec::new();
    let read = archive::read(&mut gzip(&tar).as_slice(), &budget, &allowance, |file, content| {
        let mut bytes = Vec::new();
        content.read_to_end(&mut bytes)?;
        assert_eq!(bytes.len() as u64, file.size, "{}", file.path);
        ours.push((file.path.to_owned(), bytes));
        Ok::<_, ArchiveError>(())
    });
    let Ok(top) = read else { return };
    let mut theirs = Vec::new();
    for entry in tar::Archive::new(tar.as_slice()).entries().expect("what we read can be read") {
        let mut entry = entry.expect("what we read can be read");
        let kind = entry.header().entry_type();
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // The tar crate decides so in its `unpack`.
        let is_directory = kind.is_dir() || (entry.header().as_ustar().is_none() && path.ends_with('/'));
        if is_directory || kind.is_pax_global_extensions() {
            continue;
        }
        assert!(matches!(kind, tar::EntryType::Regular), "{path}: {kind:?}");
        let path = if path.contains('/') { path } else { path.replace('\\', "/") };
        let plain: Vec<_> = path.split('/').filter(|component| !matches!(*component, "" | ".")).collect();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).expect("memory can be read");
        theirs.push((plain.join("/"), bytes));
    }
    for (path, _) in &mut ours {
        if top != "." {
            *path = format!("{top}/{path}");
        }
    }
    assert_eq!(ours, theirs);
}

/// Corrects the checksums of all headers, as far as they can be found by the sizes before them.
fn sign(tar: &mut [u8]) {
    let mut at = 0;
    while let Some(block) = tar.get_mut(at..at + 512) {
        at += 512;
        if block.iter().all(|byte| *byte == 0) {
            continue;
        }
        block[148..156].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits = block[124..136].iter().filter(|byte| matches!(byte, b'0'..=b'7'));
        let size = digits.fold(0_usize, |size, digit| size << 3 | usize::from(digit - b'0'));
        at = at.saturating_add(size.min(tar.len()).next_multiple_of(512));
    }
}

fn gzip(tar: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let mut encoder = flate2::read::GzEncoder::new(tar, flate2::Compression::none());
    encoder.read_to_end(&mut packed).expect("memory can be read");
    packed
}

/// Reads the data as a .helmignore, followed by an empty line and the paths that it is asked about.
pub fn helmignore(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (rules, paths) = text.split_once("\n\n").unwrap_or((text, "a/b.txt\ntemplates/.x"));
    let Ok(rules) = Rules::parse(rules) else { return };
    for path in paths.lines().chain(["Chart.yaml", ".", ""]) {
        let Ok(ignored) = rules.ignores(path, false) else { return };
        assert!(!ignored || !matches!(path, "" | "." | "./"));
        let _ = rules.ignores(path, true);
    }
}
