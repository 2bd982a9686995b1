//! Helm's rules for what a chart is made of (LoadFiles in pkg/chart/loader, writeTarContents in
//! pkg/chartutil/save.go): which files are special, which are dropped, what must parse, what a subchart is.
//!
//! Files are offered one at a time, from a directory or an archive, in any order. Nothing but the special ones, which
//! are small, is read here.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::mem;

use super::ChartError;
use super::archive::{self, ArchiveError};
use super::chart_yaml;
use super::metadata::Metadata;
use super::yaml::Value;
use crate::limits::{Budget, MAX_CHART, MAX_FILE, MAX_METADATA, MAX_VALUES};

/// Subcharts in subcharts. Helm sets no limit; real charts have two levels.
const MAX_NESTING: usize = 16;

/// Where the bytes of a file are. The rules pass it through.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file of the chart's directory, by its path below that.
    Path { path: String, size: u64 },
    /// A part of what [`Keep`] has kept.
    Kept { start: u64, size: u64 },
}

impl Source {
    /// How large it is, or was when it was found.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Path { size, .. } | Self::Kept { size, .. } => *size,
        }
    }
}

/// Keeps bytes that came out of a packed subchart, or were made here.
pub(super) trait Keep {
    /// `content` gives exactly `size` bytes, or an error.
    fn keep(&mut self, content: &mut dyn Read, size: u64) -> Result<Source, ChartError>;
}

/// Keeps nothing: for charts that are only looked at.
#[derive(Default)]
pub(super) struct Look {
    /// What has come, out of packages in packages too: each of those may be as large as a chart, and hold more of them.
    total: u64,
}

impl Keep for Look {
    fn keep(&mut self, _: &mut dyn Read, size: u64) -> Result<Source, ChartError> {
        let start = self.total;
        self.total += size;
        check_total(self.total)?;
        // Where it would be. Who only looks asks for none of it; whoever has the content sees whether it is all there.
        Ok(Source::Kept { start, size })
    }
}

/// One chart or subchart while its files come in.
pub(super) struct Loading<'a> {
    /// What everything that is kept is taken from.
    budget: &'a Budget,
    /// Where it is: empty, or `charts/<name>`.
    path: String,
    chart_yaml: Option<(Value, Source)>,
    requirements: Option<(Value, Source)>,
    lock: Option<Source>,
    requirements_lock: Option<Source>,
    files: Vec<(String, Source)>,
    subcharts: BTreeMap<String, Self>,
}

/// A chart whose files have all come.
pub(super) struct Loaded {
    /// Its metadata, checked.
    pub(super) metadata: Metadata,
    /// Its files but for the top Chart.yaml, under the paths that a package has them, in no order.
    pub(super) files: Vec<(String, Source)>,
    /// Dependencies that it declares and does not bring.
    pub(super) missing: Vec<String>,
}

impl<'b> Loading<'b> {
    /// A chart without files. What is kept of those that come is taken from `budget`.
    pub(super) fn new(budget: &'b Budget) -> Self {
        Self::at(String::new(), budget)
    }

    fn at(path: String, budget: &'b Budget) -> Self {
        Self {
            budget,
            path,
            chart_yaml: None,
            requirements: None,
            lock: None,
            requirements_lock: None,
            files: Vec::new(),
            subcharts: BTreeMap::new(),
        }
    }

