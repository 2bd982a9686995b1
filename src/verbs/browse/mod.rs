//! Lists charts and versions in a registry with their metadata, without pulling them.
//!
//! `tags` lists tags and `select` chooses among them. `versions` combines both, and uses `look` to read manifests and
//! configs, which are kept. `places` finds repositories, and `charts_index` reads the list of charts that some
//! publishers provide.

mod browser;
mod charts_index;
mod error;
mod look;
mod places;
mod select;
mod tags;
mod versions;

pub use browser::{Browser, ChartVersion, ChartVersions};
pub(super) use charts_index::fetched;
pub use error::BrowseError;
pub use places::{ListedChart, ListedCharts};
pub use select::VersionSelection;
