//! Walks through all entries in slices, so that processes that want to remove something never wait long.

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

/// How many entries are read under one lock: those are of one moment, and a `remove` waits for no more than these.
const SLICE: usize = 256;

/// Takes the lock anew for each slice of the work.
pub(super) struct Slices<'a> {
    root: &'a Directory,
    lock: Option<CacheLock>,
    left: usize,
}

impl<'a> Slices<'a> {
    pub(super) fn new(root: &'a Directory) -> Self {
        Self { root, lock: None, left: 0 }
    }

    /// Must be called before each entry.
    pub(super) fn next(&mut self) {
        if self.left == 0 {
            self.lock = None;
            (self.lock, self.left) = (Some(lock::read(self.root)), SLICE);
        }
        self.left -= 1;
    }
}

/// What a walk through all entries finds.
pub(super) enum Step<'a> {
    /// What is under the name of an entry.
    Entry(&'a Holder, &'a OsStr, Reference, Result<LookedUpEntry, PathError>),
    /// A directory of links that no entry uses at the moment.
    Unused(PathBuf),
    /// A place that cannot be read.
    Unreadable(Unreadable),
}

/// Walks through all entries, and calls `on` with each finding.
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
