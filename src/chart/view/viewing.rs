//! Collects the files of a chart while they come.

use std::io::{self, Read, Seek as _, SeekFrom};

use tempfile::SpooledTempFile;

use crate::chart::archive::ArchiveError;
use crate::chart::error::ChartError;
use crate::chart::keep::{FileBytes, Keep};
use crate::chart::metadata::Metadata;
use crate::chart::sizes;
use crate::disk::{AtPath as _, uninterrupted};
use crate::limits::{Budget, HeldBudget};

/// How many bytes of the files that come out of packages are kept in memory. Most charts have fewer; if there are more,
/// all go to a temporary file without a name.
const IN_MEMORY: usize = 1 << 20;
/// How many bytes of memory it takes to remember a file, without its path.
const REMEMBERED: usize = 200;
/// How many bytes of memory metadata takes at most for each byte that it has as JSON.
const PER_BYTE: u64 = 12;

/// The files that have come so far, and the charts that they belong to.
pub(super) struct Viewing<'b> {
    pub(super) held: HeldBudget<'b>,
    pub(super) spool: SpooledTempFile,
    size: u64,
    /// The path of a chart in the whole chart, the path of a file in that, and the place of the file's bytes.
    pub(super) files: Vec<(String, String, FileBytes)>,
    pub(super) charts: Vec<(String, Metadata)>,
}

impl<'b> Viewing<'b> {
    pub(super) fn new(budget: &'b Budget) -> Result<Self, ChartError> {
        let held = budget.hold(IN_MEMORY as u64)?;
        let (files, charts) = (Vec::new(), Vec::new());
        Ok(Self { held, spool: SpooledTempFile::new(IN_MEMORY), size: 0, files, charts })
    }
}

impl Keep for Viewing<'_> {
    fn packs(&self) -> bool {
        false
    }

    fn keep(&mut self, content: &mut dyn Read, size: u64) -> Result<FileBytes, ChartError> {
        let start = self.size;
        let copied = io::copy(content, &mut self.spool).map_err(ArchiveError::Read)?;
        self.size += copied;
        sizes::check_total(self.size)?;
        debug_assert_eq!(copied, size);
        Ok(FileBytes::Kept { start, size: copied })
    }

    fn see_file(&mut self, chart: &str, path: &str, source: &FileBytes) -> Result<(), ChartError> {
        self.held.grow((chart.len() + path.len() + REMEMBERED) as u64)?;
        self.files.push((chart.to_owned(), path.to_owned(), source.clone()));
        Ok(())
    }

    fn see_chart(&mut self, chart: &str, metadata: &Metadata) -> Result<(), ChartError> {
        let size = metadata.to_config().map_or(0, |json| json.len() as u64);
        self.held.grow(PER_BYTE * size + (chart.len() + REMEMBERED) as u64)?;
        self.charts.push((chart.to_owned(), metadata.clone()));
        Ok(())
    }
}

/// Reads a range of the spool.
pub(super) fn read_kept(
    spool: &mut SpooledTempFile,
    start: u64,
    buffer: &mut [u8],
) -> Result<(), ChartError> {
    uninterrupted(|| spool.seek(SeekFrom::Start(start)))
        .and_then(|_| spool.read_exact(buffer))
        .at("read", &std::env::temp_dir())
        .map_err(ChartError::from)
}
