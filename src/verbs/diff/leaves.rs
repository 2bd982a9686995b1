//! The leaves of a JSON document: the value at each path.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// The depth down to which documents are taken apart. A deeper value is compared as a whole.
pub(super) const MAX_DEPTH: usize = 100;

/// The leaves of a document by path: scalars, lists, and empty maps.
pub(super) fn leaves(value: &Value) -> BTreeMap<String, &Value> {
    let mut found = BTreeMap::new();
    gather(value, String::new(), 0, &mut found);
    found
}

fn gather<'a>(value: &'a Value, path: String, depth: usize, found: &mut BTreeMap<String, &'a Value>) {
    match value {
        Value::Object(map) if !map.is_empty() && depth < MAX_DEPTH => {
            for (key, value) in map {
                let key = if key.contains('.') { format!("\"{key}\"") } else { key.clone() };
                let below = if path.is_empty() { key } else { format!("{path}.{key}") };
                gather(value, below, depth + 1, found);
            }
        }
        value => {
            found.insert(path, value);
        }
    }
}

/// The paths at which two documents differ, each with the old and the new value.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<(String, Option<Value>, Option<Value>)> {
    let mut found = Vec::new();
    compare(Some(old), Some(new), String::new(), 0, &mut found);
    found
}

fn compare(
    old: Option<&Value>,
    new: Option<&Value>,
    path: String,
    depth: usize,
    found: &mut Vec<(String, Option<Value>, Option<Value>)>,
) {
    let none = Map::new();
    match (old, new) {
        (old, new) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) if depth < MAX_DEPTH => {
            both(old, new, &path, depth, found);
        }
        // A map that exists on one side only is also reported leaf by leaf.
        (Some(Value::Object(old)), None) if !old.is_empty() && depth < MAX_DEPTH => {
            both(old, &none, &path, depth, found);
        }
        (None, Some(Value::Object(new))) if !new.is_empty() && depth < MAX_DEPTH => {
            both(&none, new, &path, depth, found);
        }
        (old, new) => found.push((path, old.cloned(), new.cloned())),
    }
}

fn both(
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    path: &str,
    depth: usize,
    found: &mut Vec<(String, Option<Value>, Option<Value>)>,
) {
    let added = new.keys().filter(|key| !old.contains_key(*key));
    let mut keys: Vec<_> = old.keys().chain(added).collect();
    keys.sort();
    for key in keys {
        let shown = if key.contains('.') { format!("\"{key}\"") } else { key.clone() };
        let below = if path.is_empty() { shown } else { format!("{path}.{shown}") };
        compare(old.get(key), new.get(key), below, depth + 1, found);
    }
}

/// The JSON type of a value, for messages.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "map",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_differ_at_their_leaves() {
        let old = json!({ "a": { "b": 1, "c": [1] }, "d.e": 1, "f": {}, "g": 1, "h": { "i": { "j": 1 } } });
        let new =
            json!({ "a": { "b": 2, "c": [1] }, "d.e": 2, "f": {}, "g": { "x": 1 }, "k": { "l": null } });
        let found: Vec<_> = differences(&old, &new)
            .into_iter()
            .map(|(path, old, new)| {
                let shown = |value: Option<Value>| value.map_or("-".to_owned(), |value| value.to_string());
                format!("{path} {} {}", shown(old), shown(new))
            })
            .collect();
        assert_eq!(found, ["a.b 1 2", "\"d.e\" 1 2", "g 1 {\"x\":1}", "h.i.j 1 -", "k.l - null"]);
        assert_eq!(leaves(&new).len(), 6);
    }
}
