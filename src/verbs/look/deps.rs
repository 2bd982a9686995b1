//! Compares the dependencies of a chart with what it contains, in the words of `helm dependency list`
//! (pkg/action/dependency.go).

use std::fmt;

use serde::Serialize;

use super::looker::LookedAtChart;
use crate::chart::{Dependency, ViewedChart};
use crate::version::{Constraint, Version};

/// Whether a chart contains a dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DependencyStatus {
    /// The chart contains it as a package in charts/.
    Packed,
    /// The chart contains it as a directory in charts/.
    Unpacked,
    /// The chart does not contain it.
    Missing,
    /// The chart contains a version of it that the constraint does not allow.
    WrongVersion,
    /// The wanted or the contained version is not valid.
    InvalidVersion,
}

impl DependencyStatus {
    /// Whether the chart contains what it needs.
    pub fn is_fine(self) -> bool {
        matches!(self, Self::Packed | Self::Unpacked)
    }
}

impl fmt::Display for DependencyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Packed => "ok",
            Self::Unpacked => "unpacked",
            Self::Missing => "missing",
            Self::WrongVersion => "wrong version",
            Self::InvalidVersion => "invalid version",
        })
    }
}

impl Serialize for DependencyStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A dependency, and what the chart contains of it.
#[derive(Debug, Serialize)]
pub struct DependencyRow {
    /// The dependency as Chart.yaml declares it.
    #[serde(flatten)]
    pub declared: Dependency,
    /// Whether it is there.
    pub status: DependencyStatus,
    /// The version that the chart contains.
    pub bundled: Option<String>,
}

/// The dependencies of a chart, in the order in which it declares them.
pub fn dependencies(looked: &LookedAtChart<'_>) -> Vec<DependencyRow> {
    // Only direct subcharts count.
    let direct: Vec<_> = looked
        .view
        .charts()
        .iter()
        .filter(|chart| chart.path.strip_prefix("charts/").is_some_and(|below| !below.contains('/')))
        .collect();
    let row = |declared: &Dependency| {
        let called: Vec<_> =
            direct.iter().filter(|chart| chart.metadata.name == declared.name).copied().collect();
        // Of several subcharts with this name, which differ by alias, one with an allowed version is taken.
        let fits = |chart: &&&ViewedChart| compare(&declared.version, &chart.metadata.version).is_none();
        let found = called.iter().find(fits).or(called.first()).copied();
        let status = match found {
            None => DependencyStatus::Missing,
            Some(chart) => match compare(&declared.version, &chart.metadata.version) {
                Some(wrong) => wrong,
                None if looked.is_directory && chart.path.ends_with(".tgz") => DependencyStatus::Packed,
                None => DependencyStatus::Unpacked,
            },
        };
        let bundled = found.map(|chart| chart.metadata.version.clone());
        DependencyRow { declared: declared.clone(), status, bundled }
    };
    looked.view.metadata().dependencies.iter().map(row).collect()
}

/// What is wrong with a version; `None` if it is fine. Helm reports a dependency without a version as wrong even if it
/// is there.
fn compare(wanted: &str, found: &str) -> Option<DependencyStatus> {
    if wanted.is_empty() || wanted == found {
        return None;
    }
    match (Constraint::parse(wanted), Version::parse_lenient(found)) {
        (Ok(constraint), Ok(version)) if constraint.matches(&version) => None,
        (Ok(_), Ok(_)) => Some(DependencyStatus::WrongVersion),
        _ => Some(DependencyStatus::InvalidVersion),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_helm_compares_them() {
        for (wanted, found, expected) in [
            ("1.0.0", "1.0.0", None),
            ("^1", "1.2.0", None),
            ("", "1.2.0", None),
            ("odd", "odd", None),
            ("^2", "1.2.0", Some(DependencyStatus::WrongVersion)),
            ("not one", "1.2.0", Some(DependencyStatus::InvalidVersion)),
            ("^1", "not one", Some(DependencyStatus::InvalidVersion)),
        ] {
            assert_eq!(compare(wanted, found), expected, "{wanted} {found}");
        }
    }
}
