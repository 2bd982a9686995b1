//! Differences in files that are compared as text: templates, and files without a section of their own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::change::{ChartChange, ChartSection};
use super::error::DiffError;
use crate::chart::{ChartView, ViewedFile};

/// The files of a chart that are compared as text, by section and path. In the path, subcharts have names without
/// versions.
fn texts<'v>(view: &'v ChartView<'_>) -> BTreeMap<(ChartSection, String), &'v ViewedFile> {
    let mut found = BTreeMap::new();
    let names: HashMap<&str, &str> =
        view.charts().iter().map(|chart| (chart.path.as_str(), chart.metadata.name.as_str())).collect();
    for (chart, file) in view.all_files() {
        let section = match file.path.as_str() {
            "Chart.yaml" | "values.yaml" | "values.schema.json" | "requirements.yaml" => continue,
            path if path.starts_with("crds/") && is_definition(path) => continue,
            path if path.starts_with("templates/") => ChartSection::Templates,
            _ => ChartSection::Files,
        };
        let place = unversioned(&chart.path, &names);
        let path = if place.is_empty() { file.path.clone() } else { format!("{place}/{}", file.path) };
        found.insert((section, path), file);
    }
    found
}

fn is_definition(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| path.ends_with(extension))
}

/// The path without the versions of subcharts: `charts/redis-1.0.0.tgz/charts/x` becomes `charts/redis/charts/x`.
fn unversioned(path: &str, names: &HashMap<&str, &str>) -> String {
    let Some((above, last)) = path.rsplit_once("charts/") else { return path.to_owned() };
    let above = unversioned(above.trim_end_matches('/'), names);
    let name = names.get(path).copied().unwrap_or(last);
    if above.is_empty() { format!("charts/{name}") } else { format!("{above}/charts/{name}") }
}

/// Compares these files of two charts.
pub(super) fn files(
    old: &ChartView<'_>,
    new: &ChartView<'_>,
    wants: impl Fn(ChartSection) -> bool,
    changes: &mut Vec<ChartChange>,
) -> Result<(), DiffError> {
    let (before, after) = (texts(old), texts(new));
    let keys: BTreeSet<_> =
        before.keys().chain(after.keys()).filter(|(section, _)| wants(*section)).collect();
    for key in keys {
        let (section, path) = key;
        let size = |file: &&ViewedFile| Value::from(file.size());
        match (before.get(key), after.get(key)) {
            (Some(was), Some(is)) => {
                let (was, is) = (old.read(was)?, new.read(is)?);
                if *was == *is {
                    continue;
                }
                let (added, removed) = lines(&was, &is);
                let change = ChartChange::between(
                    *section,
                    path.as_str(),
                    Some(json!(was.len())),
                    Some(json!(is.len())),
                );
                let same = "the same lines in another order";
                let note =
                    if added + removed == 0 { same.to_owned() } else { format!("+{added} -{removed} lines") };
                changes.push(change.note(note));
            }
            (was, is) => {
                changes.push(ChartChange::between(*section, path.as_str(), was.map(size), is.map(size)));
            }
        }
    }
    Ok(())
}

/// How many lines are only in the new file, and how many only in the old one. The order of lines does not count.
fn lines(old: &[u8], new: &[u8]) -> (usize, usize) {
    let mut counts: HashMap<&[u8], i64> = HashMap::new();
    old.split(|byte| *byte == b'\n').for_each(|line| *counts.entry(line).or_default() -= 1);
    new.split(|byte| *byte == b'\n').for_each(|line| *counts.entry(line).or_default() += 1);
    let sum = |sign: i64| counts.values().map(|n| (n * sign).max(0)).sum::<i64>();
    (usize::try_from(sum(1)).unwrap_or_default(), usize::try_from(sum(-1)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted() {
        assert_eq!(lines(b"a\nb\nc", b"a\nc\nd\nd"), (2, 1));
        assert_eq!(lines(b"a\nb", b"b\na"), (0, 0));
        let names = [("charts/redis-1.tgz", "redis"), ("charts/redis-1.tgz/charts/x", "x")].into();
        assert_eq!(unversioned("charts/redis-1.tgz/charts/x", &names), "charts/redis/charts/x");
    }
}
