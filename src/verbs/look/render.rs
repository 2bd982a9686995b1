//! Has Helm render a chart.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::looker::{LookedAtChart, Looker};
use super::subject::Subject;
use crate::cache::CacheError;
use crate::disk::{AtPath as _, PathError};
use crate::verbs::layer::Layer;

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
    /// The chart's package cannot be read from the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The chart's package cannot be written to a temporary file.
    #[error("{0}")]
    Disk(#[from] PathError),
}

/// What `helm template` prints for a chart with these values.
pub(in crate::verbs) fn render(
    helm: &Path,
    looker: &Looker<'_>,
    (subject, looked): (&Subject, &LookedAtChart<'_>),
    values: &[PathBuf],
) -> Result<Vec<u8>, RenderError> {
    match (subject, &looked.reference) {
        (Subject::Path(path), _) => template(helm, path, values),
        (_, None) => Ok(Vec::new()),
        (_, Some(reference)) => {
            let temporary = std::env::temp_dir();
            let mut file = tempfile::Builder::new().suffix(".tgz").tempfile().at("write into", &temporary)?;
            Layer::open(looker.cache, reference)?
                .read()
                .and_then(|mut package| io::copy(&mut package, &mut file))
                .and_then(|_| file.flush())
                .at("write into", &temporary)?;
            template(helm, file.path(), values)
        }
    }
}

fn template(helm: &Path, path: &Path, values: &[PathBuf]) -> Result<Vec<u8>, RenderError> {
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
    Ok(output.stdout)
}
