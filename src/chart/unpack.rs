//! Unpacks a chart into a new directory.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;

use super::archive::{Allowance, ArchiveError};
use super::error::ChartError;
use super::metadata::Metadata;
use super::{archive, yaml};
use crate::disk::{self, AtPath as _, uninterrupted};
use crate::limits::{Budget, MAX_METADATA};

/// Unpacks a chart package into `directory`, which must be empty and used by no other process. The modes in the archive
/// are ignored: files get the mode that the umask leaves (CVE-2023-38497).
///
/// If a subchart is in the package in two versions, the later files are kept, as `helm pull --untar` does. An error if
/// Helm, when it loads the package, would combine both: the directory would be a different chart.
pub fn unpack(package: impl Read, directory: &Path, budget: &Budget) -> Result<(), ChartError> {
    archive::read(&mut { package }, budget, &Allowance::default(), |file, content| {
        let path = directory.join(file.path);
        if file.again {
            return replace(file, &path, content, budget);
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).at("create directory", parent)?;
        }
        // Nothing is overwritten, and no link is followed: either the path is new, or this fails.
        let mut out = File::create_new(&path).at("write", &path)?;
        copy(content, &mut out, &path)
    })
    .map(|_| ())
}

fn copy(content: &mut dyn Read, out: &mut File, path: &Path) -> Result<(), ChartError> {
    let mut buffer = [0; 16 << 10];
    loop {
        match uninterrupted(|| content.read(&mut buffer)).map_err(ArchiveError::Read)? {
            0 => return Ok(()),
            read => out.write_all(&buffer[..read]).at("write", path)?,
        }
    }
}

/// Replaces a file that was unpacked from the same package before.
fn replace(
    file: &archive::File<'_>,
    path: &Path,
    content: &mut dyn Read,
    budget: &Budget,
) -> Result<(), ChartError> {
    let is_metadata = file.path.ends_with("/Chart.yaml");
    if !is_metadata && !file.path.contains("/crds/") {
        let mut out = OpenOptions::new().write(true).truncate(true).open(path).at("write", path)?;
        return copy(content, &mut out, path);
    }
    let size = fs::metadata(path).at("read", path)?.len() + file.size;
    if is_metadata && size > 2 * MAX_METADATA {
        let what = format!("`{}`", file.path);
        return Ok(archive::limit(what, "1 MiB for a chart's metadata")?);
    }
    let _held = budget.hold(size)?;
    let (mut before, mut now) = (Vec::new(), Vec::new());
    disk::open(path).and_then(|mut old| old.read_to_end(&mut before)).at("read", path)?;
    content.read_to_end(&mut now).map_err(ArchiveError::Read)?;
    let same = if is_metadata { is_mixed_to_the_same(&before, &now, budget) } else { before == now };
    if !same {
        let reason = "it is there twice, and Helm takes something of both";
        return Err(ArchiveError::Path { path: file.path.to_owned(), reason }.into());
    }
    fs::write(path, now).at("write", path)?;
    Ok(())
}

/// Whether the second Chart.yaml alone says the same as both together, which Helm unmarshals into one struct.
fn is_mixed_to_the_same(before: &[u8], now: &[u8], budget: &Budget) -> bool {
    let metadata = |texts: &[&[u8]]| {
        let mut metadata = Metadata::default();
        for text in texts {
            metadata.take_known(yaml::read(text, budget).ok()?.value).ok()?;
        }
        Some(metadata)
    };
    metadata(&[before, now]).is_some_and(|both| metadata(&[now]) == Some(both))
}
