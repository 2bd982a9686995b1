//! Charts to look at: their files wherever those are, a directory or a package, with what is in packed subcharts.
//!
//! `viewing` gathers them while a chart is read by Helm's rules, `chart_view` is what comes of it, `parts` says which files
//! Helm shows as what.

mod chart_view;
mod parts;
mod viewing;

pub use chart_view::{ChartView, ViewedBytes, ViewedChart, ViewedFile};
pub use parts::{read_values_file, read_yaml};
