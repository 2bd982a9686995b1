//! Files: errors that name their path, and writes that are whole or absent.

use std::fs::{self, File};
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

/// An I/O error and the path where it happened. A bare `io::Error` never travels on.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {}", path.display())]
pub struct PathError {
    /// What was tried: `read`, `write`, …
    pub verb: &'static str,
    /// Where.
    pub path: PathBuf,
    /// What the system said.
    pub source: io::Error,
}

/// Puts verb and path on an I/O error.
pub trait At<T> {
    /// `cannot <verb> <path>`
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, verb: &'static str, path: &Path) -> Result<T, PathError> {
        self.map_err(|source| PathError { verb, path: path.to_path_buf(), source: bare(source) })
    }
}

/// The tempfile crate writes a path of its own into an error's text, `… (os error 30) at path "…"`: the temporary one,
/// which says nothing to anybody.
pub fn bare(error: io::Error) -> io::Error {
    if error.raw_os_error().is_some() {
        return error;
    }
    let text = error.to_string();
    let number = text.split_once(" (os error ").and_then(|(_, rest)| rest.split_once(") at path "));
    number.and_then(|(number, _)| number.parse().ok()).map_or(error, io::Error::from_raw_os_error)
}

/// Makes the names in a directory last: without this, a rename may be forgotten in a power cut although the file's
/// content was synced.
pub fn sync_dir(dir: &Path) -> Result<(), PathError> {
    match File::open(dir).and_then(|dir| dir.sync_all()) {
        // Some file systems (FUSE, CIFS) cannot sync a directory, and say so in one of these ways.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        result => result.at("sync", dir),
    }
}

/// Makes a directory and those above it, each one to last.
pub fn make_dirs(dir: &Path) -> Result<(), PathError> {
    let mut unsynced = Unsynced::default();
    unsynced.make_dirs(dir)?;
    unsynced.sync()
}

/// Directories with new names in them that are not sure to last yet.
#[derive(Debug, Default)]
pub struct Unsynced(Vec<PathBuf>);

impl Unsynced {
    /// Takes in a directory in which something has got a new name.
    pub fn add(&mut self, dir: &Path) {
        if !self.0.iter().any(|known| known == dir) {
            self.0.push(dir.to_path_buf());
        }
    }

    /// Makes a directory and those above it.
    pub fn make_dirs(&mut self, dir: &Path) -> Result<(), PathError> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = dir.parent().filter(|p| !p.as_os_str().is_empty());
        if let Some(parent) = parent {
            self.make_dirs(parent)?;
        }
        match fs::create_dir(dir) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => {}
            result => result.at("create directory", dir)?,
        }
        self.add(parent.unwrap_or(Path::new(".")));
        Ok(())
    }

    /// Makes all of them last.
    pub fn sync(&self) -> Result<(), PathError> {
        at_once(self.0.len(), &|number| sync_dir(&self.0[number]))
    }
}

/// Syncs things that have a number, all at once. Nothing that we do takes as long as waiting for the disk, and a file system
/// writes what is asked for together in one go: ten at once take about as long as one or two.
pub fn at_once(
    count: usize,
    sync: &(dyn Fn(usize) -> Result<(), PathError> + Sync),
) -> Result<(), PathError> {
    let Some(last) = count.checked_sub(1) else { return Ok(()) };
    thread::scope(|scope| {
        let start = |number| (number, thread::Builder::new().spawn_scoped(scope, move || sync(number)));
        let others: Vec<_> = (0..last).map(start).collect();
        others.into_iter().fold(sync(last), |result, (number, other)| {
            // Without another thread, one after the other.
            let synced =
                other.map_or_else(|_| sync(number), |o| o.join().unwrap_or_else(|p| resume_unwind(p)));
            result.and(synced)
        })
    })
}
