//! The metadata of a chart: Chart.yaml as Helm reads it, and the two JSON documents that are made from it:
//!
//! * the *config* blob of a pushed chart: name, version and the other fields that Helm knows, byte for byte what `helm
//!   push` writes (`json.Marshal(chart.Metadata)`, pkg/chart/metadata.go);
//! * the *meta* blob of the cache: the fields that Helm knows without name and version, and then those that it does not
//!   know, sorted.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize, de};

use crate::go_json;
use crate::limits::MAX_CONFIG;

/// The fields of a Chart.yaml.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The chart's name.
    pub name: String,
    /// The URL of the chart's home page.
    pub home: String,
    /// The URLs of the source code.
    pub sources: Vec<String>,
    /// The version of the chart: SemVer 2, read leniently as Helm does.
    pub version: String,
    /// A description in one sentence.
    pub description: String,
    /// Words by which the chart can be found.
    pub keywords: Vec<String>,
    /// The people or organisations that maintain the chart.
    pub maintainers: Vec<Maintainer>,
    /// The URL of an icon.
    pub icon: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// If the chart is a subchart: the path of the value that enables it.
    pub condition: String,
    /// If the chart is a subchart: the tags that enable it.
    pub tags: String,
    /// The version of the application that the chart installs.
    pub app_version: String,
    /// Whether the chart should no longer be used.
    pub deprecated: bool,
    /// Free text by key.
    pub annotations: BTreeMap<String, String>,
    /// A constraint on the versions of Kubernetes that the chart supports.
    pub kube_version: String,
    /// The charts that it needs. For `v1` they are those of requirements.yaml.
    pub dependencies: Vec<Dependency>,
    /// `application` or `library`; empty means application.
    #[serde(rename = "type")]
    pub kind: String,
    /// The fields that Helm does not know.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

/// A person or organisation that maintains the chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Maintainer {
    /// The name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The e-mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// The URL of a web page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that this one needs (pkg/chart/dependency.go).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Dependency {
    /// The name of the chart that is needed.
    pub name: String,
    /// A constraint on the version of that chart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// The URL of the repository that has that chart.
    pub repository: String,
    /// The paths of values that enable the dependency.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags that enable the dependency.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether the dependency is enabled.
    #[serde(skip_serializing_if = "is_false")]
    pub enabled: bool,
    /// Values of the subchart that the parent chart imports.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<serde_json::Value>,
    /// Another name for the subchart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(bool: &bool) -> bool {
    !bool
}

/// Why metadata is not that of a valid chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The document is not a map.
    #[error("expected a map, found {0}")]
    NotAMap(&'static str),
    /// A field has a value of the wrong type.
    #[error("`{field}` must be {expected}, not {found}")]
    Type {
        /// The name of the field.
        field: String,
        /// The type that Helm accepts.
        expected: &'static str,
        /// The type of the value.
        found: &'static str,
    },
    /// A required field is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// The name cannot be used as that of a directory.
    #[error("the name `{0}` is invalid: it must be usable as the name of one directory")]
    Name(String),
    /// The version is not a semantic version.
    #[error("the version `{0}` is invalid: expected a semantic version like 1.2.3")]
    Version(String),
    /// The type is neither `application` nor `library`.
    #[error("the type `{0}` is invalid: a chart is an application or a library")]
    Kind(String),
    /// The alias has characters that a key in values cannot have.
    #[error("the alias `{0}` is invalid: expected letters, digits, `_` and `-`")]
    Alias(String),
    /// Two dependencies have the same alias, or name without an alias.
    #[error("two dependencies have the name or alias `{0}`")]
    DuplicateDependency(String),
}

impl Metadata {
    /// The config blob: the fields that Helm knows, with name and version. An error if it is larger than
    /// [`MAX_CONFIG`], up to which a registry's is read.
    pub fn to_config(&self) -> Result<Vec<u8>, serde_json::Error> {
        go_json::to_vec_within(&MetadataPart { metadata: self, named: true, unknown: false }, MAX_CONFIG)
    }

    /// The meta blob: all fields except name and version. An error if it is larger than [`MAX_CONFIG`].
    pub fn to_meta(&self) -> Result<Vec<u8>, serde_json::Error> {
        go_json::to_vec_within(&MetadataPart { metadata: self, named: false, unknown: true }, MAX_CONFIG)
    }

