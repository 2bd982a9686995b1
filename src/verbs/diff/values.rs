//! Differences in default values, and their effect on a user's own values.

use std::collections::BTreeMap;

use serde_json::Value;

use super::change::{ChartChange, ChartSection};
use super::leaves::{differences, kind, leaves};

/// Compares default values. `mine` are the user's own values, if given: they decide whether a difference is breaking.
pub(super) fn values(old: &Value, new: &Value, mine: Option<&Value>, changes: &mut Vec<ChartChange>) {
    let set = mine.map(leaves);
    let (before, after) = (leaves(old), leaves(new));
    for (path, was, is) in differences(old, new) {
        let own = set.as_ref().and_then(|set| set.get(path.as_str()).copied());
        let is_set = own.is_some() || set.as_ref().is_some_and(|set| is_within(set, &path));
        let counts = mine.is_none() || is_set;
        let other_type = match (&was, &is) {
            // A default of null has no type.
            (Some(was), Some(is)) => !was.is_null() && !is.is_null() && kind(was) != kind(is),
            _ => false,
        };
        let is_gone = is.is_none();
        let note = match (is_gone, other_type, is_set) {
            (true, _, true) => "removed; you set it",
            (_, true, true) => "another type; you set it",
            (_, true, false) => "another type",
            (false, false, true) => "you set it",
            _ => "",
        };
        let change = ChartChange::between(ChartSection::Values, path, was, is);
        changes.push(change.breaking(counts && (is_gone || other_type)).note(note));
    }
    // The user's own values below something that is no longer a map, or of another type than the new default.
    for (path, own) in set.into_iter().flatten() {
        if before.get(path.as_str()) != after.get(path.as_str()) {
            continue;
        }
        if let Some(default) = after.get(path.as_str())
            && !default.is_null()
            && !own.is_null()
            && kind(default) != kind(own)
        {
            let change =
                ChartChange::between(ChartSection::Values, path, Some(own.clone()), Some((*default).clone()));
            changes.push(change.breaking(false).note("your value is of another type than the default"));
        }
    }
}

/// Whether the user sets a value below this path.
fn is_within(set: &BTreeMap<String, &Value>, path: &str) -> bool {
    set.keys().any(|own| own.strip_prefix(path).is_some_and(|below| below.starts_with('.')))
}

/// Compares schemas. A property that has become required is breaking.
pub(super) fn schema(old: &Value, new: &Value, changes: &mut Vec<ChartChange>) {
    for (path, was, is) in differences(old, new) {
        let is_requirement = path == "required" || path.ends_with(".required");
        let required =
            |value: &Option<Value>| value.as_ref().and_then(Value::as_array).cloned().unwrap_or_default();
        let (before, after) = (required(&was), required(&is));
        let more = is_requirement && after.iter().any(|name| !before.contains(name));
        let is_type = (path == "type" || path.ends_with(".type")) && was.is_some();
        let note = if more { "more is required" } else { "" };
        let change = ChartChange::between(ChartSection::Schema, path, was, is);
        changes.push(change.breaking(more || is_type).note(note));
    }
}
