//! Looking through the whole cache: for `list`, and for what nobody needs any more.

use std::io;
use std::num::NonZeroUsize;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use super::directory::Directory;
use super::{CacheError, layout};
use crate::digest::{Algorithm, Digest};
use crate::disk::PathError;

/// The directories below a path that hold entries.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Below the root.
    pub(super) paths: Vec<PathBuf>,
    /// Directories that hold nothing at all.
    pub(super) empty: Vec<PathBuf>,
}

impl Holders {
    /// Those of the repository at `path`, below `root`; with the ones of repositories below that, too, if `deep`.
    pub(super) fn of(root: &Path, path: &Path, deep: bool) -> Result<Self, PathError> {
        let mut holders = Self::default();
        holders.walk(root, path, deep)?;
        Ok(holders)
    }

    fn walk(&mut self, root: &Path, path: &Path, deep: bool) -> Result<(), PathError> {
        let Some(mut directory) = Directory::open(root.join(path))? else { return Ok(()) };
        let names = directory.names()?;
        // Only what is passed by: directories of entries are looked into by whoever wants to know.
        if names.is_empty() {
            self.empty.push(path.to_path_buf());
        }
        for named in names.iter().filter(|named| named.is_directory) {
            let Some(name) = named.name.to_str().filter(|name| !name.starts_with('.')) else { continue };
            if layout::holds_entries(name) {
                self.paths.push(path.join(name));
            } else if deep {
                self.walk(root, &path.join(name), deep)?;
            }
        }
        Ok(())
    }
}

/// Does `work` for every item, and gives the results in their order. What is looked at is in memory mostly, so that it is
/// the processor that is waited for.
pub(super) fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    /// Fewer are done before another thread has started.
    const WORTH_A_THREAD: usize = 16;
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = items.len().div_ceil(cores).max(WORTH_A_THREAD);
    let work_off = |items: &[T]| items.iter().map(&work).collect::<Vec<_>>();
    let work_off = &work_off;
    thread::scope(|scope| {
        let (first, others) = items.split_at(share.min(items.len()));
        let start = |items| (items, thread::Builder::new().spawn_scoped(scope, move || work_off(items)));
        let others: Vec<_> = others.chunks(share).map(start).collect();
        let mut results = work_off(first);
        for (items, other) in others {
            // Without another thread, one after the other.
            let other =
                other.map_or_else(|_| work_off(items), |o| o.join().unwrap_or_else(|p| resume_unwind(p)));
            results.extend(other);
        }
        results
    })
}

/// The directories of blobs, open.
pub(super) struct Blobs([(Algorithm, Option<Directory>); 2]);

impl Blobs {
    pub(super) fn open(root: &Path) -> Result<Self, PathError> {
        let open = |algorithm: Algorithm| -> Result<_, PathError> {
            Ok((algorithm, Directory::open(root.join("blobs").join(algorithm.name()))?))
        };
        Ok(Self([open(Algorithm::Sha256)?, open(Algorithm::Sha512)?]))
    }

    /// The size of a blob.
    pub(super) fn size(&self, digest: &Digest) -> Result<u64, CacheError> {
        let missing = || CacheError::Missing(digest.clone());
        let of_its_kind = self.0.iter().find(|(algorithm, _)| *algorithm == digest.algorithm());
        let directory = of_its_kind.and_then(|(_, directory)| directory.as_ref()).ok_or_else(missing)?;
        match directory.size(digest.hex()) {
            Ok(Some(size)) => Ok(size),
            Ok(None) => Err(CacheError::Damaged { digest: digest.clone() }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(missing()),
            Err(source) => {
                Err(PathError { verb: "read", path: directory.path().join(digest.hex()), source }.into())
            }
        }
    }
}
