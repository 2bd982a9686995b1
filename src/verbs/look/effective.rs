//! Computes the values of a chart and its subcharts, merged as Helm merges them.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::chart::{ChartError, ChartView, ViewedChart, read_values_file};
use crate::limits::{HeldBudget, OverBudget};

/// The values of a chart and of each of its subcharts, in the order of the view's charts.
#[derive(Debug)]
pub(crate) struct EffectiveValues<'b> {
    _held: HeldBudget<'b>,
    /// The values of each chart, merged with those that its parents set for it.
    pub(crate) charts: Vec<Value>,
    /// The path of each chart's values in the values of the whole: empty, or for example `db`.
    pub(crate) paths: Vec<String>,
}

/// How many bytes of memory a value takes at most. A map allocates room for eleven entries at once.
pub(crate) fn memory(value: &Value) -> u64 {
    const MAP: u64 = 720;
    const ENTRY: u64 = 64;
    match value {
        Value::Object(map) => {
            MAP + map.iter().map(|(key, value)| ENTRY + key.len() as u64 + memory(value)).sum::<u64>()
        }
        Value::Array(list) => ENTRY + list.iter().map(|value| ENTRY + memory(value)).sum::<u64>(),
        Value::String(text) => 16 + text.len() as u64,
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// Merges `over` into `under` as Helm merges a user's values into a chart's: maps key by key, anything else as a whole,
/// and null removes a key.
pub(crate) fn merge(under: &mut Value, over: &Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    under.remove(key);
                } else if let Some(known) = under.get_mut(key) {
                    merge(known, value);
                } else {
                    under.insert(key.clone(), value.clone());
                }
            }
        }
        (under, over) => *under = over.clone(),
    }
}

/// The values of all charts of a view. `files` have values that override the chart's; later files override earlier
/// ones.
pub(crate) fn effective_values<'b>(
    view: &ChartView<'b>,
    files: &[PathBuf],
) -> Result<EffectiveValues<'b>, ChartError> {
    let mut held = view.budget().hold(0)?;
    let mut charts: Vec<Value> = Vec::new();
    let mut paths: Vec<String> = Vec::new();
    for chart in view.charts() {
        let mut values = match chart.file("values.yaml") {
            Some(file) => view.read_yaml(file)?,
            None => Value::Null,
        };
        if !values.is_object() {
            values = Map::new().into();
        }
        held.grow(memory(&values))?;
        let mut put = |over: &Value| -> Result<(), OverBudget> {
            held.grow(memory(over))?;
            merge(&mut values, over);
            Ok(())
        };
        match parent_of(view, chart) {
            None => {
                for file in files {
                    put(&read_values_file(file, view.budget())?)?;
                }
                paths.push(String::new());
            }
            Some(above) => {
                let key = key_in(&view.charts()[above], chart);
                if let Some(over) = charts[above].get(key).filter(|over| over.is_object()) {
                    put(over)?;
                }
                if let Some(global) = charts[above].get("global") {
                    put(&serde_json::json!({ "global": global }))?;
                }
                let before = &paths[above];
                paths.push(if before.is_empty() { key.to_owned() } else { format!("{before}.{key}") });
            }
        }
        charts.push(values);
    }
    Ok(EffectiveValues { _held: held, charts, paths })
}

impl EffectiveValues<'_> {
    /// The values of the whole chart, with those of each subchart under its key.
    pub(crate) fn whole(mut self) -> Value {
        for (number, path) in self.paths.iter().enumerate().rev().filter(|(_, path)| !path.is_empty()) {
            let values = std::mem::take(&mut self.charts[number]);
            let parent = match path.rsplit_once('.') {
                Some((above, _)) => self.paths.iter().position(|other| other == above).unwrap_or_default(),
                None => 0,
            };
            let key = path.rsplit('.').next().unwrap_or_default();
            if let Some(map) = self.charts.get_mut(parent).and_then(Value::as_object_mut) {
                map.insert(key.to_owned(), values);
            }
        }
        self.charts.into_iter().next().unwrap_or_default()
    }
}

/// The index of a subchart's parent in the view, which comes before the subchart.
fn parent_of(view: &ChartView<'_>, chart: &ViewedChart) -> Option<usize> {
    let (above, _) = chart.path.rsplit_once("charts/")?;
    let above = above.trim_end_matches('/');
    view.charts().iter().position(|other| other.path == above)
}

/// The key of a subchart in the values of its parent: its alias, or its name.
fn key_in<'a>(parent: &'a ViewedChart, chart: &'a ViewedChart) -> &'a str {
    let declared = parent.metadata.dependencies.iter().find(|one| one.name == chart.metadata.name);
    declared.map(|one| one.alias.as_str()).filter(|alias| !alias.is_empty()).unwrap_or(&chart.metadata.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_merged_as_helm_merges_them() {
        let mut values = serde_json::json!({ "a": { "b": 1, "c": 2 }, "d": [1], "e": 1 });
        merge(&mut values, &serde_json::json!({ "a": { "b": 3 }, "d": [2], "e": null, "f": 4 }));
        assert_eq!(values, serde_json::json!({ "a": { "b": 3, "c": 2 }, "d": [2], "f": 4 }));
    }
}
