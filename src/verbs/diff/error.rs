//! Errors of comparing charts.

use crate::chart::ChartError;
use crate::limits::OverBudget;
use crate::reference::Reference;
use crate::verbs::images::ImagesError;
use crate::verbs::look::{LookError, RenderError};
use crate::verbs::pull::PullError;

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
    /// Helm could not render one of the charts.
    #[error("{0}")]
    Render(#[from] RenderError),
    /// It cannot be determined what is attached to one of the charts.
    #[error("cannot tell what is attached to {reference}")]
    Attached {
        /// The reference of the chart.
        reference: Box<Reference>,
        /// What went wrong.
        source: Box<PullError>,
    },
    /// The metadata cannot be converted to JSON.
    #[error("cannot read the chart's metadata")]
    Json(#[from] serde_json::Error),
}

impl From<LookError> for DiffError {
    fn from(error: LookError) -> Self {
        Self::Look(Box::new(error))
    }
}
