//! Reads, writes and removes small files of the store, and reads its directories.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use tempfile::TempPath;

use crate::disk::{AtPath, PathError, sync_dir};

/// The content of a small file; `None` if there is no such file.
pub(super) fn read(path: &Path) -> Result<Option<String>, PathError> {
    match fs::read_to_string(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.at("read", path).map(Some),
    }
}

/// Opens a file and returns it with its size in bytes; `None` if there is no such file.
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

/// Removes a file durably. Returns whether it was there.
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

/// Calls `take` with each name in a directory, in any order; with none if the directory does not exist.
pub(super) fn each_name<E: From<PathError>>(
    dir: &Path,
    mut take: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let entries = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        result => result.at("read", dir)?,
    };
    for entry in entries {
        // All names of ours are UTF-8; anything else is not ours and is skipped.
        if let Some(name) = entry.at("read", dir)?.file_name().to_str() {
            take(name)?;
        }
    }
    Ok(())
}

/// Syncs a file, and then gives it its name: a file that has its name is complete, even after a power failure.
pub(super) fn place(file: &File, temporary: TempPath, target: &Path) -> Result<(), PathError> {
    file.sync_all().at("sync", &temporary)?;
    temporary.persist(target).map_err(|e| e.error).at("write", target)?;
    sync_dir(parent(target))
}

/// The directory of a path. All paths here are below the root.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
