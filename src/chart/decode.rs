//! Decodes Chart.yaml, requirements.yaml and lock files into Helm's types, as Helm does: sigs.k8s.io/yaml turns YAML
//! into JSON and knows the target's types, and encoding/json ignores the case of keys and unmarshals over what is there
//! already.

use std::collections::BTreeMap;

use super::metadata::{Dependency, Maintainer, Metadata, MetadataError};
use super::yaml::{YamlError, YamlValue, is_rfc3339};
use crate::go_json;

/// Why a document cannot be decoded.
#[derive(Debug)]
pub(super) enum DecodeError {
    /// The document has a value that JSON does not have.
    Yaml(YamlError),
    /// A value is of another type than Helm's field.
    Metadata(MetadataError),
}

impl From<YamlError> for DecodeError {
    fn from(error: YamlError) -> Self {
        Self::Yaml(error)
    }
}

impl From<MetadataError> for DecodeError {
    fn from(error: MetadataError) -> Self {
        Self::Metadata(error)
    }
}

/// A type with fields, as the Go structs into which Helm decodes maps.
trait DecodedFields {
    /// The JSON names of the fields.
    const NAMES: &'static [&'static str];

    /// Sets the field of this name to `value`.
    fn take_field(&mut self, name: &'static str, value: YamlValue) -> Result<(), DecodeError>;
}

impl Metadata {
    /// Decodes a YAML document into this metadata, over the fields that are set already, as Helm unmarshals Chart.yaml
    /// and then requirements.yaml into one struct. Fields that Helm does not know are kept in `unknown`.
    pub(super) fn take(&mut self, document: YamlValue) -> Result<(), DecodeError> {
        for (key, value) in take_fields(self, document)? {
            if !matches!(value, YamlValue::Null) {
                self.unknown.insert(key, value.into_json()?);
            }
        }
        Ok(())
    }

    /// Decodes a YAML document as [`Metadata::take`] does, but drops the fields that Helm does not know.
    pub(super) fn take_known(&mut self, document: YamlValue) -> Result<(), DecodeError> {
        for (_, value) in take_fields(self, document)? {
            value.check_json()?;
        }
        Ok(())
    }
}

/// An error if Helm could not load this document as Chart.lock (pkg/chart/dependency.go, Lock).
pub(super) fn check_lock(document: YamlValue) -> Result<(), DecodeError> {
    for (_, value) in take_fields(&mut ChartLock::default(), document)? {
        value.check_json()?;
    }
    Ok(())
}

/// Sets the fields that the document has and the type knows, and returns the others.
fn take_fields<T: DecodedFields>(
    into: &mut T,
    document: YamlValue,
) -> Result<Vec<(String, YamlValue)>, DecodeError> {
    let map = match document {
        YamlValue::Null => return Ok(Vec::new()),
        YamlValue::Map(map) => map,
        YamlValue::Unusable(key) => return Err(YamlError::Key(key).into()),
        other => return Err(MetadataError::NotAMap(other.kind()).into()),
    };
    let mut others = Vec::new();
    for (key, value) in map {
        // The exact key first, then one that differs in case.
        let exact = T::NAMES.iter().find(|name| **name == key);
        match exact.or_else(|| T::NAMES.iter().find(|name| go_json::is_field(&key, name))) {
            Some(name) => into.take_field(name, value)?,
            None => others.push((key, value)),
        }
    }
    Ok(others)
}

impl DecodedFields for Metadata {
    const NAMES: &'static [&'static str] = &[
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

    fn take_field(&mut self, name: &'static str, value: YamlValue) -> Result<(), DecodeError> {
        match name {
            "name" => text(&mut self.name, name, value),
            "home" => text(&mut self.home, name, value),
            "sources" => texts(&mut self.sources, name, value),
            "version" => text(&mut self.version, name, value),
            "description" => text(&mut self.description, name, value),
            "keywords" => texts(&mut self.keywords, name, value),
            "maintainers" => maps(&mut self.maintainers, name, value),
            "icon" => text(&mut self.icon, name, value),
            "apiVersion" => text(&mut self.api_version, name, value),
            "condition" => text(&mut self.condition, name, value),
            "tags" => text(&mut self.tags, name, value),
            "appVersion" => text(&mut self.app_version, name, value),
            "deprecated" => bool(&mut self.deprecated, name, value),
            "annotations" => text_map(&mut self.annotations, name, value),
            "kubeVersion" => text(&mut self.kube_version, name, value),
            "dependencies" => maps(&mut self.dependencies, name, value),
            _ => text(&mut self.kind, name, value),
        }
    }
}

impl DecodedFields for Maintainer {
    const NAMES: &'static [&'static str] = &["name", "email", "url"];

    fn take_field(&mut self, name: &'static str, value: YamlValue) -> Result<(), DecodeError> {
        match name {
            "name" => text(&mut self.name, "maintainers.name", value),
            "email" => text(&mut self.email, "maintainers.email", value),
            _ => text(&mut self.url, "maintainers.url", value),
        }
    }
}

