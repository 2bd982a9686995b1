//! Where the files of a chart are kept while its rules are applied.

use std::io::Read;

use super::error::ChartError;
use super::metadata::Metadata;
use super::sizes::check_total;

/// Where the bytes of a file are. The rules pass it through.
#[derive(Clone, Debug)]
pub(super) enum FileBytes {
    /// A file of the chart's directory, by its path below that.
    Path { path: String, size: u64 },
    /// A part of what [`Keep`] has kept.
    Kept { start: u64, size: u64 },
}

impl FileBytes {
    /// How large it is, or was when it was found.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Path { size, .. } | Self::Kept { size, .. } => *size,
        }
    }
}

/// Keeps bytes that came out of a packed subchart, or were made here.
pub(super) trait Keep {
    /// Whether what it keeps is packed again. Then Helm's rules for packing hold as well; a package that somebody else made
    /// keeps its bytes, and needs to be no more than what Helm loads.
    fn packs(&self) -> bool {
        true
    }

    /// `content` gives exactly `size` bytes, or an error.
    fn keep(&mut self, content: &mut dyn Read, size: u64) -> Result<FileBytes, ChartError>;

    /// Is told of each file, by its path below the chart or subchart that it is of. `chart` is where that is in the whole:
    /// empty, `charts/<directory>`, or `charts/<package>.tgz`.
    fn see_file(&mut self, _chart: &str, _path: &str, _source: &FileBytes) -> Result<(), ChartError> {
        Ok(())
    }

    /// Is told what a chart or subchart is, when all of its files have come.
    fn see_chart(&mut self, _chart: &str, _metadata: &Metadata) -> Result<(), ChartError> {
        Ok(())
    }
}

/// Keeps nothing: for charts that are only looked at.
#[derive(Default)]
pub(super) struct LookOnly {
    /// What has come, out of packages in packages too: each of those may be as large as a chart, and hold more of them.
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
        // Where its content would be. This reading keeps none of it, and does not look whether it is all there.
        Ok(FileBytes::Kept { start, size })
    }
}
