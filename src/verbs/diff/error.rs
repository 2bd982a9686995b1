//! Errors of comparing charts.

use crate::chart::ChartError;
use crate::limits::OverBudget;
use crate::verbs::images::ImagesError;
use crate::verbs::look::LookError;

/// Why two charts cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One of the charts cannot be opened.
    #[error("{0}")]
    Look(#[source] Box<LookError>),
    /// A file of one of the charts cannot be read.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The images of one of the charts cannot be determined.
    #[error("{0}")]
    Images(#[from] Box<ImagesError>),
    /// They take more memory than a command may use.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The metadata cannot be converted to JSON.
    #[error("cannot read the chart's metadata")]
    Json(#[from] serde_json::Error),
}

impl From<LookError> for DiffError {
    fn from(error: LookError) -> Self {
        Self::Look(Box::new(error))
    }
}
