//! An entry of the cache into a directory that can be edited.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::Summary;
use super::layer::Layer;
use crate::cache::{Cache, CacheError};
use crate::chart::{self, ChartError};
use crate::disk::{self, At as _, PathError};
use crate::reference::Reference;

/// Why a chart was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The cache has no such chart, or a damaged one.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The destination cannot be written.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// There is something already.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// A directory of this name would be taken for one of our own, and cleared away.
    #[error("the chart is called `{0}`, as directories of unfinished exports are")]
    Reserved(String),
    /// The content is no archive that may be unpacked.
    #[error("cannot unpack the chart")]
    Chart(#[from] ChartError),
}

/// Unpacks the chart into `<destination>/<name>`, which comes into being whole. What is there already is replaced only
/// if `force` says so.
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
    // An empty path is the directory that we are in, and leaves the target a bare name.
    let destination = if destination.as_os_str().is_empty() { Path::new(".") } else { destination };
    let there = fs::symlink_metadata(&target).is_ok();
    if there && !force {
        return Err(ExportError::Exists(target));
    }
    // Until all has gone well. Dropped after the directories below, which are made in it.
    let made = MadeDirectories::new(destination)?;
    clear_left_behind(destination);
    let fresh = FreshDirectory::new(destination)?;
    let package = layer.read().at("read", cache.root())?;
    if let Err(error) = chart::unpack(package, fresh.directory.path(), cache.budget()) {
        // A damaged blob breaks in many ways; what matters is that it is damaged.
        return Err(layer.blame().map_or(ExportError::Chart(error), ExportError::Cache));
    }
    if there {
        // What was there is now in our own directory, and goes with it.
        replace(fresh, &target)?;
    } else {
        let unpacked = fresh.directory.keep();
        if let Err(error) = fs::rename(&unpacked, &target).at("write", &target) {
            discard(&unpacked, &target);
            return Err(match error.source.kind() {
                // Somebody else was faster.
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                    ExportError::Exists(target)
                }
                _ => error.into(),
            });
        }
    }
    made.keep();
    Ok((layer.summary(), target))
}

/// Puts what was unpacked in the place of `target`, at once where the system can: a process that is killed leaves the one
/// or the other there.
fn replace(fresh: FreshDirectory, target: &Path) -> Result<(), PathError> {
    let Err(error) = disk::exchange(fresh.directory.path(), target) else {
        let old = fresh.directory.keep();
        if let Err(e) = disk::remove_all(&old) {
            log::warn!("{e}: {}; it is what {} was before", e.source, target.display());
        }
        return Ok(());
    };
    log::debug!("{} cannot be replaced at once: {error}", target.display());
    let aside = FreshDirectory::new(target.parent().unwrap_or(Path::new(".")))?;
    let old = aside.directory.path().join(OLD);
    fs::rename(target, &old).at("replace", target)?;
    let unpacked = fresh.directory.keep();
    fs::rename(&unpacked, target).at("write", target).inspect_err(|_| {
        if let Err(e) = fs::rename(&old, target) {
            log::warn!("while giving up on {}: {e}", target.display());
        }
        discard(&unpacked, target);
    })
}

fn discard(unpacked: &Path, target: &Path) {
    if let Err(e) = fs::remove_dir_all(unpacked) {
        log::warn!("while giving up on {}: {e}", target.display());
    }
}

/// The directories on the way to the destination that were not there, gone again unless they are kept.
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
            // It may hold something else by now, and is not ours alone then.
            if let Err(e) = fs::remove_dir(directory) {
                log::debug!("cannot remove {}: {e}", directory.display());
            }
        }
    }
}

/// What was replaced where that is not done at once, in a directory of ours. Whoever was killed there may have left the
/// only copy.
const OLD: &str = "old";

/// A directory of our own beside the target, gone again unless it is kept. Its mode is what the umask says. The lock on
/// it says that it is in use.
struct FreshDirectory {
    directory: tempfile::TempDir,
    _lock: File,
}

impl FreshDirectory {
    fn new(destination: &Path) -> Result<Self, PathError> {
        loop {
            let mut builder = tempfile::Builder::new();
            builder.prefix(disk::PREFIX);
            #[cfg(unix)]
            builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
            let directory = builder.tempdir_in(destination).at("write into", destination)?;
            let lock = match File::open(directory.path()) {
                // Somebody took it for left behind.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                lock => lock.at("write into", destination)?,
            };
            if disk::occupy(&lock, directory.path()) {
                return Ok(Self { directory, _lock: lock });
            }
        }
    }
}

/// Removes the directories of exports that were killed.
fn clear_left_behind(destination: &Path) {
    disk::clear_left_behind(destination, |path| {
        path.is_dir() && fs::symlink_metadata(path.join(OLD)).is_err()
    });
}
