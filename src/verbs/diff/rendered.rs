//! Differences in the objects that Helm renders.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::change::{ChartChange, ChartSection};
use super::definitions::documents;
use super::error::DiffError;
use super::leaves::{MAX_DEPTH, differences};
use crate::chart::read_yaml;
use crate::limits::{Budget, HeldBudget};
use crate::verbs::look::memory;

/// The rendered objects of a chart, by kind, namespace and name, as in `Service/web` or `Service/team/web`.
pub(super) struct RenderedObjects<'b> {
    _held: HeldBudget<'b>,
    by_name: BTreeMap<String, Value>,
}

impl<'b> RenderedObjects<'b> {
    /// Reads what `helm template` printed.
    pub(super) fn read(printed: &[u8], budget: &'b Budget) -> Result<Self, DiffError> {
        let mut held = budget.hold(0)?;
        let _read = budget.hold(printed.len() as u64)?;
        let text = String::from_utf8_lossy(printed);
        let mut by_name = BTreeMap::new();
        for document in documents(&text) {
            // A document that is not YAML, or has more than values may have, is compared as text.
            let value =
                read_yaml(document.as_bytes(), budget).unwrap_or_else(|_| Value::String(document.to_owned()));
            if value.is_null() {
                continue;
            }
            held.grow(2 * memory(&value))?;
            for object in objects(value) {
                let name = name(&object).unwrap_or_else(|| template(document).to_owned());
                let mut free = name.clone();
                let mut number = 2_u32;
                while by_name.contains_key(&free) {
                    free = format!("{name}#{number}");
                    number += 1;
                }
                by_name.insert(free, keyed(object, 0));
            }
        }
        Ok(Self { _held: held, by_name })
    }
}

/// The objects in a document: those of a list, or the one that it is.
fn objects(mut document: Value) -> Vec<Value> {
    let is_list = document.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
    match document.get_mut("items") {
        Some(Value::Array(items)) if is_list => std::mem::take(items),
        _ => vec![document],
    }
}

fn name(object: &Value) -> Option<String> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let (kind, name) = (text("/kind")?, text("/metadata/name")?);
    Some(match text("/metadata/namespace") {
        Some(namespace) => format!("{kind}/{namespace}/{name}"),
        None => format!("{kind}/{name}"),
    })
}

/// The template that a document comes from, which Helm says in a comment above it.
fn template(document: &str) -> &str {
    document.lines().find_map(|line| line.strip_prefix("# Source: ")).unwrap_or("?")
}

/// The value with each list of maps as a map, whose keys are the names of the maps, as in `[name=web]`, or else their
/// places in the list. So a container is compared with the one of the same name.
fn keyed(value: Value, depth: usize) -> Value {
    if depth >= MAX_DEPTH {
        return value;
    }
    match value {
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (key, keyed(value, depth + 1))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
            let names: BTreeSet<_> =
                list.iter().filter_map(|item| item.get("name").and_then(Value::as_str)).collect();
            let all_named = names.len() == list.len();
            let item = |(number, item): (usize, Value)| {
                let key = match item.get("name").and_then(Value::as_str).filter(|_| all_named) {
                    Some(name) => format!("[name={name}]"),
                    None => format!("[{number}]"),
                };
                (key, keyed(item, depth + 1))
            };
            list.into_iter().enumerate().map(item).collect::<Map<_, _>>().into()
        }
        value => value,
    }
}

/// Compares the objects of two charts.
pub(super) fn rendered(old: &RenderedObjects<'_>, new: &RenderedObjects<'_>, changes: &mut Vec<ChartChange>) {
    let names: BTreeSet<_> = old.by_name.keys().chain(new.by_name.keys()).collect();
    for name in names {
        match (old.by_name.get(name), new.by_name.get(name)) {
            (Some(was), Some(is)) => {
                for (path, was, is) in differences(was, is) {
                    let path = format!("{name} {}", path.replace(".[", "["));
                    changes.push(ChartChange::between(ChartSection::Rendered, path.trim_end(), was, is));
                }
            }
            (was, is) => {
                let version = |object: &Value| object.get("apiVersion").cloned().unwrap_or_else(|| "".into());
                let (was, is) = (was.map(version), is.map(version));
                changes.push(ChartChange::between(ChartSection::Rendered, name.as_str(), was, is));
            }
        }
    }
}
