//! Checks a chart package, and reads its metadata.

use std::io::Read;

use super::complete::IncomingChart;
use super::error::ChartError;
use super::keep::LookOnly;
use super::metadata::Metadata;
use crate::limits::Budget;

/// Reads a whole chart package, checks it by Helm's rules and ours, and returns its metadata. Nothing of it is stored.
/// Memory is taken from `budget`.
pub fn inspect(package: impl Read, budget: &Budget) -> Result<Metadata, ChartError> {
    let mut look = LookOnly::default();
    let mut loading = IncomingChart::new(budget)?;
    loading.take_archive(&mut look, &mut { package })?;
    Ok(loading.finish(&mut look)?.metadata)
}
