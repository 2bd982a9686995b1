//! Keeps the files of a chart while Helm's rules are applied to it.

use std::io::Read;

use super::error::ChartError;
use super::metadata::Metadata;
use super::sizes::check_total;

/// The place of a file's bytes.
#[derive(Clone, Debug)]
pub(super) enum FileBytes {
    /// A file in the chart's directory, by its path relative to that.
    Path { path: String, size: u64 },
    /// A range of the bytes that a [`Keep`] has kept.
    Kept { start: u64, size: u64 },
}

impl FileBytes {
    /// The size of the file in bytes, when it was found.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Path { size, .. } | Self::Kept { size, .. } => *size,
        }
    }
}

/// Keeps the content of files that came out of an archive, or were made here.
pub(super) trait Keep {
    /// Whether the files are packed again. If so, Helm's rules for packing hold as well. A package that is kept byte
    /// for byte only needs to be one that Helm can load.
    fn packs(&self) -> bool {
        true
    }

    /// Keeps the content of a file, which has exactly `size` bytes.
    fn keep(&mut self, content: &mut dyn Read, size: u64) -> Result<FileBytes, ChartError>;

    /// Is called with each file, and its path in the chart or subchart that it belongs to. `chart` is the path of that
    /// in the whole chart: empty, `charts/<directory>`, or `charts/<package>.tgz`.
    fn see_file(&mut self, _chart: &str, _path: &str, _source: &FileBytes) -> Result<(), ChartError> {
        Ok(())
    }

    /// Is called with the metadata of each chart and subchart, when all of its files have come.
    fn see_chart(&mut self, _chart: &str, _metadata: &Metadata) -> Result<(), ChartError> {
        Ok(())
    }
}

/// Keeps nothing, for charts that are only checked.
#[derive(Default)]
pub(super) struct LookOnly {
    /// The size of all files so far, also of those in packed subcharts: each of those may be as large as a chart, and
    /// hold others.
    total: u64,
}

impl Keep for LookOnly {
    fn packs(&self) -> bool {
        false
    }

    fn keep(&mut self, _: &mut dyn Read, size: u64) -> Result<FileBytes, ChartError> {
        let start = self.total;
        self.total += size;
        check_total(self.total)?;
        // The place that the content would have. It is neither kept nor read here.
        Ok(FileBytes::Kept { start, size })
    }
}
