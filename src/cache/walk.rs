//! Finds all directories that hold entries.

use std::path::{Path, PathBuf};

use super::error::CacheError;
use super::layout;
use crate::disk::{Directory, FileKind, Foreign, PathError};

/// The directories of entries below a path.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// The paths of these directories, relative to the root.
    pub(super) paths: Vec<PathBuf>,
    /// The paths of empty directories, relative to the root.
    pub(super) empty: Vec<PathBuf>,
    /// The directories that could not be read.
    pub(super) unreadable: Vec<Unreadable>,
}

/// A place where a directory may hold entries that cannot be read, or where something else is.
#[derive(Debug)]
pub struct Unreadable {
    /// The path, relative to the root.
    pub path: PathBuf,
    /// Why it cannot be read.
    pub error: CacheError,
}

impl Unreadable {
    pub(super) fn new(path: &Path, error: impl Into<CacheError>) -> Self {
        Self { path: path.to_path_buf(), error: error.into() }
    }

    /// The beginning of all references whose entries it may hold.
    pub fn references(&self) -> String {
        layout::beginning(&self.path)
    }

    /// Whether there may be entries in it. A file or a fifo holds none.
    pub(super) fn may_hold_entries(&self) -> bool {
        let found = match &self.error {
            CacheError::Foreign(error) => Foreign::in_error(error).map(|foreign| foreign.found),
            _ => None,
        };
        matches!(found, None | Some(FileKind::Directory | FileKind::Link))
    }
}

impl Holders {
    /// All directories of entries in the cache. An error if the first directory cannot be read.
    pub(super) fn all(root: &Directory) -> Result<Self, PathError> {
        Self::of(root, Path::new(layout::REFS), true)
    }

    /// The directories of entries of the repository at `path`; with `deep` also those of repositories below it.
    pub(super) fn of(root: &Directory, path: &Path, deep: bool) -> Result<Self, PathError> {
        let mut holders = Self::default();
        if let Some(mut directory) = root.below(path)? {
            holders.walk(&mut directory, path, deep)?;
        }
        Ok(holders)
    }

    fn walk(&mut self, directory: &mut Directory, path: &Path, deep: bool) -> Result<(), PathError> {
        let names = directory.names()?;
        // What is in directories of entries is not read here; the caller does that if it needs to.
        if names.is_empty() {
            self.empty.push(path.to_path_buf());
        }
        for named in names.iter().filter(|named| !named.is_hidden()) {
            let Some(name) = named.name.to_str() else { continue };
            let path = path.join(name);
            let holds_entries = layout::holds_entries(name);
            if !holds_entries && !deep {
                continue;
            }
            if named.kind != FileKind::Directory {
                let error = Foreign { found: named.kind, wanted: FileKind::Directory };
                self.unreadable.push(Unreadable::new(&path, error.at(&directory.path().join(name))));
            } else if holds_entries {
                self.paths.push(path);
            } else if path.components().count() >= layout::DEEPEST {
                let error = std::io::Error::other("it is nested too deeply");
                let error = PathError { verb: "read", path: directory.path().join(name), source: error };
                self.unreadable.push(Unreadable::new(&path, error));
            } else {
                let walked = match directory.below(name) {
                    Ok(Some(mut child)) => self.walk(&mut child, &path, deep),
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                };
                if let Err(error) = walked {
                    self.unreadable.push(Unreadable::new(&path, error));
                }
            }
        }
        Ok(())
    }
}
