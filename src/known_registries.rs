//! Remembers in a file how each registry wants to be authenticated to. That saves a request, and contains no secrets.
//! Nothing depends on it: errors with the file are only shown with `--debug`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use crate::disk::{self, AtPath as _, PathError, make_dirs};
use crate::registry::{Hint, Hints};
use crate::threads::locked;

/// How many registries are remembered at most, more than any user has. Beyond that the file is started again.
const MOST: usize = 500;

/// The file with a user's registries. It is read once; what other processes write meanwhile is used by the next
/// process.
pub struct KnownRegistries {
    path: PathBuf,
    read: Mutex<Option<BTreeMap<String, Hint>>>,
}

impl KnownRegistries {
    /// The file at `path`, which need not exist.
    pub fn at(path: PathBuf) -> Self {
        Self { path, read: Mutex::default() }
    }

    fn read(&self) -> MutexGuard<'_, Option<BTreeMap<String, Hint>>> {
        locked(&self.read)
    }
}

impl Hints for KnownRegistries {
    fn get(&self, origin: &str) -> Option<Hint> {
        self.read().get_or_insert_with(|| read(&self.path)).get(origin).cloned()
    }

    fn put(&self, origin: &str, hint: &Hint) {
        write(&self.path, origin, hint);
        *self.read() = None;
    }
}

/// All registries in the file, by origin: `https://registry.example.com`.
fn read(path: &Path) -> BTreeMap<String, Hint> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        // The file is only created when there is something to remember.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return BTreeMap::new(),
        Err(error) => {
            log::debug!("{}: {error}", path.display());
            return BTreeMap::new();
        }
    };
    serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        log::debug!("{}: {error}", path.display());
        BTreeMap::new()
    })
}

/// Adds one registry to the file. If two processes write at once, one may overwrite the other, which then learns it
/// again.
fn write(path: &Path, origin: &str, hint: &Hint) {
    let mut all = read(path);
    if all.get(origin) == Some(hint) {
        return;
    }
    if all.len() >= MOST {
        all.clear();
    }
    all.insert(origin.to_owned(), hint.clone());
    if let Err(error) = replace(path, &all) {
        log::debug!("{error}: {}", error.source);
    }
}

/// Writes a file that only its owner can read, as the registries that a user works with are private.
fn replace(path: &Path, all: &BTreeMap<String, Hint>) -> Result<(), PathError> {
    let path = disk::target(path);
    make_dirs(path.parent().unwrap_or(Path::new(".")))?;
    let text = serde_json::to_vec_pretty(all).map_err(std::io::Error::other).at("write", &path)?;
    // It is not synced: after a power failure it is learned again.
    disk::replace(&path, &text, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::testing;

    #[test]
    fn what_is_written_is_read_and_nothing_else_matters() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/registries.json");
        assert!(read(&path).is_empty());
        let bearer = Hint::Bearer { realm: "https://r/t".into(), service: Some("s".into()) };
        let basic = Hint::Basic;
        write(&path, "https://a", &bearer);
        write(&path, "http://localhost:5000", &basic);
        write(&path, "https://a", &bearer);
        assert_eq!(
            read(&path).into_iter().collect::<Vec<_>>(),
            [("http://localhost:5000".to_owned(), basic.clone()), ("https://a".to_owned(), bearer)]
        );
        assert_eq!(testing::mode(&path), 0o600);
        fs::write(&path, "{ no JSON").unwrap();
        assert!(read(&path).is_empty());
        write(&path, "https://b", &basic);
        assert_eq!(read(&path).len(), 1);
        // A path that cannot be written is not a failure.
        write(&path.join("c"), "https://b", &basic);
    }
}
