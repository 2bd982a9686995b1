//! The limits on the sizes of a chart and its files.

use super::archive::ArchiveError;
use super::error::ChartError;
use crate::limits::{MAX_CHART, MAX_FILE};

/// The limit of [`crate::limits::MAX_METADATA`], for messages.
pub(super) const METADATA_LIMIT: &str = "1 MiB for a chart's metadata";

/// The error of something that is larger than its limit. Both are given in words.
pub(super) fn too_large(what: &str, limit: &str) -> ChartError {
    ArchiveError::Limit { what: what.to_owned(), limit: limit.to_owned() }.into()
}

/// How many bytes to reserve for a file before it is read, because a vector that grows needs memory for both the old
/// and the new one. One byte more than the size, so that reading the end does not make it grow.
pub(super) fn room_for(size: u64) -> usize {
    usize::try_from(size.min(MAX_FILE)).map_or(0, |size| size + 1)
}

/// An error if a file is larger than Helm's limit of 5 MiB.
pub(super) fn check_size(path: &str, size: u64) -> Result<(), ChartError> {
    if size > MAX_FILE {
        let what = format!("`{path}`");
        return Err(ArchiveError::Limit { what, limit: "5 MiB for one file".to_owned() }.into());
    }
    Ok(())
}

/// An error if a chart is larger than Helm's limit of 100 MiB, decompressed.
pub(super) fn check_total(total: u64) -> Result<(), ChartError> {
    if total > MAX_CHART {
        return Err(ArchiveError::Limit { what: "the chart".to_owned(), limit: "100 MiB".to_owned() }.into());
    }
    Ok(())
}
