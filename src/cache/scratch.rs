//! The directory for temporary files. What has to be made for it, up to the cache itself, is made to last while bytes are
//! on their way: nobody relies on it before an entry is put in its place.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::disk::{PathError, Unsynced};
use crate::threads::Task;

/// Whether the directories that a temporary file needed will last.
#[derive(Debug, Default)]
pub(super) struct Scratch(Mutex<Made>);

#[derive(Debug, Default)]
struct Made {
    unsynced: Unsynced,
    syncing: Option<Task<Result<(), PathError>>>,
}

impl Scratch {
    /// Where temporary files of the cache at `root` are made.
    pub(super) fn directory(&self, root: &Path) -> Result<PathBuf, PathError> {
        let path = root.join("tmp");
        let mut made = self.made();
        if !path.is_dir() {
            // There is one list for these and for what somebody has taken away again.
            made.lasts()?;
            made.unsynced.make_dirs(&path)?;
            made.syncing = Some(made.unsynced.sync_meanwhile());
        }
        Ok(path)
    }

    /// Returns when all that was made lasts. What failed once is tried again by whoever comes next.
    pub(super) fn lasts(&self) -> Result<(), PathError> {
        self.made().lasts()
    }

    /// Whoever panics leaves nothing half done.
    fn made(&self) -> MutexGuard<'_, Made> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Made {
    fn lasts(&mut self) -> Result<(), PathError> {
        match self.syncing.take() {
            Some(syncing) => syncing.result()?,
            None => self.unsynced.sync()?,
        }
        self.unsynced = Unsynced::default();
        Ok(())
    }
}