    /// The fields that Helm knows, to be written in any format of serde.
    pub(super) fn known(&self) -> impl Serialize {
        MetadataPart { metadata: self, named: true, unknown: false }
    }

    /// Whether neither of the two documents is larger than [`MAX_CONFIG`].
    pub(super) fn fits(&self) -> bool {
        let fits =
            |named, unknown| go_json::is_within(&MetadataPart { metadata: self, named, unknown }, MAX_CONFIG);
        fits(true, false) && fits(false, true)
    }

    /// Reads a meta blob, and adds the name and version that it does not have. An error if it holds more than 40,000
    /// values.
    pub fn from_meta(meta: &[u8], name: &str, version: &str) -> Result<Self, serde_json::Error> {
        let metadata = Self::from_config(meta)?;
        Ok(Self { name: name.to_owned(), version: version.to_owned(), ..metadata })
    }

    /// Reads the config blob of a chart in a registry. An error if it holds more than 40,000 values.
    pub fn from_config(config: &[u8]) -> Result<Self, serde_json::Error> {
        if values_in(config) > MAX_VALUES {
            return Err(de::Error::custom(format_args!("it holds more than {MAX_VALUES} values")));
        }
        serde_json::from_slice(config)
    }
}

/// The most values that metadata may have. The Chart.yaml that it was made from could not hold more.
const MAX_VALUES: usize = 40_000;

/// The most values that a JSON text can have: each except the first comes after one of these characters outside of
/// strings.
fn values_in(json: &[u8]) -> usize {
    let (mut values, mut in_string, mut escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b':' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values
}

/// The metadata as one of the documents that are made from it.
struct MetadataPart<'a> {
    metadata: &'a Metadata,
    /// Whether name and version are in it.
    named: bool,
    /// Whether the fields are in it that Helm does not know.
    unknown: bool,
}

impl Serialize for MetadataPart<'_> {
    /// Writes the fields in the order of Go's struct, without empty ones. Those that Helm does not know come last,
    /// sorted.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { metadata, named, unknown } = *self;
        let mut map = serializer.serialize_map(None)?;
        let text = |map: &mut S::SerializeMap, name, value: &str| match value {
            "" => Ok(()),
            value => map.serialize_entry(name, value),
        };
        if named {
            text(&mut map, "name", &metadata.name)?;
        }
        text(&mut map, "home", &metadata.home)?;
        entries(&mut map, "sources", &metadata.sources)?;
        if named {
            text(&mut map, "version", &metadata.version)?;
        }
        text(&mut map, "description", &metadata.description)?;
        entries(&mut map, "keywords", &metadata.keywords)?;
        entries(&mut map, "maintainers", &metadata.maintainers)?;
        text(&mut map, "icon", &metadata.icon)?;
        text(&mut map, "apiVersion", &metadata.api_version)?;
        text(&mut map, "condition", &metadata.condition)?;
        text(&mut map, "tags", &metadata.tags)?;
        text(&mut map, "appVersion", &metadata.app_version)?;
        if metadata.deprecated {
            map.serialize_entry("deprecated", &true)?;
        }
        if !metadata.annotations.is_empty() {
            map.serialize_entry("annotations", &metadata.annotations)?;
        }
        text(&mut map, "kubeVersion", &metadata.kube_version)?;
        entries(&mut map, "dependencies", &metadata.dependencies)?;
        text(&mut map, "type", &metadata.kind)?;
        if unknown {
            metadata.unknown.iter().try_for_each(|(key, value)| map.serialize_entry(key, value))?;
        }
        map.end()
    }
}

