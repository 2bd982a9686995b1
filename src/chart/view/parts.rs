//! Finds the files that Helm shows under a certain name (pkg/action/show.go, CRDObjects in pkg/chart/chart.go).

use std::io::Read as _;
use std::path::Path;

use super::chart_view::{ChartView, ViewedChart, ViewedFile};
use crate::chart::error::ChartError;
use crate::chart::metadata::Metadata;
use crate::chart::yaml::{self, YamlError, emit};
use crate::disk::{self, AtPath as _};
use crate::limits::{Budget, MAX_VALUES};

/// The names of a readme, in any letter case.
const README: [&str; 3] = ["readme.md", "readme.txt", "readme"];

impl Metadata {
    /// The text that `helm show chart` prints: the fields that Helm knows, sorted by key.
    pub fn to_helm_yaml(&self) -> Result<String, serde_json::Error> {
        Ok(emit::emit(&serde_json::to_value(self.known())?))
    }

    /// The fields that Helm knows as JSON, with the names that Chart.yaml has.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(self.known())
    }
}

impl<'b> ChartView<'b> {
    /// The file values.yaml of the chart itself.
    pub fn values(&self) -> Option<&ViewedFile> {
        self.top().file("values.yaml")
    }

    /// The readme of the chart itself.
    pub fn readme(&self) -> Option<&ViewedFile> {
        let is_readme = |file: &&ViewedFile| README.iter().any(|name| file.path.eq_ignore_ascii_case(name));
        self.top().files.iter().find(is_readme)
    }

    /// The file values.schema.json of the chart itself.
    pub fn schema(&self) -> Option<&ViewedFile> {
        self.top().file("values.schema.json")
    }

    /// The files with custom resource definitions, of the chart and its subcharts.
    pub fn crds(&self) -> impl Iterator<Item = (&ViewedChart, &ViewedFile)> {
        self.all_files().filter(|(_, file)| file.path.starts_with("crds/") && is_manifest(&file.path))
    }

    /// The template files of the chart and its subcharts.
    pub fn templates(&self) -> impl Iterator<Item = (&ViewedChart, &ViewedFile)> {
        self.all_files().filter(|(_, file)| file.path.starts_with("templates/"))
    }

    /// Reads a YAML file of the chart, read as values.yaml is, with its limits.
    pub fn read_yaml(&self, file: &ViewedFile) -> Result<serde_json::Value, ChartError> {
        let bytes = self.read(file)?;
        let wrong = |source: YamlError| ChartError::Yaml { path: file.path.clone(), source };
        let document = yaml::read_values(&bytes, self.budget()).map_err(wrong)?;
        document.value.into_json().map_err(wrong)
    }
}

/// Reads a YAML text as Helm reads it, with the limits of values.yaml.
pub fn read_yaml(text: &[u8], budget: &Budget) -> Result<serde_json::Value, YamlError> {
    yaml::read_values(text, budget)?.value.into_json()
}

/// Reads a file of values that does not belong to a chart. An empty file gives an empty map.
pub fn read_values_file(path: &Path, budget: &Budget) -> Result<serde_json::Value, ChartError> {
    let mut bytes = Vec::new();
    let file = disk::open(path).at("read", path)?;
    file.take(MAX_VALUES + 1).read_to_end(&mut bytes).at("read", path)?;
    let wrong = |source: YamlError| ChartError::Yaml { path: path.display().to_string(), source };
    let value = read_yaml(&bytes, budget).map_err(wrong)?;
    match value {
        serde_json::Value::Null => Ok(serde_json::Map::new().into()),
        value => Ok(value),
    }
}

/// Whether a file may hold manifests, by the ending of its name.
fn is_manifest(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| path.ends_with(extension))
}
