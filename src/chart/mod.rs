//! Charts: Helm's rules for directories and packages, and the two parts, meta and content, that the cache keeps.
//!
//! `metadata` and `yaml` read Chart.yaml, and `rules` applies Helm's rules to the files of a chart. `walk` finds these
//! in a directory, `directory` packs them, and `archive` reads them from packages. `packing` writes and `gzip`
//! compresses archives, `member` joins and splits layers, and `view` shows charts.

mod archive;
mod chart_yaml;
mod complete;
mod decode;
mod directory;
mod error;
mod exact;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gzip;
mod ignore;
mod keep;
mod member;
mod metadata;
mod package;
mod packing;
mod pattern;
mod rules;
mod sizes;
mod unpack;
mod validate;
mod view;
mod walk;
pub(crate) mod yaml;

pub use archive::{ArchiveError, TarEntries, TarEntry};
pub use directory::{ChartFiles, Stamp};
pub use error::ChartError;
pub use ignore::IgnoreError;
pub use member::{head, may_be_head, split};
pub use metadata::{Dependency, Maintainer, Metadata, MetadataError};
pub use package::inspect;
pub use unpack::unpack;
pub use view::{ChartView, ViewedBytes, ViewedChart, ViewedFile, read_values_file, read_yaml};
pub use yaml::YamlError;