fn entries<M: SerializeMap, T: Serialize>(map: &mut M, name: &str, list: &[T]) -> Result<(), M::Error> {
    if list.is_empty() { Ok(()) } else { map.serialize_entry(name, list) }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        MetadataPart { metadata: self, named: true, unknown: true }.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::decode::DecodeError;
    use super::super::yaml;
    use super::*;
    use crate::limits::Budget;

    fn load(yaml: &str) -> Result<Metadata, MetadataError> {
        let mut metadata = Metadata::default();
        match metadata.take(yaml::read(yaml.as_bytes(), &Budget::default()).unwrap().value) {
            Ok(()) => {}
            Err(DecodeError::Metadata(error)) => return Err(error),
            Err(DecodeError::Yaml(error)) => panic!("{error}"),
        }
        metadata.validate()?;
        Ok(metadata)
    }

    fn json(bytes: Vec<u8>) -> String {
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn the_original_vector_holds() {
        let metadata = load("apiVersion: v1\nname: mychart\nversion: 2.7.0\n").unwrap();
        assert_eq!(json(metadata.to_meta().unwrap()), r#"{"apiVersion":"v1"}"#);
        assert_eq!(
            crate::digest::Digest::of(&metadata.to_meta().unwrap()).to_string(),
            "sha256:ca9588a9340fb83a62777cd177dae4ba5ab52061a1618ce2e21930b86c412d9e"
        );
    }

    #[test]
    fn config_and_meta_are_go_json_in_helms_order() {
        let metadata = load(
            "zeta: [1, 2.5, x]\ntype: library\nversion: 1.0.0\nname: a\napiVersion: v2\nappVersion: 1.10\n\
             description: |\n  a <b> & c\n  d\nannotations: {b: 1, a: yes}\nalpha: {b: 1, a: null}\n\
             dependencies: [{name: x, repository: '', version: 1}]\nAPPVERSION: '2'\nmaintainers: [{name: M}]\n",
        )
        .unwrap();
        assert_eq!(
            json(metadata.to_config().unwrap()),
            "{\"name\":\"a\",\"version\":\"1.0.0\",\"description\":\"a \\u003cb\\u003e \\u0026 c d \",\
             \"maintainers\":[{\"name\":\"M\"}],\"apiVersion\":\"v2\",\"appVersion\":\"1.1\",\
             \"annotations\":{\"a\":\"true\",\"b\":\"1\"},\
             \"dependencies\":[{\"name\":\"x\",\"version\":\"1\",\"repository\":\"\"}],\"type\":\"library\"}"
        );
        let meta = metadata.to_meta().unwrap();
        assert!(
            json(meta.clone()).ends_with(r#""type":"library","alpha":{"a":null,"b":1},"zeta":[1,2.5,"x"]}"#)
        );
        assert_eq!(Metadata::from_meta(&meta, "a", "1.0.0").unwrap(), metadata);
    }

    #[test]
    fn says_which_rule_is_broken() {
        for (yaml, message) in [
            ("[]", "expected a map, found a list"),
            ("name: a\nversion: 1.0.0", "`apiVersion` is missing"),
            ("apiVersion: v1\nversion: 1.0.0", "`name` is missing"),
            ("apiVersion: v1\nname: a", "`version` is missing"),
            (
                "apiVersion: v1\nname: a\nversion: one",
                "the version `one` is invalid: expected a semantic version like 1.2.3",
            ),
            (
                "apiVersion: v1\nname: ../x\nversion: 1.0.0",
                "the name `../x` is invalid: it must be usable as the name of one directory",
            ),
            (
                "apiVersion: v1\nname: '..'\nversion: 1.0.0",
                "the name `..` is invalid: it must be usable as the name of one directory",
            ),
            ("apiVersion: v1\nname: [a]\nversion: 1.0.0", "`name` must be a string, not a list"),
            ("apiVersion: v1\nname: a\nkeywords: k", "`keywords` must be a list, not a string"),
            (
                "apiVersion: v1\nname: a\ndeprecated: 'true'",
                "`deprecated` must be true or false, not a string",
            ),
            (
                "apiVersion: v1\nname: a\nmaintainers: [null]",
                "`maintainers` must be a list of maps, not null",
            ),
            (
                "apiVersion: v2\nname: a\nversion: 1.0.0\ntype: image",
                "the type `image` is invalid: a chart is an application or a library",
            ),
            (
                "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: x, alias: a.b}]",
                "the alias `a.b` is invalid: expected letters, digits, `_` and `-`",
            ),
            (
                "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: x}, {name: y, alias: x}]",
                "two dependencies have the name or alias `x`",
            ),
        ] {
            assert_eq!(load(yaml).unwrap_err().to_string(), message, "{yaml}");
        }
    }

    #[test]
    fn control_characters_do_not_get_through() {
        let metadata =
            load("apiVersion: v1\nname: \"a\\e[31m\"\nversion: 1.0.0\ndescription: \"x\\u202ey\\tz\\u00a0\"")
                .unwrap();
        assert_eq!((metadata.name.as_str(), metadata.description.as_str()), ("a[31m", "xy z "));
    }
}
