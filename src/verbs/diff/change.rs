//! One difference between two charts: in which section and where, what there was and what there is.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use serde_json::Value;

/// What a difference is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChartSection {
    /// What Chart.yaml says.
    Metadata,
    /// What the chart needs.
    Dependencies,
    /// Default values, those of subcharts too.
    Values,
    /// values.schema.json.
    Schema,
    /// Custom resource definitions.
    Crds,
    /// Templates.
    Templates,
    /// Container images.
    Images,
    /// Any other file.
    Files,
}

impl ChartSection {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::Metadata,
        Self::Dependencies,
        Self::Values,
        Self::Schema,
        Self::Crds,
        Self::Templates,
        Self::Images,
        Self::Files,
    ];

    /// Its name.
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
    /// What it is in.
    pub section: ChartSection,
    /// Where: a path in values, a file, a name.
    pub path: String,
    /// `added`, `removed` or `changed`.
    pub change: &'static str,
    /// What there was.
    pub old: Option<Value>,
    /// What there is.
    pub new: Option<Value>,
    /// Whether somebody who upgrades has something to do about it, as far as can be told.
    pub breaking: bool,
    /// What else there is to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl ChartChange {
    /// A difference between what there was and what there is, one of which may be absent.
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
