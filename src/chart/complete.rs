//! Charts whose files have all come: what they say together (LoadFiles in pkg/chart/loader, writeTarContents in
//! pkg/chartutil/save.go), and under which paths they are packed.

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

/// Chart.yaml or requirements.yaml until all of a chart has come. What becomes of it takes more memory than its text.
pub(super) enum Told<'a> {
    Text { bytes: Vec<u8>, _held: HeldBudget<'a> },
    Document(YamlDocument<'a>),
}

/// One chart or subchart while its files come in.
pub(super) struct IncomingChart<'a> {
    /// What everything that is kept is taken from.
    pub(super) budget: &'a Budget,
    /// What comes out of packages is taken from it.
    pub(super) allowance: Rc<Allowance>,
    /// For what is remembered of this chart.
    pub(super) held: HeldBudget<'a>,
    /// Where it is: empty, or `charts/<name>`.
    pub(super) path: String,
    /// More than one where a subchart has begun anew: see [`super::archive`]. Helm unmarshals them into one struct.
    pub(super) chart_yaml: Vec<(Told<'a>, FileBytes)>,
    pub(super) requirements: Option<(Told<'a>, FileBytes)>,
    pub(super) lock: Option<FileBytes>,
    pub(super) requirements_lock: Option<FileBytes>,
    pub(super) files: Vec<(String, FileBytes)>,
    pub(super) subcharts: BTreeMap<String, Subchart<'a>>,
}

/// What is in charts/.
pub(super) enum Subchart<'a> {
    /// A directory, which more may come of.
    Directory(IncomingChart<'a>),
    /// A package, of which everything has come.
    Package(PackedSubchart<'a>),
}

/// What is remembered of a subchart in a package.
pub(super) struct PackedSubchart<'a> {
    /// For the files.
    held: HeldBudget<'a>,
    path: String,
    name: String,
    version: String,
    files: Vec<(String, FileBytes)>,
}

impl<'a> PackedSubchart<'a> {
    /// What is remembered of this one, which is at `path` in the whole.
    pub(super) fn new(path: String, loaded: CompleteChart<'a>) -> Self {
        let CompleteChart { held, metadata: Metadata { name, version, .. }, files, .. } = loaded;
        Self { held, path, name, version, files }
    }
}

/// A chart whose files have all come.
pub(super) struct CompleteChart<'a> {
    /// For the files.
    held: HeldBudget<'a>,
    /// Its metadata, checked.
    pub(super) metadata: Metadata,
    /// Its files but for the top Chart.yaml, under the paths that a package has them, in no order. None of a chart that is
    /// only looked at.
    pub(super) files: Vec<(String, FileBytes)>,
    /// Dependencies that it declares and does not bring.
    pub(super) missing: Vec<String>,
}

impl<'b> IncomingChart<'b> {
    /// Everything has come: is it a chart?
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
        // Of the chart itself the metadata stays, else it goes with what it takes.
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
        // Helm packs no dependencies in the Chart.yaml of a version 1 chart, and does not find them in the package. What
        // requirements.yaml says it has put over them, and over nothing when it reads the package.
        let loses_dependencies = old && has_dependencies && keep.packs();
        if loses_dependencies {
            metadata.dependencies.clear();
            metadata.take_known(again.unwrap_or(YamlValue::Null)).map_err(bad("requirements.yaml"))?;
            metadata.validate().map_err(|error| bad("requirements.yaml")(error.into()))?;
        }
        // A version 2 chart has its dependencies in Chart.yaml; Helm merges and drops the old file.
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

    /// What a document says.
    pub(super) fn read(&self, path: &str, told: Told<'b>) -> Result<YamlDocument<'b>, ChartError> {
        match told {
            Told::Document(document) => Ok(document),
            Told::Text { bytes, .. } => {
                yaml::read(&bytes, self.budget).map_err(|error| wrong(self.within(path), error.into()))
            }
        }
    }

    /// The path of one of its files in the whole.
    pub(super) fn within(&self, path: &str) -> String {
        within(&self.path, path)
    }

    /// Puts the files of the subcharts with the chart's own, and returns the names of their directories. `declared` are the
    /// dependencies that the chart names.
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
            // A package names the directory by the chart in it. Two versions of one chart, told apart by aliases, get
            // their version behind the name: Helm would mix them up.
            let plain = subchart.name;
            let declared = declared.iter().filter(|name| **name == plain).count();
            // Helm packs them so, and loads them, where they are dependencies that it can tell apart.
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

/// Of files with one path the last.
fn keep_last(files: &mut Vec<(String, FileBytes)>) {
    files.reverse();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files.dedup_by(|(later, _), (earlier, _)| later == earlier);
}

/// The path of a file in a chart whose path is the first.
pub(super) fn within(chart: &str, path: &str) -> String {
    if chart.is_empty() { path.to_owned() } else { format!("{chart}/{path}") }
}

/// The error of a document, with its path.
pub(super) fn wrong(path: String, error: DecodeError) -> ChartError {
    match error {
        DecodeError::Yaml(source) => ChartError::Yaml { path, source },
        DecodeError::Metadata(source) => ChartError::Metadata { path, source },
    }
}

/// Whether a Chart.yaml of ours is one that we read again.
pub(super) fn check_written(path: &str, text: &str, budget: &Budget) -> Result<(), ChartError> {
    if text.len() as u64 > MAX_METADATA {
        return Err(too_large(&format!("`{path}`"), METADATA_LIMIT));
    }
    yaml::check_metadata(text.as_bytes(), budget).map_err(|error| wrong(path.to_owned(), error.into()))
}
