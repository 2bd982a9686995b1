//! An entry of the cache into a directory that can be edited.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

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
    let target = destination.join(&layer.metadata.name);
    // An empty path is the directory that we are in, and leaves the target a bare name.
    let destination = if destination.as_os_str().is_empty() { Path::new(".") } else { destination };
    let there = fs::symlink_metadata(&target).is_ok();
    if there && !force {
        return Err(ExportError::Exists(target));
    }
    // Until all has gone well. Dropped after the directories below, which are made in it.
    let made = MadeDirectories::new(destination)?;
    let fresh = fresh_directory(destination)?;
    let package = layer.read().at("read", cache.root())?;
    if let Err(error) = chart::unpack(package, fresh.path()) {
        // A damaged blob breaks in many ways; what matters is that it is damaged.
        return Err(layer.blame().map_or(ExportError::Chart(error), ExportError::Cache));
    }
    let aside = fresh_directory(destination)?;
    if there {
        fs::rename(&target, aside.path().join("old")).at("replace", &target)?;
    }
    let unpacked = fresh.keep();
    if let Err(error) = fs::rename(&unpacked, &target).at("write", &target) {
        let back = if there { fs::rename(aside.path().join("old"), &target) } else { Ok(()) };
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

/// A directory of our own beside the target, gone again unless it is kept. Its mode is what the umask says.
fn fresh_directory(destination: &Path) -> Result<tempfile::TempDir, PathError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".helm-oci-");
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
    builder.tempdir_in(destination).at("write into", destination)
}