    /// Takes the file at `path`, relative to this chart. `open` is called only if its content matters.
    pub(super) fn take<'a>(
        &mut self,
        keep: &mut dyn Keep,
        path: &str,
        handle: Source,
        open: &mut dyn FnMut() -> Result<Box<dyn Read + 'a>, ChartError>,
    ) -> Result<(), ChartError> {
        match path {
            "Chart.yaml" => self.chart_yaml = Some((self.parse(path, handle.size(), open()?)?, handle)),
            "requirements.yaml" => {
                self.requirements = Some((self.parse(path, handle.size(), open()?)?, handle));
            }
            "Chart.lock" => {
                self.parse(path, handle.size(), open()?)?;
                self.lock = Some(handle);
            }
            "requirements.lock" => {
                self.parse(path, handle.size(), open()?)?;
                self.requirements_lock = Some(handle);
            }
            "values.yaml" => {
                self.parse(path, handle.size(), open()?)?;
                self.files.push((path.to_owned(), handle));
            }
            "values.schema.json" => {
                let text = self.text(path, handle.size(), open()?)?;
                serde_json::from_str::<serde::de::IgnoredAny>(&text)
                    .map_err(|source| ChartError::Json { path: self.within(path), source })?;
                self.files.push((path.to_owned(), handle));
            }
            _ => match path.strip_prefix("charts/") {
                Some(below) if !below.ends_with(".prov") => {
                    return self.take_subchart(keep, below, handle, open);
                }
                _ => {
                    self.files.push((path.to_owned(), handle));
                }
            },
        }
        Ok(())
    }

    fn take_subchart<'a>(
        &mut self,
        keep: &mut dyn Keep,
        below: &str,
        handle: Source,
        open: &mut dyn FnMut() -> Result<Box<dyn Read + 'a>, ChartError>,
    ) -> Result<(), ChartError> {
        let (first, rest) = below.split_once('/').map_or((below, None), |(first, rest)| (first, Some(rest)));
        if first.starts_with(['_', '.']) {
            return Ok(());
        }
        let path = self.within(&format!("charts/{first}"));
        if path.matches("charts/").count() > MAX_NESTING {
            return Err(ChartError::Nesting(path));
        }
        let new = || Self::at(path.clone(), self.budget);
        let subchart = self.subcharts.entry(first.to_owned()).or_insert_with(new);
        match rest {
            Some(rest) => subchart.take(keep, rest, handle, open),
            None if first.ends_with(".tgz") => {
                let packed = |source| ChartError::Subchart { path: path.clone(), source: Box::new(source) };
                subchart.take_archive(keep, &mut open()?).map_err(packed)?;
                Ok(())
            }
            // A file among the subcharts is none: Helm reports a subchart without Chart.yaml, and so does finish().
            None => Ok(()),
        }
    }

    /// Takes all files of a packed chart. Returns the name of its top directory.
    pub(super) fn take_archive(
        &mut self,
        keep: &mut dyn Keep,
        gzipped: &mut dyn Read,
    ) -> Result<String, ChartError> {
        archive::read(gzipped, self.budget, |file, content| {
            if is_special(file.path) {
                // Read twice: once to be kept, once to be parsed.
                let mut bytes = Vec::with_capacity(room_for(file.size));
                content.read_to_end(&mut bytes).map_err(ArchiveError::Read)?;
                let handle = keep.keep(&mut bytes.as_slice(), file.size)?;
                // Gone once it is read: parsing it takes a lot of memory.
                self.take(keep, file.path, handle, &mut || Ok(Box::new(Cursor::new(mem::take(&mut bytes)))))
            } else {
                let handle = keep.keep(content, file.size)?;
                self.take(keep, file.path, handle, &mut || Ok(Box::new(io::empty())))
            }
        })
    }

    /// Puts another Chart.yaml in the place of the one that came.
    pub(super) fn replace_chart_yaml(&mut self, document: Value, handle: Source) {
        self.chart_yaml = Some((document, handle));
    }

    /// Everything has come: is it a chart?
    pub(super) fn finish(self, keep: &mut dyn Keep) -> Result<Loaded, ChartError> {
        let Some((chart_yaml, chart_yaml_handle)) = self.chart_yaml else {
            return Err(ChartError::NoChartYaml(if self.path.is_empty() { None } else { Some(self.path) }));
        };
        let path = self.path;
        let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
        let bad = |name: &str| {
            let path = within(name);
            |source| ChartError::Metadata { path, source }
        };
        let mut metadata = Metadata::default();
        metadata.take(&chart_yaml).map_err(bad("Chart.yaml"))?;
        if metadata.api_version.is_empty() {
            metadata.api_version = "v1".to_owned();
        }
        let old = metadata.api_version == "v1";
        let mut files = self.files;
        let mut rewritten = false;
        if let Some((requirements, handle)) = self.requirements {
            metadata.take_known(&requirements).map_err(bad("requirements.yaml"))?;
            // A version 2 chart has its dependencies in Chart.yaml; Helm merges and drops the old file.
            rewritten = !old;
            if old {
                files.push(("requirements.yaml".to_owned(), handle));
            }
        }
        match (old, self.lock, self.requirements_lock) {
            (true, _, Some(lock)) => files.push(("requirements.lock".to_owned(), lock)),
            (false, _, Some(lock)) | (false, Some(lock), None) => files.push(("Chart.lock".to_owned(), lock)),
            _ => {}
        }
        metadata.validate().map_err(bad("Chart.yaml"))?;
        if !path.is_empty() {
            let handle = match rewritten {
                true => {
                    let text = chart_yaml::write(&metadata);
                    keep.keep(&mut text.as_bytes(), text.len() as u64)?
                }
                false => chart_yaml_handle,
            };
            files.push(("Chart.yaml".to_owned(), handle));
        }
        let mut names = Vec::new();
        for (_, subchart) in self.subcharts {
            let subchart_path = subchart.path.clone();
            let subchart = subchart.finish(keep)?;
            // A package names the directory by the chart in it. Two versions of one chart, told apart by aliases, get
            // their version behind the name: Helm would mix them up.
            let plain = subchart.metadata.name.clone();
            let versioned = format!("{plain}-{}", subchart.metadata.version);
            let directory = if names.contains(&plain) { versioned } else { plain };
            if names.contains(&directory) {
                return Err(ChartError::TwoSubcharts { path: subchart_path, name: directory });
            }
            files.extend(
                subchart.files.into_iter().map(|(path, h)| (format!("charts/{directory}/{path}"), h)),
            );
            names.push(directory);
        }
        let missing = metadata.dependencies.iter().map(|d| d.name.clone());
        let missing = missing.filter(|name| !names.contains(name)).collect();
        Ok(Loaded { metadata, files, missing })
    }

    fn within(&self, path: &str) -> String {
        if self.path.is_empty() { path.to_owned() } else { format!("{}/{path}", self.path) }
    }

    /// `found` is the size that was found before it is read.
    fn text(&self, path: &str, found: u64, content: impl Read) -> Result<String, ChartError> {
        let mut bytes = Vec::with_capacity(room_for(found));
        content.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(ArchiveError::Read)?;
        let (path_here, size) = (self.within(path), bytes.len() as u64);
        check_size(&path_here, size)?;
        let limit = match path {
            // It is not kept while it is looked at.
            "values.schema.json" => None,
            "values.yaml" => Some((MAX_VALUES, "2 MiB for values.yaml")),
            _ => Some((MAX_METADATA, "1 MiB for a chart's metadata")),
        };
        if let Some((most, limit)) = limit
            && size > most
        {
            let what = format!("`{path_here}`");
            return Err(ArchiveError::Limit { what, limit: limit.to_owned() }.into());
        }
        let mut text = String::from_utf8(bytes).map_err(|_| ChartError::NotText(self.within(path)))?;
        if text.starts_with('\u{feff}') {
            text.drain(..'\u{feff}'.len_utf8());
        }
        Ok(text)
    }

    /// The files that Helm unmarshals into a struct or a map.
    fn parse(&self, path: &str, found: u64, content: impl Read) -> Result<Value, ChartError> {
        let text = self.text(path, found, content)?;
        let value = if path == "values.yaml" { Value::parse_values(&text) } else { Value::parse(&text) };
        let value = value.map_err(|source| ChartError::Yaml { path: self.within(path), source })?;
        match value {
            Value::Map(_) | Value::Null => Ok(value),
            other => Err(ChartError::Metadata {
                path: self.within(path),
                source: super::MetadataError::NotAMap(other.kind()),
            }),
        }
    }
}

