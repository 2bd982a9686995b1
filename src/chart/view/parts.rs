//! Which files Helm shows as what (pkg/action/show.go, CRDObjects in pkg/chart/chart.go).

use std::io::Read as _;
use std::path::Path;

use super::chart_view::{ChartView, ViewedChart, ViewedFile};
use crate::chart::error::ChartError;
use crate::chart::metadata::Metadata;
use crate::chart::yaml::{self, YamlError, emit};
use crate::disk::{self, AtPath as _};
use crate::limits::{Budget, MAX_VALUES};

/// Names of a readme, in any case.
const README: [&str; 3] = ["readme.md", "readme.txt", "readme"];

impl Metadata {
    /// What `helm show chart` prints: the fields that Helm knows, sorted.
    pub fn to_helm_yaml(&self) -> Result<String, serde_json::Error> {
        Ok(emit::emit(&serde_json::to_value(self.known())?))
    }

    /// The fields that Helm knows, as Helm's documents have them.
    pub fn to_json(&self) -> Result<serde_json::Value, serde_json::Error> {
        serde_json::to_value(self.known())
    }
}

impl<'b> ChartView<'b> {
    /// values.yaml.
    pub fn values(&self) -> Option<&ViewedFile> {
        self.top().file("values.yaml")
    }

    /// The readme.
    pub fn readme(&self) -> Option<&ViewedFile> {
        let is_readme = |file: &&ViewedFile| README.iter().any(|name| file.path.eq_ignore_ascii_case(name));
        self.top().files.iter().find(is_readme)
    }

    /// values.schema.json.
    pub fn schema(&self) -> Option<&ViewedFile> {
        self.top().file("values.schema.json")
    }

    /// Custom resource definitions, those of subcharts too.
    pub fn crds(&self) -> impl Iterator<Item = (&ViewedChart, &ViewedFile)> {
        self.all_files().filter(|(_, file)| file.path.starts_with("crds/") && is_manifest(&file.path))
    }

    /// Templates, those of subcharts too.
    pub fn templates(&self) -> impl Iterator<Item = (&ViewedChart, &ViewedFile)> {
        self.all_files().filter(|(_, file)| file.path.starts_with("templates/"))
    }

    /// What a YAML file of at most the size of values.yaml says.
    pub fn read_yaml(&self, file: &ViewedFile) -> Result<serde_json::Value, ChartError> {
        let bytes = self.read(file)?;
        let wrong = |source: YamlError| ChartError::Yaml { path: file.path.clone(), source };
        let document = yaml::read_values(&bytes, self.budget()).map_err(wrong)?;
        document.value.into_json().map_err(wrong)
    }
}

/// What a YAML text of at most the size of values.yaml says, read as Helm reads it.
pub fn read_yaml(text: &[u8], budget: &Budget) -> Result<serde_json::Value, YamlError> {
    yaml::read_values(text, budget)?.value.into_json()
}

/// What a file of values says, which is no file of a chart.
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

/// Whether a file may hold manifests, by its name.
fn is_manifest(path: &str) -> bool {
    [".yaml", ".yml", ".json"].iter().any(|extension| path.ends_with(extension))
}
