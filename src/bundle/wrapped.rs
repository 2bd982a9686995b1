//! The chart in an archive of `dt wrap`. Such an archive is not a layout: `NAME-VERSION/chart/…` is the chart as a
//! directory, and the layouts of its images are beside that (distribution-tooling-for-helm 0.7, pkg/wrapping/wrap.go
//! and cmd/dt/wrap/wrap.go).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::error::BundleError;
use super::range::FileRange;
use crate::disk::AtPath as _;

/// The files of a chart in an archive of `dt wrap`. Their content is read when they are unpacked.
#[derive(Clone, Debug, Default)]
pub struct WrappedChart {
    files: BTreeMap<String, FileRange>,
    size: u64,
}

impl WrappedChart {
    /// Adds the file at this path, relative to the chart's directory and without `..`. An error if there is one
    /// already.
    pub(super) fn add(&mut self, path: &str, file: FileRange) -> Result<(), BundleError> {
        self.size += file.size();
        match self.files.insert(path.to_owned(), file) {
            None => Ok(()),
            Some(_) => Err(BundleError::Twice(format!("chart/{path}"))),
        }
    }

    /// The size of all files that were added so far, in bytes.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether the files are a chart: whether there is a Chart.yaml.
    pub(super) fn is_chart(&self) -> bool {
        self.files.contains_key("Chart.yaml")
    }

    /// Writes the files into a directory, which must be empty, and which no other process may use.
    pub fn unpack(&self, directory: &Path) -> Result<(), BundleError> {
        for (path, file) in &self.files {
            let path = directory.join(path);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent).at("create directory", parent)?;
            }
            let mut to = File::create_new(&path).at("write", &path)?;
            io::copy(&mut file.read(), &mut to).at("write", &path)?;
        }
        Ok(())
    }
}
