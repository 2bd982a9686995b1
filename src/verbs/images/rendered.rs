//! Images in what Helm renders.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::found::{ImageOrigin, Images};

/// Why Helm did not render a chart.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no Helm to be run.
    #[error("cannot run {}", program.display())]
    Run {
        /// What was to be run.
        program: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It says why.
    #[error("helm template: {0}")]
    Refused(String),
}

/// Adds what `helm template` makes of the chart at `path` with these values.
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
