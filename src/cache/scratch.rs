//! The directory for temporary files, and what is left behind there. It is the first that is made of a new cache: what
//! every cache has besides is made, and all of it synced, while bytes are on their way. Nobody relies on it before an
//! entry is put in its place.

use std::fs::File;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::layout;
use super::walk::children;
use crate::disk::{self, PathError, Unsynced, remove_all};
use crate::threads::Task;

/// An interrupted download is kept for the next try of the same day.
const PARTIAL_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Whether the directories of a cache that is new will last.
#[derive(Debug, Default)]
pub(super) struct Scratch(Mutex<NewDirectories>);

#[derive(Debug, Default)]
struct NewDirectories {
    unsynced: Unsynced,
    /// Gives back what could not be synced.
    syncing: Option<Task<Result<(), (Unsynced, PathError)>>>,
}

impl Scratch {
    /// Where temporary files of the cache at `root` are made.
    pub(super) fn directory(&self, root: &Path) -> Result<PathBuf, PathError> {
        let path = root.join("tmp");
        let mut new = self.new_directories();
        if !path.is_dir() {
            // There is one list for these and for what somebody has taken away again.
            new.sync()?;
            new.unsynced.make_dirs(&path)?;
            let (mut unsynced, root) = (mem::take(&mut new.unsynced), root.to_path_buf());
            new.syncing = Some(disk::in_background(move || {
                let made =
                    layout::DIRECTORIES.iter().try_for_each(|name| unsynced.make_dirs(&root.join(name)));
                made.and_then(|()| unsynced.sync_one_by_one()).map_err(|error| (unsynced, error))
            }));
        }
        Ok(path)
    }

    /// Returns when all that was made lasts. What failed once is tried again by whoever comes next.
    pub(super) fn sync(&self) -> Result<(), PathError> {
        self.new_directories().sync()
    }

    /// Whoever panics leaves nothing half done.
    fn new_directories(&self) -> MutexGuard<'_, NewDirectories> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NewDirectories {
    fn sync(&mut self) -> Result<(), PathError> {
        if let Some(syncing) = self.syncing.take() {
            return syncing.join().map_err(|(unsynced, error)| {
                self.unsynced = unsynced;
                error
            });
        }
        self.unsynced.sync()?;
        self.unsynced = Unsynced::default();
        Ok(())
    }
}

/// A command that fails leaves directories, which the next one takes for lasting.
impl Drop for NewDirectories {
    fn drop(&mut self) {
        if let Err(e) = self.sync() {
            log::debug!("{e}: {}", e.source);
        }
    }
}

/// Removes what commands that were killed have left behind. Needs no lock on the cache: none of it is anybody's.
pub(super) fn clear(root: &Path) -> Result<(), PathError> {
    for path in children(&root.join("tmp"))? {
        if let Some(_lock) = is_litter(&path) {
            remove_all(&path)?;
        }
    }
    Ok(())
}

/// Whether a temporary file is nobody's any more. With the lock that says so.
pub(super) fn is_litter(path: &Path) -> Option<File> {
    let partial = path.extension().is_some_and(|e| e == "partial");
    if partial && disk::age(path).is_none_or(|age| age <= PARTIAL_AGE) {
        return None;
    }
    disk::left_behind(path)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_directory_that_was_taken_away_is_made_again() {
        let home = tempfile::tempdir().unwrap();
        let (root, scratch) = (home.path().join("a/b"), Scratch::default());
        for _ in 0..3 {
            assert_eq!(scratch.directory(&root).unwrap(), root.join("tmp"));
            assert!(root.join("tmp").is_dir());
            scratch.sync().unwrap();
            fs::remove_dir_all(home.path().join("a")).unwrap();
        }
    }

    #[test]
    fn what_could_not_be_synced_is_an_error_until_it_can() {
        let home = tempfile::tempdir().unwrap();
        let (root, scratch) = (home.path().join("cache"), Scratch::default());
        scratch.directory(&root).unwrap();
        scratch.sync().unwrap();
        // As if it had been made just now, and had gone before it was synced.
        let gone = home.path().join("gone");
        scratch.new_directories().unsynced.add(&gone);
        assert_eq!(scratch.sync().unwrap_err().path, gone);
        assert_eq!(scratch.sync().unwrap_err().path, gone);
        fs::create_dir(&gone).unwrap();
        fs::set_permissions(&gone, fs::Permissions::from_mode(0o700)).unwrap();
        scratch.sync().unwrap();
    }
}
