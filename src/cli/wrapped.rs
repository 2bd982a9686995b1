//! Handles charts that `dt wrap` has archived together with their images.

use std::fs;
use std::path::{Path, PathBuf};

use super::failure::CommandFailure;
use super::sibling::bundle_by_siblings;
use crate::bundle::WrappedChart;
use crate::cache::Cache;
use crate::chart::read_yaml;
use crate::disk::{AtPath as _, PathError};
use crate::reference::Reference;

/// Makes a bundle of the chart in the directory `scratch`, and returns its path. The chart is called `name` in it.
/// Without a name it needs a prefix as its destination, and is called by its own name.
pub fn rebundled(
    wrapped: &WrappedChart,
    name: Option<&Reference>,
    has_prefix: bool,
    scratch: &Path,
    cache: &Cache,
) -> Result<PathBuf, CommandFailure> {
    let chart = scratch.join("chart");
    fs::create_dir(&chart).at("create directory", &chart)?;
    wrapped.unpack(&chart).map_err(|error| CommandFailure::new("cannot unpack the chart", &error))?;
    let own;
    let name = match name {
        Some(name) => name,
        None if has_prefix => {
            own = own_name(&chart, cache)?;
            &own
        }
        None => {
            return Err(CommandFailure::usage("a chart that dt has wrapped has no reference")
                .hint("--as HOST/REPOSITORY says what it is called, and --to PREFIX where it goes"));
        }
    };
    bundle_by_siblings(&chart, name, scratch)
}

/// The name of a chart in a bundle that is then sent below a prefix.
fn own_name(chart: &Path, cache: &Cache) -> Result<Reference, CommandFailure> {
    let path = chart.join("Chart.yaml");
    let text = fs::read(&path).at("read", &path).map_err(|error: PathError| CommandFailure::from(error))?;
    let wrong = |error| CommandFailure::new(&format!("cannot read {}", path.display()), &error);
    let metadata = read_yaml(&text, cache.budget()).map_err(wrong)?;
    let name = metadata["name"].as_str().unwrap_or_default();
    format!("localhost/{name}").parse().map_err(|error| {
        CommandFailure::new(&format!("the name `{name}` cannot be a repository's"), &error)
            .hint("--as HOST/REPOSITORY says what it is called")
    })
}
