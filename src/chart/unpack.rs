//! Unpacking a chart into a fresh directory.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use super::ChartError;
use super::archive::{self, ArchiveError};
use crate::disk::{At as _, uninterrupted};
use crate::limits::Budget;

/// Unpacks a chart package into `directory`, which must be empty and nobody else's. The modes in the archive are
/// ignored: files are made as the umask has it (CVE-2023-38497).
pub fn unpack(package: impl Read, directory: &Path, budget: &Budget) -> Result<(), ChartError> {
    archive::read(&mut { package }, budget, |file, content| {
        let path = directory.join(file.path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).at("create directory", parent)?;
        }
        // Nothing is ever overwritten or followed: the path is new or the archive lies.
        let mut out = File::create_new(&path).at("write", &path)?;
        let mut buffer = [0; 16 << 10];
        loop {
            match uninterrupted(|| content.read(&mut buffer)).map_err(ArchiveError::Read)? {
                0 => return Ok(()),
                read => std::io::Write::write_all(&mut out, &buffer[..read]).at("write", &path)?,
            }
        }
    })
    .map(|_| ())
}
