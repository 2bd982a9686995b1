//! Differences in custom resource definitions: which exist, and which versions they serve.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::change::{ChartChange, ChartSection};
use super::error::DiffError;
use crate::chart::{ChartView, read_yaml};
use crate::limits::HeldBudget;
use crate::verbs::look::memory;

/// The custom resource definitions of a chart, by name.
pub(super) struct Definitions<'b> {
    _held: HeldBudget<'b>,
    by_name: BTreeMap<String, Value>,
}

impl<'b> Definitions<'b> {
    pub(super) fn of(view: &ChartView<'b>) -> Result<Self, DiffError> {
        let mut held = view.budget().hold(0)?;
        let mut by_name = BTreeMap::new();
        for (chart, file) in view.crds() {
            let content = view.read(file)?;
            let text = String::from_utf8_lossy(&content);
            for (number, document) in documents(&text).enumerate() {
                // A document that is not YAML is compared as text.
                let value = read_yaml(document.as_bytes(), view.budget())
                    .unwrap_or_else(|_| Value::String(document.to_owned()));
                if value.is_null() {
                    continue;
                }
                held.grow(memory(&value))?;
                let named = value.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
                let name = named.unwrap_or_else(|| format!("{}#{number}", chart.full_path(file)));
                by_name.insert(name, value);
            }
        }
        Ok(Self { _held: held, by_name })
    }
}

/// The documents in a YAML text, without the lines `---` in between.
pub(super) fn documents(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if at > 0 && line.trim_end() == "---" {
                rest = Some(&text[at..]);
                return Some(&text[..at]);
            }
            at += line.len();
        }
        rest = None;
        Some(text)
    })
}

/// The versions that a definition serves.
fn served(definition: &Value) -> BTreeSet<String> {
    let listed = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let is_served = |version: &&Value| version.get("served").and_then(Value::as_bool) != Some(false);
    let name = |version: &Value| Some(version.get("name")?.as_str()?.to_owned());
    let mut found: BTreeSet<_> = listed.filter(is_served).filter_map(name).collect();
    // Before apiextensions.k8s.io/v1 a definition had a single version here.
    found.extend(definition.pointer("/spec/version").and_then(Value::as_str).map(str::to_owned));
    found
}

/// Compares the custom resource definitions of two charts.
pub(super) fn definitions(old: &Definitions<'_>, new: &Definitions<'_>, changes: &mut Vec<ChartChange>) {
    let (old, new) = (&old.by_name, &new.by_name);
    let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    for name in names {
        let change = |was: Option<&Value>, is: Option<&Value>| {
            let versions =
                |definition: &Value| Value::from(served(definition).into_iter().collect::<Vec<_>>());
            ChartChange::between(ChartSection::Crds, name.as_str(), was.map(versions), is.map(versions))
        };
        match (old.get(name), new.get(name)) {
            (Some(was), Some(is)) if was == is => {}
            (Some(was), Some(is)) => {
                let (before, after) = (served(was), served(is));
                let gone: Vec<_> = before.difference(&after).cloned().collect();
                let come: Vec<_> = after.difference(&before).cloned().collect();
                let mut notes = Vec::new();
                if !gone.is_empty() {
                    notes.push(format!("{} no longer served", gone.join(", ")));
                }
                if !come.is_empty() {
                    notes.push(format!("{} served now", come.join(", ")));
                }
                if notes.is_empty() {
                    notes.push("the same versions, defined otherwise".to_owned());
                }
                changes.push(change(Some(was), Some(is)).breaking(!gone.is_empty()).note(notes.join("; ")));
            }
            (was, is) => changes.push(change(was, is).breaking(is.is_none())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_apart() {
        let found: Vec<_> = documents("---\na: 1\n---\nb: 2\n--- \nc: 3").collect();
        assert_eq!(found, ["---\na: 1\n", "---\nb: 2\n", "--- \nc: 3"]);
        assert_eq!(documents("a").count(), 1);
    }

    #[test]
    fn versions_that_are_served_are_found() {
        let definition = serde_json::json!({ "spec": { "versions":
            [{ "name": "v1", "served": true }, { "name": "v1beta1", "served": false }, { "name": "v2" }] } });
        assert_eq!(served(&definition).into_iter().collect::<Vec<_>>(), ["v1", "v2"]);
        assert_eq!(served(&serde_json::json!({ "spec": { "version": "v1" } })).len(), 1);
    }
}
