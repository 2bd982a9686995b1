//! The directory for temporary files, and what is left behind there. It is the first that is made of a new cache: what
//! every cache has besides is made, and all of it synced, while bytes are on their way. It is needed only once an entry is
//! put in its place.

use std::fs::File;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{layout, partial, staged};
use crate::disk::{self, Directory, FileKind, Named, PathError, Unsynced};
use crate::threads::{Task, locked};

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
    /// Where temporary files of the cache at `path` are made.
    pub(super) fn directory(&self, path: &Path) -> Result<Arc<Directory>, PathError> {
        let mut new = self.new_directories();
        if let Some(root) = Directory::open(path.to_path_buf())?
            && let Some(scratch) = root.below(layout::SCRATCH)?
        {
            return Ok(Arc::new(scratch));
        }
        // There is one list for these and for what somebody has taken away again.
        new.sync()?;
        let root = Directory::make_at(path, &mut new.unsynced)?;
        let scratch = root.make(layout::SCRATCH, &mut new.unsynced)?;
        let mut unsynced = mem::take(&mut new.unsynced);
        new.syncing = Some(disk::in_background(move || {
            let made =
                layout::DIRECTORIES.iter().try_for_each(|name| root.make(name, &mut unsynced).map(drop));
            made.and_then(|()| unsynced.sync_one_by_one()).map_err(|error| (unsynced, error))
        }));
        Ok(scratch)
    }

    /// Returns when all directories that were made last. What failed is tried again at the next call.
    pub(super) fn sync(&self) -> Result<(), PathError> {
        self.new_directories().sync()
    }

    fn new_directories(&self) -> MutexGuard<'_, NewDirectories> {
        locked(&self.0)
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
pub(super) fn clear(root: &Directory) -> Result<(), PathError> {
    let Some(mut scratch) = root.below(layout::SCRATCH)? else { return Ok(()) };
    for named in scratch.names()? {
        if let Some(_lock) = is_litter(&scratch, &named) {
            scratch.remove_all(&named.name)?;
        }
    }
    Ok(())
}

/// The lock on a temporary file that no process uses any more, or nothing if one does. Files that are not called as ours are
/// never count.
pub(super) fn is_litter(scratch: &Directory, named: &Named) -> Option<File> {
    let name = named.name.to_str().filter(|_| named.kind == FileKind::File)?;
    let is_partial = name.ends_with(partial::SUFFIX);
    if !is_partial && !name.starts_with(staged::PREFIX) {
        return None;
    }
    if is_partial && disk::age(scratch, &named.name).is_none_or(|age| age <= PARTIAL_AGE) {
        return None;
    }
    disk::left_behind(scratch, &named.name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_directory_that_was_taken_away_is_made_again() {
        let home = tempfile::tempdir().unwrap();
        let (root, scratch) = (home.path().join("a/b"), Scratch::default());
        for _ in 0..3 {
            assert_eq!(scratch.directory(&root).unwrap().path(), root.join("tmp"));
            assert!(root.join("tmp").is_dir());
            scratch.sync().unwrap();
            fs::remove_dir_all(home.path().join("a")).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_made_is_an_error_until_it_can() {
        let home = tempfile::tempdir().unwrap();
        let (root, scratch) = (home.path().join("cache"), Scratch::default());
        fs::create_dir(&root).unwrap();
        fs::write(root.join("blobs"), "a file").unwrap();
        scratch.directory(&root).unwrap();
        assert_eq!(scratch.sync().unwrap_err().path, root.join("blobs"));
        fs::remove_file(root.join("blobs")).unwrap();
        fs::remove_dir(root.join("tmp")).unwrap();
        scratch.directory(&root).unwrap();
        scratch.sync().unwrap();
        assert!(root.join("blobs/sha256").is_dir());
    }
}
