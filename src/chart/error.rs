//! Why something is no chart.

use std::io::{self};
use std::path::PathBuf;

use super::archive::ArchiveError;
use super::ignore::IgnoreError;
use super::metadata::MetadataError;
use super::yaml::YamlError;
use crate::disk::PathError;
use crate::limits::OverBudget;

/// Why something is not a chart, or cannot be taken for one.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The file system refused.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The package is no archive that a chart may be.
    #[error("{0}")]
    Archive(#[from] ArchiveError),
    /// What is in it takes more memory than a command may hold.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// A directory or package without Chart.yaml; `None` is the chart itself.
    #[error("{}Chart.yaml file is missing", .0.as_ref().map(|path| format!("{path}: ")).unwrap_or_default())]
    NoChartYaml(Option<String>),
    /// A file that is not YAML.
    #[error("cannot load {path}")]
    Yaml {
        /// Which one.
        path: String,
        /// What is wrong with it.
        source: YamlError,
    },
    /// A Chart.yaml or requirements.yaml that breaks a rule.
    #[error("cannot load {path}")]
    Metadata {
        /// Which one.
        path: String,
        /// The rule.
        source: MetadataError,
    },
    /// A values.schema.json that is not JSON.
    #[error("{path} is not JSON")]
    Json {
        /// Which one.
        path: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A packed subchart that cannot be read.
    #[error("cannot unpack {path}")]
    Subchart {
        /// Which one.
        path: String,
        /// Why.
        source: Box<Self>,
    },
    /// Subcharts in subcharts in subcharts.
    #[error("{0}: subcharts are nested too deeply")]
    Nesting(String),
    /// A directory `charts/<name>.tgz`, which no Helm loads.
    #[error("{0} is a directory, and Helm takes for a package what is called so")]
    PackageDirectory(String),
    /// All names in a package begin with `./`, and the chart is one directory further down.
    #[error(
        "Chart.yaml file is missing: all names in the package begin with `./`, which Helm takes for the chart's directory"
    )]
    Dot,
    /// Two subcharts with one name and version.
    #[error("{path}: there is another subchart {name}")]
    TwoSubcharts {
        /// The second one.
        path: String,
        /// What both are called.
        name: String,
    },
    /// A .helmignore that cannot be understood.
    #[error("cannot use {}", path.display())]
    Ignore {
        /// Which one.
        path: PathBuf,
        /// Why.
        source: IgnoreError,
    },
    /// A symbolic link to somewhere else. Helm packs what it points to (CVE-2019-18658).
    #[error("the symbolic link {} leaves the chart: it points to {}", path.display(), target.display())]
    LinkLeaves {
        /// The link.
        path: PathBuf,
        /// What it points to.
        target: PathBuf,
    },
    /// Symbolic links that go round in circles.
    #[error("the symbolic link {} leads back to a directory above it", .0.display())]
    LinkLoop(PathBuf),
    /// A fifo, a socket, a device.
    #[error("{} is neither a file nor a directory", .0.display())]
    Irregular(PathBuf),
    /// A file name that a package cannot have.
    #[error("the file name {} cannot be in a chart: {reason}", path.display())]
    FileName {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The content archive could not be made.
    #[error("cannot pack {path}")]
    Pack {
        /// The file at hand.
        path: String,
        /// Why.
        source: io::Error,
    },
}
