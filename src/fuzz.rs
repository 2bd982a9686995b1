//! The fuzz targets: every parser of untrusted bytes, with checks on its results.
//!
//! They are not part of the library, and exist for cargo-fuzz, which sets `cfg(fuzzing)` (tests/fuzz, scripts/fuzz),
//! and for the tests, which replay the corpora with a stable compiler. A target panics if a check fails.

use crate::bundle::BundleReader;
use crate::digest::{Algorithm, Digest};
use crate::layout::{EntryName, LayoutIndex, entry_name, written_reference};
use crate::limits::{Budget, MAX_CHART, MAX_CONFIG, MAX_MANIFEST};
use crate::manifest::{ChartManifest, ManifestDocument};
use crate::reference::{Host, Reference, Repository, Tag};
use crate::version::{Constraint, Newest, Version};
use crate::{go_json, media_type};

pub use crate::chart::fuzz::{archive, chart_yaml, helmignore, tar_headers, yaml};
pub use crate::credentials::fuzz::credential_file;
pub use crate::registry::fuzz::{challenge, link, report};

/// References from command lines, from the names of directories in the cache, and from credential files.
pub fn reference(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(reference) = text.parse::<Reference>() {
        let shown = reference.to_string();
        assert_eq!(shown.parse().as_ref(), Ok(&reference), "{shown}");
        assert!(!shown.contains(char::is_control), "{shown:?}");
        let leaves = |name: &str| name.split('/').any(|component| matches!(component, "" | "." | ".."));
        assert!(!leaves(reference.repository.as_str()), "{shown}");
    }
    if let Ok(host) = text.parse::<Host>() {
        assert_eq!(host.as_str().parse().as_ref(), Ok(&host));
        assert!(!host.as_str().contains(['/', '@']), "{host}");
    }
    if let Ok(repository) = text.parse::<Repository>() {
        assert_eq!(repository.as_str(), text);
    }
    if let Ok(tag) = text.parse::<Tag>() {
        assert!(tag.as_str().len() <= 128 && !tag.as_str().starts_with(['.', '-']), "{tag}");
        assert_eq!(Tag::of_version(&tag.to_version()).as_ref(), Ok(&tag));
    }
}

/// Manifests and indexes; the first byte chooses the media type that the registry announces.
pub fn manifest(data: &[u8]) {
    const ANNOUNCED: [&str; 4] = [media_type::MANIFEST, media_type::INDEX, "text/html", ""];
    let Some((choice, bytes)) = data.split_first() else { return };
    let Ok(document) = ManifestDocument::parse(bytes, ANNOUNCED[usize::from(*choice) % ANNOUNCED.len()])
    else {
        return;
    };
    match document {
        ManifestDocument::Index(index) => {
            if let Ok(chart) = index.chart() {
                assert!(index.manifests.contains(chart));
            }
        }
        ManifestDocument::Manifest(manifest) => {
            let written = go_json::to_vec(&manifest).expect("what was read can be written");
            let again = ManifestDocument::parse(&written, "").expect("what was written can be read");
            assert_eq!(again, ManifestDocument::Manifest(manifest.clone()));
            match ChartManifest::new(&manifest) {
                Ok(ChartManifest::Whole { config, chart, .. }) => {
                    assert!(config.size <= MAX_CONFIG && chart.size <= MAX_CHART);
                }
                Ok(ChartManifest::Split { meta, content, .. }) => {
                    assert!(meta.size <= MAX_CONFIG && content.size <= MAX_CHART);
                }
                Err(error) => assert!(error.to_string().len() < 2048),
            }
        }
    }
}

