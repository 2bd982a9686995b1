//! Charts: Helm's rules for directories and packages, and the two halves, meta and content, that the cache keeps.
//!
//! `metadata` and `yaml` say what Chart.yaml means, `rules` what the files of a chart are, `walk` finds them,
//! `directory` packs them, `archive` reads packages, `packing` writes and `gzip` compresses them, `member` joins and splits.

mod archive;
mod chart_yaml;
mod decode;
mod directory;
mod exact;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gzip;
mod ignore;
mod member;
mod metadata;
mod packing;
mod pattern;
mod rules;
mod unpack;
mod validate;
mod walk;
mod yaml;

use std::io::{self, Read};
use std::path::PathBuf;

pub use archive::ArchiveError;
pub use directory::{ChartFiles, Stamp};
pub use ignore::IgnoreError;
pub use member::{head, may_be_head, split};
pub use metadata::{Dependency, Maintainer, Metadata, MetadataError};
pub use unpack::unpack;
pub use yaml::YamlError;

use crate::disk::PathError;
use crate::limits::{Budget, OverBudget};

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

/// Reads a whole chart package, checks it by Helm's rules and ours, and returns its metadata. What is kept of it meanwhile is
/// taken from `budget`.
pub fn inspect(package: impl Read, budget: &Budget) -> Result<Metadata, ChartError> {
    let mut look = rules::Look::default();
    let mut loading = rules::Loading::new(budget)?;
    loading.take_archive(&mut look, &mut { package })?;
    Ok(loading.finish(&mut look)?.metadata)
}
