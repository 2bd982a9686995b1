//! Warnings of commands that succeed.

use std::path::Path;

use crate::reference::Reference;
use crate::verbs::{self, Saved, Summary};

/// Warns about dependencies that a saved chart declares and does not contain.
pub fn warn_of_missing(saved: &Saved, path: &Path) {
    if !saved.missing.is_empty() {
        log::warn!(
            target: "oci",
            "{} declares dependencies that are missing in charts/: {}",
            saved.summary.name,
            saved.missing.join(", ")
        );
        log::warn!(target: "hint", "helm dependency build {}", path.display());
    }
}

/// Warns if Helm will not find a chart under its reference.
pub fn warn_of_names(reference: &Reference, chart: &Summary) {
    for misnamed in verbs::misnamed(reference, &chart.name, &chart.version) {
        log::warn!(target: "oci", "{reference}: {misnamed}");
    }
}