/// Indexes of layouts, or archives and pipes with layouts; the first byte chooses. Layouts are read to the end, and
/// everything in them must have its digest.
pub fn layout(data: &[u8]) {
    let Some((choice, bytes)) = data.split_first() else { return };
    if *choice == 0 {
        let Ok(index) = LayoutIndex::parse(bytes) else { return };
        for entry in &index.manifests {
            if let EntryName::Full(reference) = entry_name(&entry.annotations) {
                assert!(reference.tag.is_some() != reference.digest.is_some(), "{reference}");
                assert_eq!(written_reference(&reference.to_string()).as_ref(), Ok(&reference));
            }
        }
        let text = index.to_text().expect("what was read can be written");
        assert_eq!(LayoutIndex::parse(&text).expect("what was written can be read"), index);
        return;
    }
    let budget = Budget::default();
    let scratch = tempfile::tempdir().expect("a directory");
    let path = scratch.path().join("layout.tar");
    std::fs::write(&path, bytes).expect("a file");
    let Ok(mut reader) = BundleReader::open(&path, &budget, || Ok(scratch.path().to_owned())) else { return };
    if let Ok((index, _)) = reader.index() {
        for entry in &index.manifests {
            if let Ok(Some(content)) = reader.small(entry, MAX_MANIFEST) {
                assert_eq!(content.len() as u64, entry.size);
                assert!(
                    entry.digest.algorithm() != Algorithm::Sha256 || Digest::of(&content) == entry.digest
                );
            }
        }
    } else if let Ok(Some(chart)) = reader.wrapped() {
        let to = scratch.path().join("chart");
        std::fs::create_dir(&to).expect("a directory");
        if chart.unpack(&to).is_ok() {
            assert!(to.join("Chart.yaml").is_file());
        }
        assert_eq!(std::fs::read_dir(scratch.path()).expect("a directory").count(), 2, "nothing leaves it");
    }
    let _ = reader.finish();
}

/// Version constraints from command lines, applied to versions from charts and tags, one in each line.
pub fn constraint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.lines();
    let wanted = lines.next().unwrap_or_default();
    let others: Vec<_> = lines.map(str::to_owned).collect();
    let constraint = Constraint::parse(wanted);
    for text in others.iter().map(String::as_str).chain([wanted]) {
        if let Ok(version) = Version::parse_strict(text) {
            assert_eq!(version.to_string(), text);
        }
        if let Ok(version) = Version::parse_lenient(text) {
            let shown = version.to_string();
            let again = Version::parse_lenient(&shown).expect("a version reads what it prints");
            assert_eq!(again.to_string(), shown);
            assert!(again.precedence(&version).is_eq());
            if let Ok(constraint) = &constraint {
                assert_eq!(constraint.matches(&version), constraint.matches(&again));
            }
        }
    }
    if let Ok(mut newest) = Newest::new(wanted) {
        others.iter().for_each(|tag| newest.offer(tag));
        assert!(newest.tag().is_none_or(|tag| others.iter().any(|other| other == tag)));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    type Target = fn(&[u8]);

    /// Every target by its name in tests/fuzz.
    const TARGETS: &[(&str, Target)] = &[
        ("archive", super::archive),
        ("challenge", super::challenge),
        ("chart_yaml", super::chart_yaml),
        ("constraint", super::constraint),
        ("credential_file", super::credential_file),
        ("helmignore", super::helmignore),
        ("layout", super::layout),
        ("link", super::link),
        ("manifest", super::manifest),
        ("reference", super::reference),
        ("report", super::report),
        ("tar_headers", super::tar_headers),
        ("yaml", super::yaml),
    ];

    fn fuzz() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")
    }

    fn names(directory: &str) -> BTreeSet<String> {
        let stem = |entry: fs::DirEntry| entry.path().file_stem().unwrap().to_string_lossy().into_owned();
        fs::read_dir(fuzz().join(directory)).unwrap().map(|entry| stem(entry.unwrap())).collect()
    }

    #[test]
    fn corpora_are_replayed() {
        for (name, target) in TARGETS {
            let mut inputs = 0;
            for entry in fs::read_dir(fuzz().join("corpus").join(name)).unwrap() {
                let path = entry.unwrap().path();
                // Only shown if the target panics.
                println!("{}", path.display());
                target(&fs::read(&path).unwrap());
                inputs += 1;
            }
            assert!(inputs > 0, "{name} has no corpus");
        }
    }

    #[test]
    fn every_target_is_fuzzed_and_replayed() {
        let listed: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names("targets"), listed);
        assert_eq!(names("corpus"), listed);
        let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
        for name in listed {
            assert!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name} is not in Cargo.toml");
        }
    }
}
