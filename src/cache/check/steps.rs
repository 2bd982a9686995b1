//! The walk through all entries, in slices: none of them keeps anybody from removing something for long.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::cache::error::CacheError;
use crate::cache::holder::{Holder, LookedUpEntry};
use crate::cache::lock::{self, CacheLock};
use crate::cache::walk::{Holders, Unreadable};
use crate::cache::{layout, prepared};
use crate::disk::{Directory, PathError};
use crate::reference::Reference;

/// How many entries are read under one lock: they are of one moment, and a `remove` waits no longer than that.
const SLICE: usize = 256;

/// Holds the lock for a slice of the work at a time.
pub(super) struct Slices<'a> {
    root: &'a Directory,
    lock: Option<CacheLock>,
    left: usize,
}

impl<'a> Slices<'a> {
    pub(super) fn new(root: &'a Directory) -> Self {
        Self { root, lock: None, left: 0 }
    }

    /// Before each entry.
    pub(super) fn next(&mut self) {
        if self.left == 0 {
            self.lock = None;
            (self.lock, self.left) = (Some(lock::read(self.root)), SLICE);
        }
        self.left -= 1;
    }
}

/// What is found on a walk through all entries.
pub(super) enum Step<'a> {
    /// What is under the name of an entry.
    Entry(&'a Holder, &'a OsStr, Reference, Result<LookedUpEntry, PathError>),
    /// The directory of links that no entry leads to just now.
    Unused(PathBuf),
    /// What cannot be looked into.
    Unreadable(Unreadable),
}

/// Walks through all entries.
pub(super) fn walk(root: &Directory, mut on: impl FnMut(Step<'_>)) -> Result<(), CacheError> {
    let holders = {
        let _lock = lock::read(root);
        match Holders::all(root) {
            Ok(holders) => holders,
            Err(error) => {
                on(Step::Unreadable(Unreadable::new(Path::new(layout::REFS), error)));
                return Ok(());
            }
        }
    };
    holders.unreadable.into_iter().for_each(|unreadable| on(Step::Unreadable(unreadable)));
    let mut slices = Slices::new(root);
    for path in holders.paths {
        slices.next();
        if let Err(error) = walk_holder(root, &path, &mut slices, &mut on) {
            on(Step::Unreadable(Unreadable::new(&path, error)));
        }
    }
    Ok(())
}

fn walk_holder(
    root: &Directory,
    path: &Path,
    slices: &mut Slices<'_>,
    on: &mut impl FnMut(Step<'_>),
) -> Result<(), PathError> {
    let Some(mut holder) = Holder::open(root, path)? else { return Ok(()) };
    let names = holder.names()?;
    let mut used = HashMap::new();
    for name in names.iter().map(|named| named.name.as_os_str()) {
        let Some(reference) = holder.reference(name) else { continue };
        slices.next();
        let looked = holder.look(name);
        if let (Ok(LookedUpEntry::Entry(links)), Some(name)) = (&looked, name.to_str()) {
            used.extend(links.directory.clone().map(|directory| (name, directory)));
        }
        on(Step::Entry(&holder, name, reference, looked));
    }
    for name in prepared::litter(&names, |name| used.get(name).cloned()) {
        on(Step::Unused(path.join(name)));
    }
    Ok(())
}
