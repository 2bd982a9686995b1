//! An entry of the cache into a directory that can be edited.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Summary;
use super::layer::Layer;
use crate::cache::{Cache, CacheError};
use crate::chart::{self, ChartError};
use crate::disk::{At as _, PathError};
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
    if layer.metadata.name.starts_with(PREFIX) {
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
    if let Err(error) = chart::unpack(package, fresh.directory.path()) {
        // A damaged blob breaks in many ways; what matters is that it is damaged.
        return Err(layer.blame().map_or(ExportError::Chart(error), ExportError::Cache));
    }
    let aside = FreshDirectory::new(destination)?;
    let old = aside.directory.path().join(OLD);
    if there {
        fs::rename(&target, &old).at("replace", &target)?;
    }
    let unpacked = fresh.directory.keep();
    if let Err(error) = fs::rename(&unpacked, &target).at("write", &target) {
        let back = if there { fs::rename(&old, &target) } else { Ok(()) };
        let cleared = fs::remove_dir_all(&unpacked);
        for also in [back, cleared].into_iter().filter_map(Result::err) {
            log::warn!("while giving up on {}: {also}", target.display());
        }
        return Err(match error.source.kind() {
            // Somebody else was faster.
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => ExportError::Exists(target),
            _ => error.into(),
        });
    }
    made.keep();
    Ok((layer.summary(), target))
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

/// How the names of our own directories begin.
const PREFIX: &str = ".helm-oci-";
/// What was replaced, in a directory of ours. Whoever was killed there may have left the only copy.
const OLD: &str = "old";
/// Younger directories without a lock may not have got theirs yet.
const UNLOCKED_AGE: Duration = Duration::from_secs(60);

/// A directory of our own beside the target, gone again unless it is kept. Its mode is what the umask says. The lock on
/// it says that it is in use.
struct FreshDirectory {
    directory: tempfile::TempDir,
    _lock: Option<File>,
}

impl FreshDirectory {
    fn new(destination: &Path) -> Result<Self, PathError> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(PREFIX);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let directory = builder.tempdir_in(destination).at("write into", destination)?;
        // Where there are no locks, nobody takes it for left behind either.
        let lock = File::open(directory.path()).ok().filter(|file| file.try_lock().is_ok());
        Ok(Self { directory, _lock: lock })
    }
}

/// Removes the directories of exports that were killed. That it cannot is no failure of this one.
fn clear_left_behind(destination: &Path) {
    for entry in fs::read_dir(destination).into_iter().flatten().flatten() {
        if !entry.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let path = entry.path();
        let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        let age = modified.and_then(|then| SystemTime::now().duration_since(then).ok());
        if is_directory
            && age.is_some_and(|age| age > UNLOCKED_AGE)
            && fs::symlink_metadata(path.join(OLD)).is_err()
            && File::open(&path).is_ok_and(|file| file.try_lock().is_ok())
            && let Err(e) = fs::remove_dir_all(&path)
        {
            log::debug!("cannot remove {}: {e}", path.display());
        }
    }
}
