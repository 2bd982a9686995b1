//! Directories as values, to compare them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use oci::digest::Digest;

use super::home::Home;

/// The content of the files below `directory`, by their paths in it.
pub fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    walk(directory, "", &mut |path, at| {
        if fs::symlink_metadata(at).unwrap().is_file() {
            found.insert(path.to_owned(), fs::read(at).unwrap());
        }
    });
    found
}

/// Everything below `directory`, empty directories and links too; nothing if it does not exist.
pub fn snapshot(directory: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(directory, "", &mut |path, at| {
        let metadata = fs::symlink_metadata(at).unwrap();
        let what = if metadata.is_symlink() {
            format!("-> {}", fs::read_link(at).unwrap().display())
        } else if metadata.is_file() {
            format!("{:o} {}", metadata.permissions().mode() & 0o777, Digest::of(&fs::read(at).unwrap()))
        } else {
            "a directory".to_owned()
        };
        found.insert(path.to_owned(), what);
    });
    found
}

fn walk(directory: &Path, above: &str, visit: &mut dyn FnMut(&str, &Path)) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = if above.is_empty() { name } else { format!("{above}/{name}") };
        visit(&path, &entry.path());
        if entry.file_type().unwrap().is_dir() {
            walk(&entry.path(), &path, visit);
        }
    }
}

impl Home {
    /// Where the cache has the entry of a reference with a tag.
    pub fn entry(&self, reference: &str) -> PathBuf {
        let (repository, tag) = reference.rsplit_once(':').unwrap();
        self.cache().join("refs").join(repository.replacen(':', "_", 1)).join("tags").join(tag)
    }

    /// Where the link `name` in the entry of a reference leads to.
    pub fn blob(&self, reference: &str, name: &str) -> PathBuf {
        fs::canonicalize(self.entry(reference).join(name)).unwrap()
    }

    /// The digest that the link `name` in the entry of a reference leads to.
    pub fn linked(&self, reference: &str, name: &str) -> String {
        let link = fs::read_link(self.entry(reference).join(name)).unwrap();
        format!("sha256:{}", link.file_name().unwrap().to_str().unwrap())
    }

    /// Makes the entry of a reference so many seconds old.
    pub fn age(&self, reference: &str, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        File::open(self.entry(reference)).unwrap().set_modified(then).unwrap();
    }

    /// Makes the last use of a reference so many seconds old.
    pub fn unused(&self, reference: &str, seconds: u64) {
        let then = SystemTime::now() - Duration::from_secs(seconds);
        let then = then.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let touched =
            Command::new("touch").args(["-h", "-d", &format!("@{then}")]).arg(self.entry(reference)).status();
        assert!(touched.unwrap().success());
    }

    /// When a reference was last used.
    pub fn used(&self, reference: &str) -> SystemTime {
        fs::symlink_metadata(self.entry(reference)).unwrap().modified().unwrap()
    }

    /// Writes other bytes into a blob than its name promises.
    pub fn damage(&self, blob: &Path) {
        let mut bytes = fs::read(blob).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        // It is read-only.
        fs::remove_file(blob).unwrap();
        fs::write(blob, bytes).unwrap();
    }

    /// The digests of the blobs in the cache, sorted.
    pub fn blobs(&self) -> Vec<String> {
        let blobs = files(&self.cache().join("blobs/sha256"));
        for (name, content) in &blobs {
            assert_eq!(format!("sha256:{name}"), Digest::of(content).to_string());
        }
        blobs.into_keys().map(|name| format!("sha256:{name}")).collect()
    }
}
