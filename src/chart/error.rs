//! The errors of reading and packing charts.

use std::io::{self};
use std::path::PathBuf;

use super::archive::ArchiveError;
use super::ignore::IgnoreError;
use super::metadata::MetadataError;
use super::yaml::YamlError;
use crate::disk::PathError;
use crate::limits::OverBudget;

/// Why something is not a chart, or is one that is not accepted.
#[derive(Debug, thiserror::Error)]
pub enum ChartError {
    /// The file system refused something.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The package is not an archive, or not one that a chart may be.
    #[error("{0}")]
    Archive(#[from] ArchiveError),
    /// The chart takes more memory than the budget has left.
    #[error("{0}")]
    Memory(#[from] OverBudget),
    /// There is no Chart.yaml. Holds the path of the subchart, or `None` for the chart itself.
    #[error("{}Chart.yaml file is missing", .0.as_ref().map(|path| format!("{path}: ")).unwrap_or_default())]
    NoChartYaml(Option<String>),
    /// A file is not YAML that Helm could load.
    #[error("cannot load {path}")]
    Yaml {
        /// The path of the file.
        path: String,
        /// What is wrong with the file.
        source: YamlError,
    },
    /// A Chart.yaml or requirements.yaml is against one of Helm's rules.
    #[error("cannot load {path}")]
    Metadata {
        /// The path of the file.
        path: String,
        /// The rule that it breaks.
        source: MetadataError,
    },
    /// A values.schema.json is not JSON.
    #[error("{path} is not JSON")]
    Json {
        /// The path of the file.
        path: String,
        /// What is wrong with the file.
        source: serde_json::Error,
    },
    /// A packed subchart is not a valid chart.
    #[error("cannot unpack {path}")]
    Subchart {
        /// The path of the package.
        path: String,
        /// What is wrong with it.
        source: Box<Self>,
    },
    /// There are too many levels of subcharts in subcharts. Holds the path of the first one that is too deep.
    #[error("{0}: subcharts are nested too deeply")]
    Nesting(String),
    /// There is a directory `charts/<name>.tgz`, which no version of Helm loads. Holds its path.
    #[error("{0} is a directory, and Helm takes for a package what is called so")]
    PackageDirectory(String),
    /// All names in the package begin with `./`, and Chart.yaml is one directory below the place where Helm looks for
    /// it.
    #[error(
        "Chart.yaml file is missing: all names in the package begin with `./`, which Helm takes for the chart's directory"
    )]
    Dot,
    /// Two subcharts have the same name and version.
    #[error("{path}: there is another subchart {name}")]
    TwoSubcharts {
        /// The path of the second one.
        path: String,
        /// The name of both.
        name: String,
    },
    /// The .helmignore has a rule that Helm would refuse, or is too large or too slow.
    #[error("cannot use {}", path.display())]
    Ignore {
        /// The path of the .helmignore.
        path: PathBuf,
        /// What is wrong with it.
        source: IgnoreError,
    },
    /// A symbolic link leads out of the chart. Helm would pack what it leads to (CVE-2019-18658).
    #[error("the symbolic link {} leaves the chart: it points to {}", path.display(), target.display())]
    LinkLeaves {
        /// The path of the link.
        path: PathBuf,
        /// The path that it leads to.
        target: PathBuf,
    },
    /// A symbolic link leads to a directory that it is in. Holds the path of the link.
    #[error("the symbolic link {} leads back to a directory above it", .0.display())]
    LinkLoop(PathBuf),
    /// A file is a fifo, a socket or a device. Holds its path.
    #[error("{} is neither a file nor a directory", .0.display())]
    Irregular(PathBuf),
    /// A file has a name that a package cannot have.
    #[error("the file name {} cannot be in a chart: {reason}", path.display())]
    FileName {
        /// The path of the file.
        path: PathBuf,
        /// What is wrong with the name.
        reason: &'static str,
    },
    /// The content archive could not be written.
    #[error("cannot pack {path}")]
    Pack {
        /// The path of the file that was being packed, or the name of the chart.
        path: String,
        /// The error in reading or writing.
        source: io::Error,
    },
}
