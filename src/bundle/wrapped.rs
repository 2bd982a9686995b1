//! The chart in an archive of `dt wrap`, which is no layout: `NAME-VERSION/chart/…` is the chart as a directory, and the layouts of
//! its images are beside that (distribution-tooling-for-helm 0.7, pkg/wrapping/wrap.go and cmd/dt/wrap/wrap.go).

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::error::BundleError;
use super::range::FileRange;
use crate::disk::AtPath as _;

/// A directory of a chart, whose files are read when they are unpacked.
#[derive(Clone, Debug, Default)]
pub struct WrappedChart {
    files: BTreeMap<String, FileRange>,
    size: u64,
}

impl WrappedChart {
    /// Takes in the file at a path below the chart's directory, relative and without `..`.
    pub(super) fn add(&mut self, path: &str, file: FileRange) -> Result<(), BundleError> {
        self.size += file.size();
        match self.files.insert(path.to_owned(), file) {
            None => Ok(()),
            Some(_) => Err(BundleError::Twice(format!("chart/{path}"))),
        }
    }

    /// How many bytes all of it has that was taken in so far.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Whether it is a chart at all.
    pub(super) fn is_chart(&self) -> bool {
        self.files.contains_key("Chart.yaml")
    }

    /// Writes the chart into a directory, which must be empty and in use by this process alone.
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
