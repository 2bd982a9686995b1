//! Finishes a chart when all of its files have come: combines what they say (LoadFiles in pkg/chart/loader,
//! writeTarContents in pkg/chartutil/save.go), and gives them the paths under which they are packed.

use std::collections::BTreeMap;
use std::mem;
use std::rc::Rc;

use super::archive::{Allowance, ArchiveError};
use super::decode::DecodeError;
use super::error::ChartError;
use super::keep::{FileBytes, Keep};
use super::metadata::Metadata;
use super::sizes::{METADATA_LIMIT, too_large};
use super::yaml::{YamlDocument, YamlValue};
use super::{chart_yaml, yaml};
use crate::limits::{Budget, HeldBudget, MAX_METADATA};

/// Chart.yaml or requirements.yaml, which is kept until all files of the chart have come. As a text it takes less
/// memory than once it is parsed.
pub(super) enum Told<'a> {
    Text { bytes: Vec<u8>, _held: HeldBudget<'a> },
    Document(YamlDocument<'a>),
}

/// A chart or subchart whose files are still coming.
pub(super) struct IncomingChart<'a> {
    /// The budget that all memory is taken from.
    pub(super) budget: &'a Budget,
    /// How much may come out of packages, in all.
    pub(super) allowance: Rc<Allowance>,
    /// The memory taken for paths that are remembered.
    pub(super) held: HeldBudget<'a>,
    /// Its path in the whole chart: empty, or `charts/<name>`.
    pub(super) path: String,
    /// There is more than one if a subchart comes twice: see [`super::archive`]. Helm unmarshals all of them into one
    /// struct.
    pub(super) chart_yaml: Vec<(Told<'a>, FileBytes)>,
    pub(super) requirements: Option<(Told<'a>, FileBytes)>,
    pub(super) lock: Option<FileBytes>,
    pub(super) requirements_lock: Option<FileBytes>,
    pub(super) files: Vec<(String, FileBytes)>,
    pub(super) subcharts: BTreeMap<String, Subchart<'a>>,
}

/// A subchart in `charts/`.
pub(super) enum Subchart<'a> {
    /// A directory, of which more files may come.
    Directory(IncomingChart<'a>),
    /// A package, which has come as a whole.
    Package(PackedSubchart<'a>),
}

/// What is remembered of a subchart that came as a package.
pub(super) struct PackedSubchart<'a> {
    /// The memory taken for the paths of its files.
    held: HeldBudget<'a>,
    path: String,
    name: String,
    version: String,
    files: Vec<(String, FileBytes)>,
}

impl<'a> PackedSubchart<'a> {
    /// Remembers a complete chart, which is at `path` in the whole chart.
    pub(super) fn new(path: String, loaded: CompleteChart<'a>) -> Self {
        let CompleteChart { held, metadata: Metadata { name, version, .. }, files, .. } = loaded;
        Self { held, path, name, version, files }
    }
}

/// A chart whose files have all come, and which was checked.
pub(super) struct CompleteChart<'a> {
    /// The memory taken for the paths of its files.
    held: HeldBudget<'a>,
    /// Its metadata, valid.
    pub(super) metadata: Metadata,
    /// All files except the top Chart.yaml, with their paths in a package, in no particular order. Empty if the chart
    /// is not to be packed.
    pub(super) files: Vec<(String, FileBytes)>,
    /// The names of the dependencies that it declares and does not have in `charts/`.
    pub(super) missing: Vec<String>,
}

impl<'b> IncomingChart<'b> {
    /// Ends the chart when all of its files have come. An error if they do not make a chart.
    pub(super) fn finish(mut self, keep: &mut dyn Keep) -> Result<CompleteChart<'b>, ChartError> {
        if self.chart_yaml.is_empty() {
            return Err(ChartError::NoChartYaml(if self.path.is_empty() { None } else { Some(self.path) }));
        }
        let path = self.path.clone();
        let bad = |name: &str| {
            let path = within(&path, name);
            |error| wrong(path, error)
        };
        let anew = self.chart_yaml.len() > 1;
        let (mut metadata, mut chart_yaml) = (Metadata::default(), None);
        // The metadata of the chart itself stays in memory; that of a subchart is dropped, and its memory given back.
        let mut held = self.budget.hold(0)?;
        for (told, handle) in mem::take(&mut self.chart_yaml) {
            let document = self.read("Chart.yaml", told)?;
            metadata.take(document.value).map_err(bad("Chart.yaml"))?;
            held.merge(document.held);
            chart_yaml = Some(handle);
        }
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".to_owned();
        }
        let has_dependencies = !metadata.dependencies.is_empty();
        let mut again = None;
        let mut requirements = None;
        if let Some((told, handle)) = self.requirements.take() {
            let document = self.read("requirements.yaml", told)?;
            if has_dependencies && keep.packs() {
                held.grow(document.held.bytes())?;
                again = Some(document.value.clone());
            }
            metadata.take_known(document.value).map_err(bad("requirements.yaml"))?;
            held.merge(document.held);
            requirements = Some(handle);
        }
        let old = metadata.api_version == "v1";
        let mut files = mem::take(&mut self.files);
        if anew {
            keep_last(&mut files);
        }
        metadata.validate().map_err(|error| bad("Chart.yaml")(error.into()))?;
        if path.is_empty() && !metadata.fits() {
            return Err(too_large("the chart's metadata", "1 MiB as JSON"));
        }
        let mut declared: Vec<_> = metadata.dependencies.iter().map(|d| d.name.clone()).collect();
        // If a chart has `apiVersion: v1`, Helm does not pack the dependencies in its Chart.yaml, and so does not find
        // them in the package. It unmarshals requirements.yaml over these dependencies now, but over nothing when it
        // reads the package.
        let loses_dependencies = old && has_dependencies && keep.packs();
        if loses_dependencies {
            metadata.dependencies.clear();
            metadata.take_known(again.unwrap_or(YamlValue::Null)).map_err(bad("requirements.yaml"))?;
            metadata.validate().map_err(|error| bad("requirements.yaml")(error.into()))?;
        }
        // A chart with `apiVersion: v2` has its dependencies in Chart.yaml; Helm merges requirements.yaml into that,
        // and drops it.
        let rewritten = anew || loses_dependencies || (requirements.is_some() && !old);
        if let Some(handle) = requirements.filter(|_| old) {
            files.push(("requirements.yaml".to_owned(), handle));
        }
        match (old, self.lock.take(), self.requirements_lock.take()) {
            (true, _, Some(lock)) => files.push(("requirements.lock".to_owned(), lock)),
            (false, _, Some(lock)) | (false, Some(lock), None) => files.push(("Chart.lock".to_owned(), lock)),
            _ => {}
        }
        if let Some(handle) = chart_yaml
            && !path.is_empty()
            && keep.packs()
        {
            let handle = match rewritten {
                true => {
                    let text = chart_yaml::write(&metadata);
                    check_written(&within(&path, "Chart.yaml"), &text, self.budget)?;
                    keep.keep(&mut text.as_bytes(), text.len() as u64)?
                }
                false => handle,
            };
            files.push(("Chart.yaml".to_owned(), handle));
        }
        let names = self.bring_subcharts(keep, &declared, &mut files)?;
        declared.retain(|name| !names.contains(name));
        keep.see_chart(&path, &metadata)?;
        if path.is_empty() {
            self.held.merge(held);
        }
        Ok(CompleteChart { held: self.held, metadata, files, missing: declared })
    }

    /// Parses a document, unless it is parsed already.
    pub(super) fn read(&self, path: &str, told: Told<'b>) -> Result<YamlDocument<'b>, ChartError> {
        match told {
            Told::Document(document) => Ok(document),
            Told::Text { bytes, .. } => {
                yaml::read(&bytes, self.budget).map_err(|error| wrong(self.within(path), error.into()))
            }
        }
    }

    /// The path in the whole chart of one of its files.
    pub(super) fn within(&self, path: &str) -> String {
        within(&self.path, path)
    }

    /// Adds the files of the subcharts to `files`, with their paths below `charts/`. Returns the names of the
    /// subcharts' directories. `declared` are the names of the dependencies that the chart declares.
    fn bring_subcharts(
        &mut self,
        keep: &mut dyn Keep,
        declared: &[String],
        files: &mut Vec<(String, FileBytes)>,
    ) -> Result<Vec<String>, ChartError> {
        let mut names = Vec::new();
        for (_, subchart) in mem::take(&mut self.subcharts) {
            let (times, subchart) = match subchart {
                Subchart::Directory(loading) => {
                    let (path, times) = (loading.path.clone(), loading.chart_yaml.len());
                    (times, PackedSubchart::new(path, loading.finish(keep)?))
                }
                Subchart::Package(packed) => (1, packed),
            };
            // The directory of a package is named after the chart in it. If two versions of one chart are there, told
            // apart by aliases, the second one gets its version in the name: Helm would mix them up.
            let plain = subchart.name;
            let declared = declared.iter().filter(|name| **name == plain).count();
            // Helm packs such subcharts, and loads them, if they are dependencies that it can tell apart.
            if times > declared.max(1) {
                return Err(ArchiveError::Duplicate(format!("{}/Chart.yaml", subchart.path)).into());
            }
            let versioned = format!("{plain}-{}", subchart.version);
            let directory = if names.contains(&plain) { versioned } else { plain };
            if names.contains(&directory) && keep.packs() {
                return Err(ChartError::TwoSubcharts { path: subchart.path, name: directory });
            }
            self.held.merge(subchart.held);
            files.extend(
                subchart.files.into_iter().map(|(path, h)| (format!("charts/{directory}/{path}"), h)),
            );
            names.push(directory);
        }
        Ok(names)
    }
}

/// Of files with the same path, keeps the last one.
fn keep_last(files: &mut Vec<(String, FileBytes)>) {
    files.reverse();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files.dedup_by(|(later, _), (earlier, _)| later == earlier);
}

/// The path in the whole chart of a file; `chart` is the path of the chart or subchart that it is in.
pub(super) fn within(chart: &str, path: &str) -> String {
    if chart.is_empty() { path.to_owned() } else { format!("{chart}/{path}") }
}

/// The error of a document, with the path of the document.
pub(super) fn wrong(path: String, error: DecodeError) -> ChartError {
    match error {
        DecodeError::Yaml(source) => ChartError::Yaml { path, source },
        DecodeError::Metadata(source) => ChartError::Metadata { path, source },
    }
}

/// An error if a Chart.yaml that was written here is too large or too complex to be read again.
pub(super) fn check_written(path: &str, text: &str, budget: &Budget) -> Result<(), ChartError> {
    if text.len() as u64 > MAX_METADATA {
        return Err(too_large(&format!("`{path}`"), METADATA_LIMIT));
    }
    yaml::check_metadata(text.as_bytes(), budget).map_err(|error| wrong(path.to_owned(), error.into()))
}
