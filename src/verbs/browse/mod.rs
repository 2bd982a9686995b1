//! Which charts and versions there are in a registry, and what each says about itself, without pulling one.
//!
//! `tags` lists, `select` chooses, `versions` does both and has `look` read manifests and configs, which are kept; `places` finds repositories, and
//! `charts_index` reads the list that some publish of them.

mod browser;
mod charts_index;
mod error;
mod look;
mod places;
mod select;
mod tags;
mod versions;

pub use browser::{Browser, ChartVersion, ChartVersions};
pub use error::BrowseError;
pub use places::{ListedChart, ListedCharts};
pub use select::VersionSelection;
