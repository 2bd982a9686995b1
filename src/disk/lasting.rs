//! Syncs what must outlive a power cut: the names in directories, and the content of files.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use super::directory::Directory;
use super::path_error::{AtPath as _, PathError};
use crate::threads::{Pool, Task};

/// How many threads wait for the disk at once, at most, for any number of charts. More of them would take longer to
/// start and to wake than a fast disk takes.
const WAITING: usize = 4;

/// The threads that wait for the disk.
static DISK: Pool = Pool::new();

/// A call that waits for the disk, such as a sync.
pub type Wait = Box<dyn FnOnce() -> Result<(), PathError> + Send>;

/// Makes several syncs at once. Waiting for the disk takes longer than anything else that we do, and a file system
/// writes what is requested together in one go: ten syncs at once take about as long as one or two. Returns the first
/// error after all have ended.
pub fn at_once(mut syncs: Vec<Wait>) -> Result<(), PathError> {
    let Some(own) = syncs.pop() else { return Ok(()) };
    let others: Vec<_> = syncs.into_iter().map(|sync| DISK.spawn(WAITING, sync)).collect();
    let own = own();
    // All are waited for, even if one fails. Those that no thread has begun yet, which are the last ones, are run here.
    others.into_iter().rev().map(Task::join).fold(own, Result::and)
}

/// Runs `work` in a thread that may wait for the disk, while this thread goes on.
pub fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Task<T> {
    DISK.spawn(WAITING, work)
}

/// Syncs the directory at `path`, so that the names in it outlive a power cut.
pub fn sync_dir(path: &Path) -> Result<(), PathError> {
    match Directory::open_existing(path.to_path_buf()) {
        Ok(directory) => directory.sync(),
        Err(error) => Err(PathError { verb: "sync", ..error }),
    }
}

/// Makes a directory and those above it that are missing, and syncs the directories that got new names.
pub fn make_dirs(path: &Path) -> Result<(), PathError> {
    let mut unsynced = Unsynced::default();
    unsynced.make_dirs(path)?;
    unsynced.sync()
}

/// A list of directories that have new names in them and must be synced.
#[derive(Debug, Default)]
pub struct Unsynced(Vec<Arc<Directory>>);

impl Unsynced {
    /// Notes a directory in which a name was made or changed, to be synced later.
    pub fn add(&mut self, directory: &Arc<Directory>) {
        if !self.0.iter().any(|known| known.path() == directory.path()) {
            self.0.push(Arc::clone(directory));
        }
    }

    /// Makes the directory at a path that the user has given, and those above it, and notes the directories that got
    /// new names.
    pub fn make_dirs(&mut self, path: &Path) -> Result<(), PathError> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.make_dirs(parent)?;
        }
        match fs::create_dir(path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {}
            result => result.at("create directory", path)?,
        }
        let parent = parent.unwrap_or(Path::new("."));
        self.add(&Arc::new(Directory::open_existing(parent.to_path_buf())?));
        Ok(())
    }

    /// Syncs all the directories at once.
    pub fn sync(&self) -> Result<(), PathError> {
        let wait = |directory: &Arc<Directory>| {
            let directory = Arc::clone(directory);
            Box::new(move || directory.sync()) as Wait
        };
        at_once(self.0.iter().map(wait).collect())
    }

    /// Syncs the directories one after the other in this thread.
    pub fn sync_one_by_one(&self) -> Result<(), PathError> {
        self.0.iter().try_for_each(|directory| directory.sync())
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
