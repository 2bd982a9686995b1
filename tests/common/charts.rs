//! Charts: real ones, made ones, and what is in an archive.

use std::collections::BTreeMap;
use std::env;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use tempfile::TempDir;

use super::tools::note;

/// The 282 charts of Helm's archived `stable` repository, unpacked, sorted by name.
///
/// The archive lies beside the project, or where `HELM_OCI_CORPUS` says. It is no part of the project, so that its
/// absence is never a failure, and always said.
pub fn corpus() -> Option<Vec<PathBuf>> {
    let archive = env::var_os("HELM_OCI_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/stable-charts.tar.gz"),
        PathBuf::from,
    );
    let Ok(size) = archive.metadata().map(|metadata| metadata.len()) else {
        note(&format!("skipped: there is no corpus at {}", archive.display()));
        return None;
    };
    // Another archive is another size. Tests run at once: unpack aside, and let the first one through have the name.
    let unpacked = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("corpus-{size}"));
    if !unpacked.is_dir() {
        let aside = TempDir::with_prefix_in("corpus-", env!("CARGO_TARGET_TMPDIR")).unwrap();
        let file = File::open(&archive).unwrap();
        tar::Archive::new(MultiGzDecoder::new(file)).unpack(aside.path()).unwrap();
        let renamed = fs::rename(aside.path(), &unpacked);
        assert!(renamed.is_ok() || unpacked.is_dir(), "{}: {renamed:?}", unpacked.display());
    }
    let mut charts: Vec<_> = fs::read_dir(unpacked.join("stable"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|directory| directory.join("Chart.yaml").is_file())
        .collect();
    charts.sort();
    Some(charts)
}

/// Writes a chart of these files, by their paths below `directory`.
pub fn write_chart(directory: &Path, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

/// The entries of a chart archive, however many gzip members it has.
///
/// # Panics
///
/// If a path is there twice: then it would depend on the reader what the archive holds.
pub fn read_tgz(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = File::open(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let mut archive = tar::Archive::new(MultiGzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        assert!(files.insert(name.clone(), content).is_none(), "{} has `{name}` twice", path.display());
    }
    files
}

/// Copies a directory with everything in it.
pub fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_directory(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
