//! The directory for temporary files, and what killed commands leave there. In a new cache it is made first. The other
//! directories are made and synced while content is coming: they are needed only when an entry is put in place.

use std::fs::File;
use std::mem;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use super::{layout, partial, staged};
use crate::disk::{self, Directory, FileKind, Named, PathError, Unsynced};
use crate::threads::{Task, locked};

/// How long an interrupted download is kept so that another command can continue it.
const PARTIAL_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The directories of a new cache that may not be synced yet.
#[derive(Debug, Default)]
pub(super) struct Scratch(Mutex<NewDirectories>);

#[derive(Debug, Default)]
struct NewDirectories {
    unsynced: Unsynced,
    /// The thread that makes and syncs the directories. If it fails, it returns those that are not synced.
    syncing: Option<Task<Result<(), (Unsynced, PathError)>>>,
}

impl Scratch {
    /// The directory for temporary files of the cache at `path`, made if it is missing.
    pub(super) fn directory(&self, path: &Path) -> Result<Arc<Directory>, PathError> {
        let mut new = self.new_directories();
        if let Some(root) = Directory::open(path.to_path_buf())?
            && let Some(scratch) = root.below(layout::SCRATCH)?
        {
            return Ok(Arc::new(scratch));
        }
        // What is waited for here was made by an earlier call, and was removed by another process since.
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

    /// Returns when all directories that were made are synced. If that fails, the next call tries it again.
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

/// The directories stay even if the command fails, and the next one takes them for synced.
impl Drop for NewDirectories {
    fn drop(&mut self) {
        if let Err(e) = self.sync() {
            log::debug!("{e}: {}", e.source);
        }
    }
}

/// Removes what killed commands have left behind. It needs no lock on the cache, because files that are in use have
/// locks of their own.
pub(super) fn clear(root: &Directory) -> Result<(), PathError> {
    let Some(mut scratch) = root.below(layout::SCRATCH)? else { return Ok(()) };
    for named in scratch.names()? {
        if let Some(_lock) = is_litter(&scratch, &named) {
            scratch.remove_all(&named.name)?;
        }
    }
    Ok(())
}

/// The lock on a temporary file that no process uses any more; None if a process uses it, if it is an interrupted
/// download of less than a day ago, or if it does not have a name of ours.
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
