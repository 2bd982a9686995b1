//! Writes a chart of the cache as a package like Helm's, `NAME-VERSION.tgz`, with its provenance file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::export::ExportError;
use super::layer::Layer;
use super::outcome::Summary;
use crate::cache::Cache;
use crate::digest::Digest;
use crate::disk::{self, AtPath as _};
use crate::reference::Reference;

/// Writes the chart as a package into `destination`, with the same bytes as its layer in a registry, and next to it the
/// provenance file if there is one. A file with other content is replaced only with `force`. Returns the path of the
/// package.
pub fn package(
    cache: &Cache,
    reference: &Reference,
    destination: &Path,
    force: bool,
) -> Result<(Summary, PathBuf), ExportError> {
    let layer = Layer::open(cache, reference)?;
    let summary = layer.summary();
    let path = destination.join(file_name(reference, &summary)?);
    let mut beside = path.clone().into_os_string();
    beside.push(".prov");
    let beside = PathBuf::from(beside);
    let directory = if destination.as_os_str().is_empty() { Path::new(".") } else { destination };
    fs::create_dir_all(directory).at("create directory", directory)?;
    // Both files are checked before one of them is written.
    let write_package = is_wanted(&path, &layer.part()?.digest, force)?;
    let provenance = match &layer.provenance {
        Some(blob) => is_wanted(&beside, blob.digest(), force)?.then_some(blob),
        None => None,
    };
    // The package is written last, so that its provenance file is there when it appears.
    let written =
        provenance.map_or(Ok(()), |blob| blob.read().at("read", &beside).and_then(|c| disk::put(&beside, c)));
    let written = written.and_then(|()| match write_package {
        true => layer.read().at("read", &path).and_then(|content| disk::put(&path, content)),
        false => Ok(()),
    });
    match written {
        Ok(()) => Ok((summary, path)),
        Err(error) => Err(layer.blame().map_or_else(|| error.into(), ExportError::Cache)),
    }
}

/// Whether a file has to be written: `false` if it exists with this content. An error if it exists with other content,
/// unless `force` is set.
fn is_wanted(path: &Path, digest: &Digest, force: bool) -> Result<bool, ExportError> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        file => file.at("read", path)?,
    };
    if !file.metadata().at("read", path)?.is_file() {
        return Err(ExportError::Exists(path.to_path_buf()));
    }
    let mut hasher = digest.hasher();
    io::copy(&mut file, &mut hasher).at("read", path)?;
    match hasher.finish() == *digest {
        true => Ok(false),
        false if force => Ok(true),
        false => Err(ExportError::Exists(path.to_path_buf())),
    }
}

/// The name that Helm gives a pulled package: the last part of the repository's name and the version of the tag
/// (ChartDownloader.DownloadTo in pkg/downloader/chart_downloader.go). Without a tag, the chart's own name and version.
fn file_name(reference: &Reference, summary: &Summary) -> Result<String, ExportError> {
    let name = match &reference.tag {
        Some(tag) => {
            let repository = reference.repository.as_str();
            let name = repository.rsplit('/').next().unwrap_or(repository);
            format!("{name}-{}.tgz", tag.to_version())
        }
        None => format!("{}-{}.tgz", summary.name, summary.version),
    };
    // The name must be a single component of a path. Versions contain no separators, and this makes sure of it.
    match Path::new(&name).file_name() == Some(name.as_ref()) && !name.starts_with(disk::PREFIX) {
        true => Ok(name),
        false => Err(ExportError::Reserved(name)),
    }
}
