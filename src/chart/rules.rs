//! Helm's rules for what a chart is made of (LoadFiles in pkg/chart/loader, writeTarContents in
//! pkg/chartutil/save.go): which files are special, which are dropped, what must parse, what a subchart is.
//!
//! Files are offered one at a time, from a directory or an archive, in any order. Nothing but the special ones, which
//! are small, is read here.

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

/// What it takes to remember a file or a subchart beside its path, in bytes.
const REMEMBERED: usize = 256;

/// Subcharts in subcharts. Helm sets no limit; real charts have two levels.
const MAX_NESTING: usize = 16;

/// Whether a file of a chart is one of a subchart: what is in charts/, but for provenance files.
fn is_of_subchart(path: &str) -> bool {
    path.starts_with("charts/") && !path.ends_with(".prov")
}

/// The content of a file.
pub(super) enum FileContent<'a, 'b> {
    /// It is read if it matters.
    Reader(Box<dyn Read + 'a>),
    /// It has been read, and is held.
    Bytes(Vec<u8>, HeldBudget<'b>),
    /// It does not matter.
    Nothing,
}

impl<'b> IncomingChart<'b> {
    /// A chart without files. What is kept of those that come is taken from `budget`.
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

    /// Takes the file at `path`, relative to this chart. `open` is called only if its content matters.
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

    /// A file that is packed as it is.
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
            // A file among the subcharts is none: Helm reports a subchart without Chart.yaml, and so does finish().
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
            // Of a custom resource definition that comes again Helm installs both, and one would be lost.
            if file.again && keep.packs() && path.contains("/crds/") {
                return Err(ArchiveError::Duplicate(path.to_owned()).into());
            }
            if is_package(path) {
                // It is taken apart while it comes, and what is in it is kept instead.
                let handle = FileBytes::Kept { start: 0, size: file.size };
                let mut content = Some(content);
                return self.take(keep, path, handle, &mut || match content.take() {
                    Some(content) => Ok(FileContent::Reader(Box::new(content))),
                    None => Ok(FileContent::Nothing),
                });
            }
            if is_special(path, keep.packs()) {
                self.check_document_size(path, file.size)?;
                // Needed twice: once to be kept, once to be parsed.
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
        // All names begin with `./`: Helm looks for Chart.yaml one directory too high, and a person sees it.
        if top == "." && self.chart_yaml.is_empty() {
            return Err(ChartError::Dot);
        }
        Ok(top)
    }

    /// Puts another Chart.yaml in the place of the one that came.
    pub(super) fn replace_chart_yaml(&mut self, document: YamlDocument<'b>, handle: FileBytes) {
        self.chart_yaml = vec![(Told::Document(document), handle)];
    }

    /// The content of a document, without the byte order mark that Helm strips from every file. `found` is the size that was
    /// found before it is read.
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
        // It may have grown since it was found.
        let size = bytes.len() as u64;
        self.check_document_size(path, size)?;
        held.grow(size.saturating_sub(found))?;
        if bytes.starts_with(BYTE_ORDER_MARK) {
            bytes.drain(..BYTE_ORDER_MARK.len());
        }
        Ok((bytes, held))
    }

    /// Whether a document is not larger than any chart needs.
    fn check_document_size(&self, path: &str, size: u64) -> Result<(), ChartError> {
        let path_here = self.within(path);
        check_size(&path_here, size)?;
        let (most, limit) = match path.rsplit('/').next() {
            // It is not kept while it is looked at.
            Some("values.schema.json") => return Ok(()),
            Some("values.yaml") => (MAX_VALUES, "2 MiB for values.yaml"),
            _ => (MAX_METADATA, METADATA_LIMIT),
        };
        if size > most {
            return Err(too_large(&format!("`{path_here}`"), limit));
        }
        Ok(())
    }

    /// Helm packs no schema that is not JSON (json.Valid, which looks at no encoding).
    fn check_json(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<(), ChartError> {
        let (bytes, _held) = self.bytes(path, found, content)?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&bytes)
            .map_err(|source| ChartError::Json { path: self.within(path), source })?;
        Ok(())
    }

    /// values.yaml, of which nothing is kept.
    fn check_values(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<(), ChartError> {
        let (bytes, _held) = self.bytes(path, found, content)?;
        match yaml::check_values(&bytes, self.budget)
            .map_err(|error| wrong(self.within(path), error.into()))?
        {
            "a map" | "null" => Ok(()),
            other => Err(wrong(self.within(path), MetadataError::NotAMap(other).into())),
        }
    }

    /// Chart.lock or requirements.lock, of which nothing is kept.
    fn check_lock(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<(), ChartError> {
        let (bytes, _held) = self.bytes(path, found, content)?;
        let wrong = |error| wrong(self.within(path), error);
        let document = yaml::read(&bytes, self.budget).map_err(|error| wrong(error.into()))?;
        decode::check_lock(document.value).map_err(wrong)
    }

    /// Chart.yaml or requirements.yaml, to be read when all of the chart has come.
    fn tell(&self, path: &str, found: u64, content: FileContent<'_, 'b>) -> Result<Told<'b>, ChartError> {
        let (bytes, held) = self.bytes(path, found, content)?;
        Ok(Told::Text { bytes, _held: held })
    }
}

/// Helm strips it from every file that it loads.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What a path is to the subchart that it is in.
fn within_subchart(mut path: &str) -> &str {
    while let Some((_, file)) = path.strip_prefix("charts/").and_then(|below| below.split_once('/')) {
        path = file;
    }
    path
}

/// Whether it is a subchart's package.
fn is_package(path: &str) -> bool {
    within_subchart(path).strip_prefix("charts/").is_some_and(|name| name.ends_with(".tgz"))
}

/// Whether the content of a file decides something, of the chart or of a subchart in it. A schema does so only where it is
/// packed.
fn is_special(path: &str, packs: bool) -> bool {
    match within_subchart(path) {
        "Chart.yaml" | "Chart.lock" | "requirements.yaml" | "requirements.lock" | "values.yaml" => true,
        "values.schema.json" => packs,
        _ => false,
    }
}
