//! Finds images in the manifests that Helm renders.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::found::{ImageOrigin, Images};

/// Why Helm could not render a chart.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Helm cannot be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// The executable that was to be run.
        program: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Helm failed with this message.
    #[error("helm template: {0}")]
    Refused(String),
}

/// Runs `helm template` for the chart at `path` with these values, and adds the images in its output.
pub(super) fn rendered(
    helm: &Path,
    path: &Path,
    values: &[PathBuf],
    chart: &str,
    images: &mut Images,
) -> Result<(), RenderError> {
    let mut command = Command::new(helm);
    command.args(["template", "release"]).arg(path).stdin(Stdio::null());
    values.iter().for_each(|file| {
        command.arg("--values").arg(file);
    });
    let output =
        command.output().map_err(|source| RenderError::Run { program: helm.to_path_buf(), source })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        return Err(RenderError::Refused(last.trim_start_matches("Error: ").to_owned()));
    }
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        if let Some(image) = line.strip_prefix("image:") {
            images.add(image.trim().trim_matches(['"', '\'']), chart, ImageOrigin::Rendered);
        }
    }
    Ok(())
}
