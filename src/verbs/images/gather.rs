//! Collects all images of a chart.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use super::declared::{annotated, locked};
use super::found::{Images, NamedImage};
use super::lock::{ImagesLockDocument, ImagesLockError};
use super::name::ImageName;
use super::rendered::rendered;
use super::templates::Lines;
use super::values::Scan;
use crate::chart::{ChartError, ChartView};
use crate::limits::OverBudget;
use crate::reference::Reference;
use crate::registry::Client;
use crate::verbs::look::{LookError, Looker, RenderError, Subject, effective_values, render};

/// How images are collected.
#[derive(Clone, Debug, Default)]
pub struct ImagesOptions {
    /// Files with values that override the chart's; later files override earlier ones.
    pub values: Vec<PathBuf>,
    /// The Helm executable for rendering the chart as well; `None` to not render it.
    pub helm: Option<PathBuf>,
}

/// Why the images of a chart cannot be determined.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// The chart cannot be opened.
    #[error("{0}")]
    Look(#[source] Box<LookError>),
    /// A file of the chart, or of values, cannot be read.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// It takes more memory than a command may use.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// The digests of an image cannot be determined.
    #[error("{0}")]
    Lock(#[from] Box<ImagesLockError>),
    /// Helm could not render the chart.
    #[error("{0}")]
    Render(#[from] RenderError),
}

impl From<LookError> for ImagesError {
    fn from(error: LookError) -> Self {
        Self::Look(Box::new(error))
    }
}

/// The images of a chart.
pub fn images(
    looker: &Looker<'_>,
    subject: &Subject,
    options: &ImagesOptions,
) -> Result<BTreeMap<ImageName, NamedImage>, ImagesError> {
    let looked = looker.open(subject)?;
    let mut images = read(&looked.view, &options.values)?;
    if let Some(helm) = &options.helm {
        let name = &looked.view.metadata().name;
        let printed = render(helm, looker, (subject, &looked), &options.values)?;
        rendered(&printed, name, &mut images);
    }
    Ok(images.0)
}

/// Makes an Images.lock for a chart with these images. `client` returns the client for the registry of an image.
pub fn images_lock<'c>(
    looker: &Looker<'_>,
    subject: &Subject,
    images: &BTreeMap<ImageName, NamedImage>,
    client: impl Fn(&Reference) -> &'c Client + Sync,
) -> Result<ImagesLockDocument, ImagesError> {
    let looked = looker.open(subject)?;
    Ok(ImagesLockDocument::of(looked.view.metadata(), images, client)?)
}

/// The images that the files of a chart name.
pub(in crate::verbs) fn images_of(
    view: &ChartView<'_>,
    values: &[PathBuf],
) -> Result<BTreeMap<ImageName, NamedImage>, ImagesError> {
    Ok(read(view, values)?.0)
}

fn read(view: &ChartView<'_>, files: &[PathBuf]) -> Result<Images, ImagesError> {
    let mut images = Images::default();
    locked(view, &mut images);
    let all = effective_values(view, files)?;
    for (number, chart) in view.charts().iter().enumerate() {
        annotated(view, chart, &mut images);
        let (values, prefix) = (&all.charts[number], all.paths[number].as_str());
        let registry = values.pointer("/global/imageRegistry").and_then(Value::as_str);
        let registry = registry.filter(|registry| !registry.is_empty());
        Scan { metadata: &chart.metadata, prefix, registry }.values(values, &mut images);
        let lines = Lines { metadata: &chart.metadata, values };
        for file in &chart.files {
            if file.path.starts_with("templates/") || file.path.starts_with("crds/") {
                lines.look(&chart.full_path(file), &view.read(file)?, &mut images);
            }
        }
    }
    Ok(images)
}
