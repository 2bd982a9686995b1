//! Looking through the whole cache: for `list`, and for what nobody needs any more.

use std::io;
use std::path::{Path, PathBuf};

use super::{CacheError, layout};
use crate::digest::{Algorithm, Digest};
use crate::disk::{Directory, PathError};

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

/// What is in a directory, hidden or not; nothing if there is none.
pub(super) fn children(directory: &Path) -> Result<Vec<PathBuf>, PathError> {
    let Some(mut directory) = Directory::open(directory.to_path_buf())? else { return Ok(Vec::new()) };
    let names = directory.names()?;
    Ok(names.iter().map(|named| directory.path().join(&named.name)).collect())
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
