//! How large the files of a chart may be, and a chart.

use super::archive::ArchiveError;
use super::error::ChartError;
use crate::limits::{MAX_CHART, MAX_FILE};

/// What is said of metadata that is larger than [`crate::limits::MAX_METADATA`].
pub(super) const METADATA_LIMIT: &str = "1 MiB for a chart's metadata";

/// The error about what is larger than a limit, both in words.
pub(super) fn too_large(what: &str, limit: &str) -> ChartError {
    ArchiveError::Limit { what: what.to_owned(), limit: limit.to_owned() }.into()
}

/// How much room a file is given before it is read: what grows by and by is there twice meanwhile. One byte more lets its end
/// be seen without growing.
pub(super) fn room_for(size: u64) -> usize {
    usize::try_from(size.min(MAX_FILE)).map_or(0, |size| size + 1)
}

/// Helm's limit for one file.
pub(super) fn check_size(path: &str, size: u64) -> Result<(), ChartError> {
    if size > MAX_FILE {
        let what = format!("`{path}`");
        return Err(ArchiveError::Limit { what, limit: "5 MiB for one file".to_owned() }.into());
    }
    Ok(())
}

/// Helm's limit for a chart, decompressed.
pub(super) fn check_total(total: u64) -> Result<(), ChartError> {
    if total > MAX_CHART {
        return Err(ArchiveError::Limit { what: "the chart".to_owned(), limit: "100 MiB".to_owned() }.into());
    }
    Ok(())
}
