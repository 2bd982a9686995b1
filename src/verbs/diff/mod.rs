//! Compares two charts for a user who upgrades from one to the other: metadata, dependencies, values, schema, custom
//! resource definitions, templates, images, other files, what Helm renders, and what is attached in registries.

mod attached;
mod change;
mod compare;
mod definitions;
mod error;
mod files;
mod leaves;
mod rendered;
mod values;

pub use change::{ChartChange, ChartSection};
pub use compare::{ChartDifference, DiffOptions, diff};
pub use error::DiffError;
