//! Helm's rules for the files of a chart (LoadFiles in pkg/chart/loader, writeTarContents in pkg/chartutil/save.go):
//! which files are special, which are dropped, which must parse, and what a subchart is.
//!
//! Files are taken one at a time, from a directory or an archive, in any order. Only the special ones are read here;
//! they are small.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::rc::Rc;

use super::archive::{Allowance, ArchiveError};
use super::complete::{IncomingChart, PackedSubchart, Subchart, Told, wrong};
use super::error::ChartError;
use super::keep::{FileBytes, Keep};
use super::metadata::MetadataError;
use super::sizes::{METADATA_LIMIT, check_size, room_for, too_large};
use super::yaml::YamlDocument;
use super::{archive, decode, yaml};
use crate::limits::{Budget, HeldBudget, MAX_FILE, MAX_METADATA, MAX_VALUES};

/// How many bytes of memory it takes to remember a file or a subchart, without its path.
const REMEMBERED: usize = 256;

/// How many levels of subcharts there may be. Helm has no limit; real charts have two levels.
const MAX_NESTING: usize = 16;

/// Whether a file belongs to a subchart: it is in `charts/`, and not a provenance file.
fn is_of_subchart(path: &str) -> bool {
    path.starts_with("charts/") && !path.ends_with(".prov")
}

/// The content of a file that is taken.
pub(super) enum FileContent<'a, 'b> {
    /// A reader, which is only read if the content matters.
    Reader(Box<dyn Read + 'a>),
    /// The bytes, already read, and the memory that they take.
    Bytes(Vec<u8>, HeldBudget<'b>),
    /// No content, because it does not matter.
    Nothing,
}

impl<'b> IncomingChart<'b> {
    /// A chart without files. Memory for those that come is taken from `budget`.
    pub(super) fn new(budget: &'b Budget) -> Result<Self, ChartError> {
        Self::at(String::new(), budget, Rc::default())
    }

    fn at(path: String, budget: &'b Budget, allowance: Rc<Allowance>) -> Result<Self, ChartError> {
        Ok(Self {
            budget,
            allowance,
            held: budget.hold((path.len() + REMEMBERED) as u64)?,
            path,
            chart_yaml: Vec::new(),
            requirements: None,
            lock: None,
            requirements_lock: None,
            files: Vec::new(),
            subcharts: BTreeMap::new(),
        })
    }

    /// Takes the file at `path`, relative to this chart, whose bytes are at `handle`. `open` is called only if its
    /// content matters.
    pub(super) fn take<'a>(
        &mut self,
        keep: &mut dyn Keep,
        path: &str,
        handle: FileBytes,
        open: &mut dyn FnMut() -> Result<FileContent<'a, 'b>, ChartError>,
    ) -> Result<(), ChartError> {
        if !is_of_subchart(path) {
            keep.see_file(&self.path, path, &handle)?;
        }
        match path {
            "Chart.yaml" => self.chart_yaml.push((self.tell(path, handle.size(), open()?)?, handle)),
            "requirements.yaml" => {
                self.requirements = Some((self.tell(path, handle.size(), open()?)?, handle));
            }
            "Chart.lock" => {
                self.check_lock(path, handle.size(), open()?)?;
                self.lock = Some(handle);
            }
            "requirements.lock" => {
                self.check_lock(path, handle.size(), open()?)?;
                self.requirements_lock = Some(handle);
            }
            "values.yaml" => {
                self.check_values(path, handle.size(), open()?)?;
                self.remember(keep, path, handle)?;
            }
            "values.schema.json" => {
                if keep.packs() {
                    self.check_json(path, handle.size(), open()?)?;
                }
                self.remember(keep, path, handle)?;
            }
            _ => match path.strip_prefix("charts/") {
                Some(below) if !below.ends_with(".prov") => {
                    return self.take_subchart(keep, below, handle, open);
                }
                _ => self.remember(keep, path, handle)?,
            },
        }
        Ok(())
    }

    /// Remembers a file that is packed as it is.
    fn remember(&mut self, keep: &dyn Keep, path: &str, handle: FileBytes) -> Result<(), ChartError> {
        if keep.packs() {
            self.held.grow((path.len() + REMEMBERED) as u64)?;
            self.files.push((path.to_owned(), handle));
        }
        Ok(())
    }

    fn take_subchart<'a>(
        &mut self,
        keep: &mut dyn Keep,
        below: &str,
        handle: FileBytes,
        open: &mut dyn FnMut() -> Result<FileContent<'a, 'b>, ChartError>,
    ) -> Result<(), ChartError> {
        let (first, rest) = below.split_once('/').map_or((below, None), |(first, rest)| (first, Some(rest)));
        if first.starts_with(['_', '.']) {
            return Ok(());
        }
        let path = self.within(&format!("charts/{first}"));
        if path.matches("charts/").count() > MAX_NESTING {
            return Err(ChartError::Nesting(path));
        }
        let (is_package, is_directory) = (first.ends_with(".tgz"), rest.is_some());
        if is_package && is_directory {
            return Err(ChartError::PackageDirectory(path));
        }
        if let (Some(Subchart::Directory(subchart)), Some(rest)) = (self.subcharts.get_mut(first), rest) {
            return subchart.take(keep, rest, handle, open);
        }
        let mut subchart = Self::at(path.clone(), self.budget, Rc::clone(&self.allowance))?;
        let subchart = match rest {
            Some(rest) => {
                subchart.take(keep, rest, handle, open)?;
                Subchart::Directory(subchart)
            }
            None if is_package => {
                let packed = |source| ChartError::Subchart { path: path.clone(), source: Box::new(source) };
                match open()? {
                    FileContent::Reader(mut package) => subchart.take_archive(keep, &mut package),
                    FileContent::Bytes(package, _held) => {
                        subchart.take_archive(keep, &mut package.as_slice())
                    }
                    FileContent::Nothing => subchart.take_archive(keep, &mut io::empty()),
                }
                .map_err(packed)?;
                Subchart::Package(PackedSubchart::new(path, subchart.finish(keep)?))
            }
            // Helm reports a file among the subcharts as a subchart without Chart.yaml, and so does `finish()`.
            None => Subchart::Directory(subchart),
        };
        self.held.grow((first.len() + REMEMBERED) as u64)?;
        self.subcharts.insert(first.to_owned(), subchart);
        Ok(())
    }

