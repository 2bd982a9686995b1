//! Looking for all directories that hold entries.

use std::path::{Path, PathBuf};

use super::error::CacheError;
use super::layout;
use crate::disk::{Directory, FileKind, Foreign, PathError};

/// The directories below a path that hold entries.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Below the root.
    pub(super) paths: Vec<PathBuf>,
    /// Directories that hold nothing at all.
    pub(super) empty: Vec<PathBuf>,
    /// What could not be looked into.
    pub(super) unreadable: Vec<Unreadable>,
}

/// A directory that may hold entries, and cannot be read; or something else in the place of one.
#[derive(Debug)]
pub struct Unreadable {
    /// Where it is, below the root.
    pub path: PathBuf,
    /// Why.
    pub error: CacheError,
}

impl Unreadable {
    pub(super) fn new(path: &Path, error: impl Into<CacheError>) -> Self {
        Self { path: path.to_path_buf(), error: error.into() }
    }

    /// How all references begin that it may hold.
    pub fn references(&self) -> String {
        layout::beginning(&self.path)
    }

    /// Whether there may be entries in it. A file or a fifo has none.
    pub(super) fn may_hold_entries(&self) -> bool {
        let found = match &self.error {
            CacheError::Foreign(error) => Foreign::in_error(error).map(|foreign| foreign.found),
            _ => None,
        };
        matches!(found, None | Some(FileKind::Directory | FileKind::Link))
    }
}

impl Holders {
    /// All of them. That there is no telling at all is an error.
    pub(super) fn all(root: &Directory) -> Result<Self, PathError> {
        Self::of(root, Path::new(layout::REFS), true)
    }

    /// Those of the repository at `path`; with the ones of repositories below that, too, if `deep`.
    pub(super) fn of(root: &Directory, path: &Path, deep: bool) -> Result<Self, PathError> {
        let mut holders = Self::default();
        if let Some(mut directory) = root.below(path)? {
            holders.walk(&mut directory, path, deep)?;
        }
        Ok(holders)
    }

    fn walk(&mut self, directory: &mut Directory, path: &Path, deep: bool) -> Result<(), PathError> {
        let names = directory.names()?;
        // Directories of entries are not looked into here: the caller does that if it wants to know.
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
