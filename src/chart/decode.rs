//! Chart.yaml and requirements.yaml into [`Metadata`], with the types that Go gives: sigs.k8s.io/yaml turns YAML into
//! JSON with the target's types at hand, and encoding/json takes any case of a key.

use std::collections::BTreeMap;

use super::metadata::{Dependency, Maintainer, Metadata, MetadataError};
use super::yaml::Value;

impl Metadata {
    /// Takes the fields of a YAML document over those already here, as Helm unmarshals Chart.yaml and then, for
    /// version 1 charts, requirements.yaml into one struct.
    pub(super) fn take(&mut self, document: &Value) -> Result<(), MetadataError> {
        let unknown = self.take_known(document)?;
        self.unknown.extend(unknown.into_iter().map(|(key, value)| (key.clone(), value.to_json())));
        Ok(())
    }

    /// The same, but returns the fields that Helm does not know.
    pub(super) fn take_known<'a>(
        &mut self,
        document: &'a Value,
    ) -> Result<Vec<(&'a String, &'a Value)>, MetadataError> {
        let mut unknown = Vec::new();
        let map = match document {
            Value::Null => return Ok(unknown),
            Value::Map(map) => map,
            other => return Err(MetadataError::NotAMap(other.kind())),
        };
        for (key, value) in map {
            if matches!(value, Value::Null) {
                continue;
            }
            // encoding/json prefers the exact key and takes any other case.
            match FIELDS
                .iter()
                .find(|f| *f == key)
                .or_else(|| FIELDS.iter().find(|f| f.eq_ignore_ascii_case(key)))
            {
                Some(field) => self.take_field(field, value)?,
                None => unknown.push((key, value)),
            }
        }
        Ok(unknown)
    }

    fn take_field(&mut self, field: &'static str, value: &Value) -> Result<(), MetadataError> {
        match field {
            "name" => self.name = text(field, value)?,
            "home" => self.home = text(field, value)?,
            "sources" => self.sources = texts(field, value)?,
            "version" => self.version = text(field, value)?,
            "description" => self.description = text(field, value)?,
            "keywords" => self.keywords = texts(field, value)?,
            "maintainers" => self.maintainers = maps(field, value, Maintainer::take_field)?,
            "icon" => self.icon = text(field, value)?,
            "apiVersion" => self.api_version = text(field, value)?,
            "condition" => self.condition = text(field, value)?,
            "tags" => self.tags = text(field, value)?,
            "appVersion" => self.app_version = text(field, value)?,
            "deprecated" => self.deprecated = bool(field, value)?,
            "annotations" => self.annotations = text_map(field, value)?,
            "kubeVersion" => self.kube_version = text(field, value)?,
            "dependencies" => self.dependencies = maps(field, value, Dependency::take_field)?,
            _ => self.kind = text(field, value)?,
        }
        Ok(())
    }
}

/// The JSON names of [`Metadata`]'s fields.
const FIELDS: [&str; 17] = [
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];

impl Maintainer {
    fn take_field(&mut self, key: &str, value: &Value) -> Result<(), MetadataError> {
        match key.to_ascii_lowercase().as_str() {
            "name" => self.name = text("maintainers.name", value)?,
            "email" => self.email = text("maintainers.email", value)?,
            "url" => self.url = text("maintainers.url", value)?,
            _ => {}
        }
        Ok(())
    }
}

impl Dependency {
    fn take_field(&mut self, key: &str, value: &Value) -> Result<(), MetadataError> {
        match key.to_ascii_lowercase().as_str() {
            "name" => self.name = text("dependencies.name", value)?,
            "version" => self.version = text("dependencies.version", value)?,
            "repository" => self.repository = text("dependencies.repository", value)?,
            "condition" => self.condition = text("dependencies.condition", value)?,
            "tags" => self.tags = texts("dependencies.tags", value)?,
            "enabled" => self.enabled = bool("dependencies.enabled", value)?,
            "import-values" => {
                self.import_values =
                    list("dependencies.import-values", value)?.iter().map(Value::to_json).collect();
            }
            "alias" => self.alias = text("dependencies.alias", value)?,
            _ => {}
        }
        Ok(())
    }
}

fn wrong(field: &str, expected: &'static str, value: &Value) -> MetadataError {
    MetadataError::Type { field: field.to_owned(), expected, found: value.kind() }
}

fn text(field: &str, value: &Value) -> Result<String, MetadataError> {
    value.scalar_text().ok_or_else(|| wrong(field, "a string", value))
}

fn bool(field: &str, value: &Value) -> Result<bool, MetadataError> {
    match value {
        Value::Bool(bool) => Ok(*bool),
        _ => Err(wrong(field, "true or false", value)),
    }
}

fn list<'a>(field: &str, value: &'a Value) -> Result<&'a [Value], MetadataError> {
    match value {
        Value::List(list) => Ok(list),
        _ => Err(wrong(field, "a list", value)),
    }
}

fn texts(field: &str, value: &Value) -> Result<Vec<String>, MetadataError> {
    // A null among strings is Go's zero value.
    let entry =
        |value: &Value| if matches!(value, Value::Null) { Ok(String::new()) } else { text(field, value) };
    list(field, value)?.iter().map(entry).collect()
}

fn text_map(field: &str, value: &Value) -> Result<BTreeMap<String, String>, MetadataError> {
    let Value::Map(map) = value else { return Err(wrong(field, "a map of strings", value)) };
    let mut texts = BTreeMap::new();
    for (key, value) in map {
        let text = match value {
            Value::Null => String::new(),
            value => text(&format!("{field}.{key}"), value)?,
        };
        texts.insert(key.clone(), text);
    }
    Ok(texts)
}

/// A list of maps, each made of a default by taking field after field. A null entry crashed Helm until 3.18.5
/// (CVE-2025-55198) and is refused since.
fn maps<T: Default>(
    field: &str,
    value: &Value,
    take: impl Fn(&mut T, &str, &Value) -> Result<(), MetadataError>,
) -> Result<Vec<T>, MetadataError> {
    let entry = |value: &Value| {
        let Value::Map(map) = value else { return Err(wrong(field, "a list of maps", value)) };
        let mut item = T::default();
        for (key, value) in map.iter().filter(|(_, value)| !matches!(value, Value::Null)) {
            take(&mut item, key, value)?;
        }
        Ok(item)
    };
    list(field, value)?.iter().map(entry).collect()
}
