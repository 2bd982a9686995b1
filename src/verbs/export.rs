//! Unpacks a chart of the cache into a directory, where it can be edited.

use std::cell::Cell;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use super::layer::Layer;
use super::outcome::Summary;
use crate::cache::{Cache, CacheError};
use crate::chart::{self, ChartError};
use crate::disk::{self, AtPath as _, Directory, FileKind, PathError};
use crate::reference::Reference;

/// Why a chart was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The cache has no such chart, or a damaged one.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The destination cannot be read or written.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The destination exists already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The chart's name looks like the name of an unfinished export, which a later export would remove.
    #[error("the chart is called `{0}`, as directories of unfinished exports are")]
    Reserved(String),
    /// The archive contains something that must not be unpacked.
    #[error("cannot unpack the chart")]
    Chart(#[from] ChartError),
}

/// Unpacks the chart into `<destination>/<name>`, which appears only when it is complete. An existing one is replaced
/// only with `force`; otherwise the error is `Exists`.
pub fn export(
    cache: &Cache,
    reference: &Reference,
    destination: &Path,
    force: bool,
) -> Result<(Summary, PathBuf), ExportError> {
    let layer = Layer::open(cache, reference)?;
    if layer.metadata.name.starts_with(disk::PREFIX) {
        return Err(ExportError::Reserved(layer.metadata.name));
    }
    let target = destination.join(&layer.metadata.name);
    // An empty path means the current directory.
    let destination = if destination.as_os_str().is_empty() { Path::new(".") } else { destination };
    let there = fs::symlink_metadata(&target).is_ok();
    if there && !force {
        return Err(ExportError::Exists(target));
    }
    let name = OsStr::new(&layer.metadata.name);
    // Removes the directories it has made unless the export succeeds. It is dropped after the directory below, which is
    // inside them.
    let made = MadeDirectories::new(destination)?;
    let mut place = Directory::open_existing(destination.to_path_buf())?;
    // Removes leftovers of exports of this chart that were killed. One that holds a replaced directory is kept, as that
    // may be the only copy.
    let is_litter = |left: &Directory| matches!(left.kind(OLD), Ok(None));
    disk::clear_left_behind(&mut place, name, FileKind::Directory, is_litter);
    let place = Arc::new(place);
    let fresh = FreshDirectory::new(&place, name)?;
    let package = layer.read().at("read", cache.root())?;
    if let Err(error) = chart::unpack(package, &fresh.path(), cache.budget()) {
        // A damaged blob fails in many ways; the error should say that it is damaged.
        return Err(layer.blame().map_or(ExportError::Chart(error), ExportError::Cache));
    }
    if there {
        // The former directory is now in our temporary one, and is removed with it.
        replace(fresh, name, &target)?;
    } else if let Err(error) = fresh.put(name) {
        return Err(match error.kind() {
            // Another process has created it meanwhile.
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => ExportError::Exists(target),
            _ => PathError { verb: "write", path: target, source: error }.into(),
        });
    }
    made.keep();
    Ok((layer.summary(), target))
}

/// Puts the unpacked directory in the place of `target`, in one step where the system can do that: if the process is
/// killed, one or the other is there.
fn replace(fresh: FreshDirectory, name: &OsStr, target: &Path) -> Result<(), PathError> {
    let place = Arc::clone(&fresh.place);
    let Err(error) = place.exchange(&fresh.name, &place, name) else {
        if let Err(e) = fresh.remove() {
            log::warn!("{e}: {}; it is what {} was before", e.source, target.display());
        }
        return Ok(());
    };
    log::debug!("{} cannot be replaced at once: {error}", target.display());
    let aside = FreshDirectory::new(&place, name)?;
    let gone = || io::ErrorKind::NotFound.into();
    let inside = place.below(&aside.name)?.ok_or_else(gone).at("replace", target)?;
    place.rename(name, &inside, OsStr::new(OLD)).at("replace", target)?;
    fresh.put(name).at("write", target).inspect_err(|_| {
        if let Err(e) = inside.rename(OsStr::new(OLD), &place, name) {
            log::warn!("while giving up on {}: {e}", target.display());
            // It is the only copy.
            aside.stays.set(true);
        }
    })
}

/// The directories on the way to the destination that did not exist before. They are removed again unless they are
/// kept.
struct MadeDirectories(Vec<PathBuf>);

impl MadeDirectories {
    fn new(destination: &Path) -> Result<Self, PathError> {
        let absent = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
        let made = Self(destination.ancestors().take_while(absent).map(Path::to_path_buf).collect());
        fs::create_dir_all(destination).at("create directory", destination)?;
        Ok(made)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for MadeDirectories {
    fn drop(&mut self) {
        for directory in &self.0 {
            // It may contain something else by now, and is then not ours to remove.
            if let Err(e) = fs::remove_dir(directory) {
                log::debug!("cannot remove {}: {e}", directory.display());
            }
        }
    }
}

/// The name that a replaced directory has within a temporary one, where the system cannot exchange them in one step.
const OLD: &str = "old";

/// A temporary directory next to the target. It is removed unless it gets the target's name. Its mode follows the
/// umask, and the lock on it says that it is in use.
struct FreshDirectory {
    place: Arc<Directory>,
    name: OsString,
    _lock: Directory,
    stays: Cell<bool>,
}

impl FreshDirectory {
    /// Creates it in `place`, named after `target`.
    fn new(place: &Arc<Directory>, target: &OsStr) -> Result<Self, PathError> {
        loop {
            let name = OsString::from(disk::temporary_name(target));
            match place.make_directory(&name) {
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                made => made.at("write into", place.path())?,
            }
            // It is gone if another process has removed it as a leftover.
            let Some(lock) = place.below(&name)? else { continue };
            if disk::occupy(&lock, place, &name) {
                return Ok(Self { place: Arc::clone(place), name, _lock: lock, stays: Cell::new(false) });
            }
        }
    }

    fn path(&self) -> PathBuf {
        self.place.path().join(&self.name)
    }

    /// Renames it to `name`, where nothing may exist.
    fn put(self, name: &OsStr) -> io::Result<()> {
        self.place.rename(&self.name, &self.place, name)?;
        self.stays.set(true);
        Ok(())
    }

    /// Removes it with everything in it.
    fn remove(self) -> Result<(), PathError> {
        self.stays.set(true);
        self.place.remove_all(&self.name)
    }
}

impl Drop for FreshDirectory {
    fn drop(&mut self) {
        if !self.stays.get()
            && let Err(e) = self.place.remove_all(&self.name)
        {
            log::warn!("{e}: {}", e.source);
        }
    }
}
