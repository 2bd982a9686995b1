//! A chart's metadata: Chart.yaml as Helm reads it, and the two JSON documents made of it.
//!
//! * the *config* blob of a pushed chart: name, version and the fields that Helm knows, byte for byte what
//!   `helm push` makes (`json.Marshal(chart.Metadata)`, pkg/chart/metadata.go);
//! * the *meta* blob of the cache: the same without name and version, then the fields unknown to Helm, sorted.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize, de};

use crate::go_json;
use crate::limits::MAX_CONFIG;

/// `Chart.yaml`, typed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// The chart's name.
    pub name: String,
    /// A page about it.
    pub home: String,
    /// Where its sources are.
    pub sources: Vec<String>,
    /// The chart's version: SemVer 2, read leniently.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Words to find it by.
    pub keywords: Vec<String>,
    /// Who keeps it.
    pub maintainers: Vec<Maintainer>,
    /// A picture's URL.
    pub icon: String,
    /// `v1` or `v2`.
    pub api_version: String,
    /// The value that enables it, as a subchart.
    pub condition: String,
    /// Tags that enable it, as a subchart.
    pub tags: String,
    /// The version of what it installs.
    pub app_version: String,
    /// Whether it should no longer be used.
    pub deprecated: bool,
    /// Free text by key.
    pub annotations: BTreeMap<String, String>,
    /// The Kubernetes versions it works on.
    pub kube_version: String,
    /// The charts it needs; for `v1` those of requirements.yaml.
    pub dependencies: Vec<Dependency>,
    /// `application` or `library`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Fields that Helm does not know.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, serde_json::Value>,
}

/// A person or organisation that keeps the chart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Maintainer {
    /// Name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// E-mail address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Web page.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that this one needs (pkg/chart/dependency.go).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// A constraint on its version.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it is to be had.
    pub repository: String,
    /// Values that enable it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags that enable it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether it is enabled.
    #[serde(skip_serializing_if = "is_false")]
    pub enabled: bool,
    /// Values taken over from it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub import_values: Vec<serde_json::Value>,
    /// Another name to install it under.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_false(bool: &bool) -> bool {
    !bool
}

/// Why metadata is not that of a chart.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MetadataError {
    /// The document is a list, a string, …
    #[error("expected a map, found {0}")]
    NotAMap(&'static str),
    /// A field of the wrong type.
    #[error("`{field}` must be {expected}, not {found}")]
    Type {
        /// Where.
        field: String,
        /// What Helm takes there.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A field without which there is no chart.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A name that could not be a directory's.
    #[error("the name `{0}` is invalid: it must be usable as the name of one directory")]
    Name(String),
    /// Not a version.
    #[error("the version `{0}` is invalid: expected a semantic version like 1.2.3")]
    Version(String),
    /// Neither an application nor a library.
    #[error("the type `{0}` is invalid: a chart is an application or a library")]
    Kind(String),
    /// An alias that could not be a key in values.
    #[error("the alias `{0}` is invalid: expected letters, digits, `_` and `-`")]
    Alias(String),
    /// Two dependencies that could not be told apart.
    #[error("two dependencies have the name or alias `{0}`")]
    DuplicateDependency(String),
}

impl Metadata {
    /// The config blob: what Helm knows, name and version included. Of more than [`MAX_CONFIG`] bytes no registry's is read.
    pub fn to_config(&self) -> Result<Vec<u8>, serde_json::Error> {
        go_json::to_vec_within(&MetadataPart { metadata: self, named: true, unknown: false }, MAX_CONFIG)
    }

    /// The meta blob: everything but name and version. It is no larger than a config, either.
    pub fn to_meta(&self) -> Result<Vec<u8>, serde_json::Error> {
        go_json::to_vec_within(&MetadataPart { metadata: self, named: false, unknown: true }, MAX_CONFIG)
    }

    /// What Helm knows, for any format of serde's.
    pub(super) fn known(&self) -> impl Serialize {
        MetadataPart { metadata: self, named: true, unknown: false }
    }

    /// Whether both documents can be made of it.
    pub(super) fn fits(&self) -> bool {
        let fits =
            |named, unknown| go_json::is_within(&MetadataPart { metadata: self, named, unknown }, MAX_CONFIG);
        fits(true, false) && fits(false, true)
    }

    /// Reads a meta blob back.
    pub fn from_meta(meta: &[u8], name: &str, version: &str) -> Result<Self, serde_json::Error> {
        let metadata = Self::from_config(meta)?;
        Ok(Self { name: name.to_owned(), version: version.to_owned(), ..metadata })
    }

    /// Reads the config of a chart in a registry, which has its name and its version as well.
    pub fn from_config(config: &[u8]) -> Result<Self, serde_json::Error> {
        if values_in(config) > MAX_VALUES {
            return Err(de::Error::custom(format_args!("it holds more than {MAX_VALUES} values")));
        }
        serde_json::from_slice(config)
    }
}

/// As many values as metadata may have: more than there can be in the Chart.yaml that it was made of.
const MAX_VALUES: usize = 40_000;

/// The most values that a JSON text can have: each but the first is behind one of these characters, outside of strings.
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

/// Metadata in one of the documents that are made of it.
struct MetadataPart<'a> {
    metadata: &'a Metadata,
    /// With name and version.
    named: bool,
    /// With the fields that Helm does not know.
    unknown: bool,
}

impl Serialize for MetadataPart<'_> {
    /// Fields in the order of Go's struct, and none that is empty. Those that Helm does not know come last, sorted.
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