    /// Takes all files of a packed chart. Returns the name of its top directory.
    pub(super) fn take_archive(
        &mut self,
        keep: &mut dyn Keep,
        gzipped: &mut dyn Read,
    ) -> Result<String, ChartError> {
        let (budget, allowance) = (self.budget, Rc::clone(&self.allowance));
        let top = archive::read(gzipped, budget, &allowance, |file, content| {
            let path = file.path;
            // If a custom resource definition comes twice, Helm installs both, and packing would lose one.
            if file.again && keep.packs() && path.contains("/crds/") {
                return Err(ArchiveError::Duplicate(path.to_owned()).into());
            }
            if is_package(path) {
                // The package is read while it comes. Its files are kept instead of the package.
                let handle = FileBytes::Kept { start: 0, size: file.size };
                let mut content = Some(content);
                return self.take(keep, path, handle, &mut || match content.take() {
                    Some(content) => Ok(FileContent::Reader(Box::new(content))),
                    None => Ok(FileContent::Nothing),
                });
            }
            if is_special(path, keep.packs()) {
                self.check_document_size(path, file.size)?;
                // The content is needed twice: to be kept and to be parsed.
                let held = budget.hold(file.size)?;
                let mut bytes = Vec::with_capacity(room_for(file.size));
                content.read_to_end(&mut bytes).map_err(ArchiveError::Read)?;
                let handle = keep.keep(&mut bytes.as_slice(), file.size)?;
                let mut whole = Some(FileContent::Bytes(bytes, held));
                self.take(keep, path, handle, &mut || Ok(whole.take().unwrap_or(FileContent::Nothing)))
            } else {
                let handle = keep.keep(content, file.size)?;
                self.take(keep, path, handle, &mut || Ok(FileContent::Nothing))
            }
        })?;
        // If all names begin with `./`, Helm looks for Chart.yaml one directory too high, though a person sees it.
        if top == "." && self.chart_yaml.is_empty() {
            return Err(ChartError::Dot);
        }
        Ok(top)
    }