impl DecodedFields for Dependency {
    const NAMES: &'static [&'static str] =
        &["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];

    fn take_field(&mut self, name: &'static str, value: YamlValue) -> Result<(), DecodeError> {
        match name {
            "name" => text(&mut self.name, "dependencies.name", value),
            "version" => text(&mut self.version, "dependencies.version", value),
            "repository" => text(&mut self.repository, "dependencies.repository", value),
            "condition" => text(&mut self.condition, "dependencies.condition", value),
            "tags" => texts(&mut self.tags, "dependencies.tags", value),
            "enabled" => bool(&mut self.enabled, "dependencies.enabled", value),
            "import-values" => import_values(&mut self.import_values, value),
            _ => text(&mut self.alias, "dependencies.alias", value),
        }
    }
}

/// The fields of Chart.lock, which are only checked.
#[derive(Default)]
struct ChartLock {
    digest: String,
    dependencies: Vec<Dependency>,
}

impl DecodedFields for ChartLock {
    const NAMES: &'static [&'static str] = &["generated", "digest", "dependencies"];

    fn take_field(&mut self, name: &'static str, value: YamlValue) -> Result<(), DecodeError> {
        match name {
            "generated" => match value {
                YamlValue::Null => Ok(()),
                YamlValue::String(time) if is_rfc3339(&time) => Ok(()),
                other => Err(wrong(name, "a time like 2006-01-02T15:04:05Z", &other)),
            },
            "digest" => text(&mut self.digest, name, value),
            // A null entry does no harm if the file is only loaded.
            _ => match value {
                YamlValue::List(mut list) => {
                    list.retain(|entry| !matches!(entry, YamlValue::Null));
                    maps(&mut self.dependencies, name, YamlValue::List(list))
                }
                other => maps(&mut self.dependencies, name, other),
            },
        }
    }
}

fn wrong(field: &str, expected: &'static str, value: &YamlValue) -> DecodeError {
    MetadataError::Type { field: field.to_owned(), expected, found: value.kind() }.into()
}

fn text(into: &mut String, field: &str, value: YamlValue) -> Result<(), DecodeError> {
    if !matches!(value, YamlValue::Null) {
        *into = value.into_text().map_err(|value| wrong(field, "a string", &value))?;
    }
    Ok(())
}

fn bool(into: &mut bool, field: &str, value: YamlValue) -> Result<(), DecodeError> {
    match value {
        YamlValue::Null => {}
        YamlValue::Bool(bool) => *into = bool,
        other => return Err(wrong(field, "true or false", &other)),
    }
    Ok(())
}

/// Decodes a list over one that may be there already: each entry over the one in its place. Surplus entries are
/// removed.
fn list<T: Default>(
    into: &mut Vec<T>,
    field: &str,
    value: YamlValue,
    entry: impl Fn(&mut T, YamlValue) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let list = match value {
        YamlValue::Null => Vec::new(),
        YamlValue::List(list) => list,
        other => return Err(wrong(field, "a list", &other)),
    };
    into.resize_with(list.len(), T::default);
    into.iter_mut().zip(list).try_for_each(|(into, value)| entry(into, value))
}

fn texts(into: &mut Vec<String>, field: &str, value: YamlValue) -> Result<(), DecodeError> {
    list(into, field, value, |into, value| text(into, field, value))
}

/// Decodes a list of maps. A null entry crashed Helm until 3.18.5 (CVE-2025-55198), and has been refused since.
fn maps<T: DecodedFields + Default>(
    into: &mut Vec<T>,
    field: &str,
    value: YamlValue,
) -> Result<(), DecodeError> {
    list(into, field, value, |into, value| match value {
        YamlValue::Map(_) | YamlValue::Unusable(_) => {
            take_fields(into, value)?.iter().try_for_each(|(_, value)| Ok(value.check_json()?))
        }
        other => Err(wrong(field, "a list of maps", &other)),
    })
}

fn text_map(into: &mut BTreeMap<String, String>, field: &str, value: YamlValue) -> Result<(), DecodeError> {
    let map = match value {
        YamlValue::Null => {
            into.clear();
            return Ok(());
        }
        YamlValue::Map(map) => map,
        YamlValue::Unusable(key) => return Err(YamlError::Key(key).into()),
        other => return Err(wrong(field, "a map of strings", &other)),
    };
    for (key, value) in map {
        let mut string = String::new();
        text(&mut string, &format!("{field}.{key}"), value)?;
        into.insert(key, string);
    }
    Ok(())
}

/// Decodes a list of any values. Numbers in them become floats, as in Go.
fn import_values(into: &mut Vec<serde_json::Value>, value: YamlValue) -> Result<(), DecodeError> {
    list(into, "dependencies.import-values", value, |into, value| {
        *into = value.into_json()?;
        as_floats(into);
        Ok(())
    })
}

fn as_floats(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Number(number) => {
            if let Some(float) = number.as_f64().and_then(go_json::number) {
                *number = float;
            }
        }
        serde_json::Value::Array(list) => list.iter_mut().for_each(as_floats),
        serde_json::Value::Object(map) => map.values_mut().for_each(as_floats),
        _ => {}
    }
}
