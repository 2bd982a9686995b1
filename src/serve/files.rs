//! Small files and directories of the store, as everything in it reads and writes them.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempPath;

use crate::disk::{AtPath, PathError, sync_dir};

/// What a small file holds; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, PathError> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.at("read", path).map(Some),
    }
}

/// Opens a file and says how long it is; `None` if there is no such file.
pub(super) fn open(path: &Path) -> Result<Option<(File, u64)>, PathError> {
    match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        result => {
            let file = result.at("open", path)?;
            let size = file.metadata().at("inspect", path)?.len();
            Ok(Some((file, size)))
        }
    }
}

/// Removes a name for good; says whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, PathError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        result => {
            result.at("remove", path)?;
            sync_dir(parent(path))?;
            Ok(true)
        }
    }
}

/// Hands over the names in a directory, in no order and none of them kept; none if there is no such directory.
pub(super) fn each_name<E: From<PathError>>(
    dir: &Path,
    mut take: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result.at("read", dir)?,
    };
    for entry in entries {
        // All names are ours, so all are text; what somebody else has put there is none of our business.
        if let Some(name) = entry.at("read", dir)?.file_name().to_str() {
            take(name)?;
        }
    }
    Ok(())
}

/// Content before name: what has its name is complete, also after a power cut.
pub(super) fn place(file: &File, temporary: TempPath, target: &Path) -> Result<(), PathError> {
    file.sync_all().at("sync", &temporary)?;
    temporary.persist(target).map_err(|e| e.error).at("write", target)?;
    sync_dir(parent(target))
}

/// All our paths are below the root.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