    /// Replaces the Chart.yaml that has come.
    pub(super) fn replace_chart_yaml(&mut self, document: YamlDocument<'b>, handle: FileBytes) {
        self.chart_yaml = vec![(Told::Document(document), handle)];
    }

    /// The content of a document, without the byte order mark that Helm strips from every file. `found` is the size
    /// that the file had when it was found. An error if it is too large.
    fn bytes(
        &self,
        path: &str,
        found: u64,
        content: FileContent<'_, 'b>,
    ) -> Result<(Vec<u8>, HeldBudget<'b>), ChartError> {
        self.check_document_size(path, found)?;
        let (mut bytes, mut held) = match content {
            FileContent::Bytes(bytes, held) => (bytes, held),
            FileContent::Nothing => (Vec::new(), self.budget.hold(0)?),
            FileContent::Reader(reader) => {
                let held = self.budget.hold(found)?;
                let mut bytes = Vec::with_capacity(room_for(found));
                reader.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(ArchiveError::Read)?;
                (bytes, held)
            }
        };
        // The file may have grown since it was found.
        let size = bytes.len() as u64;
        self.check_document_size(path, size)?;
        held.grow(size.saturating_sub(found))?;
        if bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        Ok((bytes, held))
    }

    /// An error if a document is larger than its limit.
    fn check_document_size(&self, path: &str, size: u64) -> Result<(), ChartError> {
        let path_here = self.within(path);
        check_size(&path_here, size)?;
        let (most, limit) = match path.rsplit('/').next() {
            // The schema is not kept in memory after it was checked.
            Some("values.schema.json") => return Ok(()),
            Some("values.yaml") => (MAX_VALUES, "2 MiB for values.yaml"),
            _ => (MAX_METADATA, METADATA_LIMIT),
        };
        if size > most {
            return Err(too_large(&format!("`{path_here}`"), limit));
        }
        Ok(())
    }

    /// Checks a values.schema.json. Helm packs none that is not JSON (json.Valid, which does not check the encoding).
    fn check_json(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<(), ChartError> {
        let (bytes, _held) = self.bytes(path, found, content)?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
            .map_err(|source| ChartError::Json { path: self.within(path), source })?;
        Ok(())
    }

    /// Checks a values.yaml, which must be a map or empty.
    fn check_values(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<(), ChartError> {
        let (bytes, _held) = self.bytes(path, found, content)?;
        match yaml::check_values(&bytes, self.budget)
            .map_err(|error| wrong(self.within(path), error.into()))?
        {
            "a map" | "null" => Ok(()),
            other => Err(wrong(self.within(path), MetadataError::NotAMap(other).into())),
        }
    }

    /// Checks a Chart.lock or requirements.lock.
    fn check_lock(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<(), ChartError> {
        let (bytes, _held) = self.bytes(path, found, content)?;
        let wrong = |error| wrong(self.within(path), error);
        let document = yaml::read(&bytes, self.budget).map_err(|error| wrong(error.into()))?;
        decode::check_lock(document.value).map_err(wrong)
    }

    /// Reads a Chart.yaml or requirements.yaml, to be parsed when all files of the chart have come.
    fn tell(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<Told<'b>, ChartError> {
        let (bytes, held) = self.bytes(path, found, content)?;
        Ok(Told::Text { bytes, _held: held })
    }
}

/// The byte order mark of UTF-8, which Helm strips from every file that it loads.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The path of a file within the innermost subchart that it is in.
fn within_subchart(mut path: &str) -> &str {
    while let Some((_, file)) = path.strip_prefix("charts/").and_then(|below| below.split_once('/')) {
        path = file;
    }
    path
}

/// Whether this is the path of a packed subchart.
fn is_package(path: &str) -> bool {
    within_subchart(path).strip_prefix("charts/").is_some_and(|name| name.ends_with(".tgz"))
}

/// Whether the content of this file matters for the chart, or for a subchart that it is in. A schema matters only if
/// the chart is packed.
fn is_special(path: &str, packs: bool) -> bool {
    match within_subchart(path) {
        "Chart.yaml" | "Chart.lock" | "requirements.yaml" | "requirements.lock" | "values.yaml" => true,
        "values.schema.json" => packs,
        _ => false,
    }
}
