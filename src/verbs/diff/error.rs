//! What can go wrong.

use crate::chart::ChartError;
use crate::limits::OverBudget;
use crate::verbs::images::ImagesError;
use crate::verbs::look::LookError;

/// Why two charts cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// One of them cannot be looked at.
    #[error("{0}")]
    Look(#[source] Box<LookError>),
    /// A file of it cannot be read.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// Its images are not known.
    #[error("{0}")]
    Images(#[from] Box<ImagesError>),
    /// They are more than a command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The metadata could not be compared.
    #[error("cannot read the chart's metadata")]
    Json(#[from] serde_json::Error),
}

impl From<LookError> for DiffError {
    fn from(error: LookError) -> Self {
        Self::Look(Box::new(error))
    }
}
