//! One difference between two charts: its section and path, with the old and the new content.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

/// The section of a chart that a difference is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartSection {
    /// The contents of Chart.yaml.
    Metadata,
    /// The chart's dependencies.
    Dependencies,
    /// The default values, including those of subcharts.
    Values,
    /// The contents of values.schema.json.
    Schema,
    /// Custom resource definitions.
    Crds,
    /// Templates.
    Templates,
    /// The container images that the chart uses.
    Images,
    /// Any other file.
    Files,
    /// The objects that Helm renders.
    Rendered,
    /// What is attached to the charts in their registries, such as signatures.
    Attached,
}

impl ChartSection {
    /// All sections, in the order in which they are shown.
    pub const ALL: [Self; 10] = [
        Self::Metadata,
        Self::Dependencies,
        Self::Values,
        Self::Schema,
        Self::Crds,
        Self::Templates,
        Self::Images,
        Self::Files,
        Self::Rendered,
        Self::Attached,
    ];

    /// The name of the section, as in the JSON document.
    pub fn name(self) -> &'static str {
        match self {
            Self::Metadata => "metadata",
            Self::Dependencies => "dependencies",
            Self::Values => "values",
            Self::Schema => "schema",
            Self::Crds => "crds",
            Self::Templates => "templates",
            Self::Images => "images",
            Self::Files => "files",
            Self::Rendered => "rendered",
            Self::Attached => "attached",
        }
    }
}

impl fmt::Display for ChartSection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for ChartSection {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|section| section.name() == text);
        found.ok_or_else(|| format!("`{text}` is no section: {}", known()))
    }
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartChange {
    /// The section.
    pub section: ChartSection,
    /// The place in the section: a path in values, a file, or a name.
    pub path: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// The old content; `None` if it was added.
    pub old: Option<Value>,
    /// The new content; `None` if it was removed.
    pub new: Option<Value>,
    /// Whether a user who upgrades probably has to act.
    pub breaking: bool,
    /// A remark for the user; may be empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl ChartChange {
    /// The difference between old and new content, one of which may be absent.
    pub(super) fn between(
        section: ChartSection,
        path: impl Into<String>,
        old: Option<Value>,
        new: Option<Value>,
    ) -> Self {
        let change = match (&old, &new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        Self { section, path: path.into(), change, old, new, breaking: false, note: String::new() }
    }

    pub(super) fn breaking(self, breaking: bool) -> Self {
        Self { breaking, ..self }
    }

    pub(super) fn note(self, note: impl Into<String>) -> Self {
        Self { note: note.into(), ..self }
    }
}
