//! What must outlive a power cut: the names in directories, and the content behind them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{At as _, PathError};
use crate::threads::{Pool, Task};

/// So many threads wait for the disk at once, whatever the number of charts on their way. With more of them, starting
/// and waking them takes longer than what they wait for on a fast disk.
const WAITING: usize = 4;

/// The threads that wait for the disk.
static DISK: Pool = Pool::new();

/// Something that waits for the disk.
pub type Wait = Box<dyn FnOnce() -> Result<(), PathError> + Send>;

/// Syncs several things at once. Nothing that we do takes as long as waiting for the disk, and a file system writes what is
/// asked for together in one go: ten at once take about as long as one or two.
pub fn at_once(mut syncs: Vec<Wait>) -> Result<(), PathError> {
    let Some(own) = syncs.pop() else { return Ok(()) };
    let others: Vec<_> = syncs.into_iter().map(|sync| DISK.spawn(WAITING, sync)).collect();
    let own = own();
    // All of them, whatever comes of the first; and those that nobody has begun, which are the last, are done here.
    others.into_iter().rev().map(Task::join).fold(own, Result::and)
}

/// Does something with the disk while this thread goes on.
pub fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    DISK.spawn(WAITING, work)
}

/// Makes the names in a directory last: without this, a rename may be forgotten in a power cut although the file's
/// content was synced.
pub fn sync_dir(dir: &Path) -> Result<(), PathError> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems (FUSE, CIFS) cannot sync a directory, and say so in one of these ways.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result.at("sync", dir),
    }
}

/// Makes a directory and those above it, each one to last.
pub fn make_dirs(dir: &Path) -> Result<(), PathError> {
    let mut unsynced = Unsynced::default();
    unsynced.make_dirs(dir)?;
    unsynced.sync()
}

/// Directories with new names in them that are not sure to last yet.
#[derive(Debug, Default)]
pub struct Unsynced(Vec<PathBuf>);

impl Unsynced {
    /// Takes in a directory in which something has got a new name.
    pub fn add(&mut self, dir: &Path) {
        if !self.0.iter().any(|known| known == dir) {
            self.0.push(dir.to_path_buf());
        }
    }

    /// Makes a directory and those above it.
    pub fn make_dirs(&mut self, dir: &Path) -> Result<(), PathError> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = dir.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.make_dirs(parent)?;
        }
        match fs::create_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            result => result.at("create directory", dir)?,
        }
        self.add(parent.unwrap_or(Path::new(".")));
        Ok(())
    }

    /// Makes all of them last.
    pub fn sync(&self) -> Result<(), PathError> {
        at_once(self.0.iter().cloned().map(|dir| Box::new(move || sync_dir(&dir)) as Wait).collect())
    }

    /// The same without other threads: for whoever is in no hurry.
    pub fn sync_one_by_one(&self) -> Result<(), PathError> {
        self.0.iter().try_for_each(|dir| sync_dir(dir))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn all_of_it_is_done_when_it_returns_and_no_error_is_lost() {
        thread::scope(|scope| {
            for round in 0..40 {
                scope.spawn(move || {
                    let done = Arc::new(AtomicUsize::new(0));
                    let sync = |number| -> Wait {
                        let done = Arc::clone(&done);
                        Box::new(move || {
                            thread::yield_now();
                            done.fetch_add(1, Ordering::SeqCst);
                            match number == round {
                                true => Err(io::ErrorKind::StorageFull.into()).at("sync", Path::new("a")),
                                false => Ok(()),
                            }
                        })
                    };
                    let result = at_once((0..20).map(sync).collect());
                    assert_eq!(done.load(Ordering::SeqCst), 20);
                    assert_eq!(result.is_err(), round < 20);
                });
            }
        });
        assert!(at_once(Vec::new()).is_ok());
    }
}
