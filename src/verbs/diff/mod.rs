//! Compares two charts for a user who upgrades from one to the other: metadata, dependencies, values, schema, custom
//! resource definitions, templates, images and other files.

mod change;
mod compare;
mod definitions;
mod error;
mod files;
mod leaves;
mod values;

pub use change::{ChartChange, ChartSection};
pub use compare::{ChartDifference, DiffOptions, diff};
pub use error::DiffError;