/// Whether the content of a file decides something, of the chart or of a subchart in it.
fn is_special(mut path: &str) -> bool {
    while let Some(subchart) = path.strip_prefix("charts/") {
        match subchart.split_once('/') {
            Some((_, file)) => path = file,
            None => return subchart.ends_with(".tgz"),
        }
    }
    matches!(
        path,
        "Chart.yaml"
            | "Chart.lock"
            | "requirements.yaml"
            | "requirements.lock"
            | "values.yaml"
            | "values.schema.json"
    )
}

/// How much room a file is given before it is read: what grows by and by is there twice meanwhile. One byte more lets its end
/// be seen without growing.
fn room_for(size: u64) -> usize {
    usize::try_from(size.min(MAX_FILE)).map_or(0, |size| size + 1)
}

/// Helm's limit for one file.
pub(super) fn check_size(path: &str, size: u64) -> Result<(), ChartError> {
    if size > MAX_FILE {
        let what = format!("`{path}`");
        return Err(ArchiveError::Limit { what, limit: "5 MiB for one file".to_owned() }.into());
    }
    Ok(())
}

/// Helm's limit for a chart, decompressed.
pub(super) fn check_total(total: u64) -> Result<(), ChartError> {
    if total > MAX_CHART {
        return Err(ArchiveError::Limit { what: "the chart".to_owned(), limit: "100 MiB".to_owned() }.into());
    }
    Ok(())
}
