//! Charts that can be looked at: the files of a directory or a package, with those in packed subcharts.
//!
//! `viewing` collects the files while Helm's rules are applied to the chart, `chart_view` is the result, and `parts`
//! knows which files Helm shows under which name.

mod chart_view;
mod parts;
mod viewing;

pub use chart_view::{ChartView, ViewedBytes, ViewedChart, ViewedFile};
pub use parts::{read_values_file, read_yaml};
