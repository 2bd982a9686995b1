//! Helm's rules for what a chart is made of (LoadFiles in pkg/chart/loader, writeTarContents in
//! pkg/chartutil/save.go): which files are special, which are dropped, what must parse, what a subchart is.
//!
//! Files are offered one at a time, from a directory or an archive, in any order. Nothing but the special ones, which
//! are small, is read here.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::mem;
use std::rc::Rc;

use super::archive::{Allowance, ArchiveError};
use super::decode::{self, DecodeError};
use super::error::ChartError;
use super::metadata::{Metadata, MetadataError};
use super::yaml::{YamlDocument, YamlValue};
use super::{archive, chart_yaml, yaml};
use crate::limits::{Budget, HeldBudget, MAX_CHART, MAX_FILE, MAX_METADATA, MAX_VALUES};

/// What it takes to remember a file or a subchart beside its path, in bytes.
const REMEMBERED: usize = 256;

const METADATA_LIMIT: &str = "1 MiB for a chart's metadata";

/// Subcharts in subcharts. Helm sets no limit; real charts have two levels.
const MAX_NESTING: usize = 16;

/// Where the bytes of a file are. The rules pass it through.
#[derive(Clone, Debug)]
pub(super) enum FileBytes {
    /// A file of the chart's directory, by its path below that.
    Path { path: String, size: u64 },
    /// A part of what [`Keep`] has kept.
    Kept { start: u64, size: u64 },
}

impl FileBytes {
    /// How large it is, or was when it was found.
    pub(super) fn size(&self) -> u64 {
        match self {
            Self::Path { size, .. } | Self::Kept { size, .. } => *size,
        }
    }
}

/// Keeps bytes that came out of a packed subchart, or were made here.
pub(super) trait Keep {
    /// Whether what it keeps is packed again. Then Helm's rules for packing hold as well; a package that somebody else made
    /// keeps its bytes, and needs to be no more than what Helm loads.
    fn packs(&self) -> bool {
        true
    }

    /// `content` gives exactly `size` bytes, or an error.
    fn keep(&mut self, content: &mut dyn Read, size: u64) -> Result<FileBytes, ChartError>;

    /// Is told of each file, by its path below the chart or subchart that it is of. `chart` is where that is in the whole:
    /// empty, `charts/<directory>`, or `charts/<package>.tgz`.
    fn see_file(&mut self, _chart: &str, _path: &str, _source: &FileBytes) -> Result<(), ChartError> {
        Ok(())
    }

    /// Is told what a chart or subchart is, when all of its files have come.
    fn see_chart(&mut self, _chart: &str, _metadata: &Metadata) -> Result<(), ChartError> {
        Ok(())
    }
}

/// Whether a file of a chart is one of a subchart: what is in charts/, but for provenance files.
fn is_of_subchart(path: &str) -> bool {
    path.starts_with("charts/") && !path.ends_with(".prov")
}

/// Keeps nothing: for charts that are only looked at.
#[derive(Default)]
pub(super) struct LookOnly {
    /// What has come, out of packages in packages too: each of those may be as large as a chart, and hold more of them.
    total: u64,
}

impl Keep for LookOnly {
    fn packs(&self) -> bool {
        false
    }

    fn keep(&mut self, _: &mut dyn Read, size: u64) -> Result<FileBytes, ChartError> {
        let start = self.total;
        self.total += size;
        check_total(self.total)?;
        // Where its content would be. This reading keeps none of it, and does not look whether it is all there.
        Ok(FileBytes::Kept { start, size })
    }
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

/// Chart.yaml or requirements.yaml until all of a chart has come. What becomes of it takes more memory than its text.
enum Told<'a> {
    Text { bytes: Vec<u8>, _held: HeldBudget<'a> },
    Document(YamlDocument<'a>),
}

/// One chart or subchart while its files come in.
pub(super) struct IncomingChart<'a> {
    /// What everything that is kept is taken from.
    budget: &'a Budget,
    /// What comes out of packages is taken from it.
    allowance: Rc<Allowance>,
    /// For what is remembered of this chart.
    held: HeldBudget<'a>,
    /// Where it is: empty, or `charts/<name>`.
    path: String,
    /// More than one where a subchart has begun anew: see [`archive`]. Helm unmarshals them into one struct.
    chart_yaml: Vec<(Told<'a>, FileBytes)>,
    requirements: Option<(Told<'a>, FileBytes)>,
    lock: Option<FileBytes>,
    requirements_lock: Option<FileBytes>,
    files: Vec<(String, FileBytes)>,
    subcharts: BTreeMap<String, Subchart<'a>>,
}

/// What is in charts/.
enum Subchart<'a> {
    /// A directory, which more may come of.
    Directory(IncomingChart<'a>),
    /// A package, of which everything has come.
    Package(PackedSubchart<'a>),
}

/// What is remembered of a subchart in a package.
struct PackedSubchart<'a> {
    /// For the files.
    held: HeldBudget<'a>,
    path: String,
    name: String,
    version: String,
    files: Vec<(String, FileBytes)>,
}

impl<'a> PackedSubchart<'a> {
    fn new(path: String, loaded: CompleteChart<'a>) -> Self {
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
        declared.retain(|name| !names.contains(name));
        keep.see_chart(&path, &metadata)?;
        if path.is_empty() {
            self.held.merge(held);
        }
        Ok(CompleteChart { held: self.held, metadata, files, missing: declared })
    }

    fn within(&self, path: &str) -> String {
        within(&self.path, path)
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

    fn read(&self, path: &str, told: Told<'b>) -> Result<YamlDocument<'b>, ChartError> {
        match told {
            Told::Document(document) => Ok(document),
            Told::Text { bytes, .. } => {
                yaml::read(&bytes, self.budget).map_err(|error| wrong(self.within(path), error.into()))
            }
        }
    }
}

fn too_large(what: &str, limit: &str) -> ChartError {
    ArchiveError::Limit { what: what.to_owned(), limit: limit.to_owned() }.into()
}

/// The path of a file in a chart whose path is the first.
fn within(chart: &str, path: &str) -> String {
    if chart.is_empty() { path.to_owned() } else { format!("{chart}/{path}") }
}

fn wrong(path: String, error: DecodeError) -> ChartError {
    match error {
        DecodeError::Yaml(source) => ChartError::Yaml { path, source },
        DecodeError::Metadata(source) => ChartError::Metadata { path, source },
    }
}

/// Helm strips it from every file that it loads.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Of files with one path the last.
fn keep_last(files: &mut Vec<(String, FileBytes)>) {
    files.reverse();
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    files.dedup_by(|(later, _), (earlier, _)| later == earlier);
}

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

/// How much room a file is given before it is read: what grows by and by is there twice meanwhile. One byte more lets its end
/// be seen without growing.
fn room_for(size: u64) -> usize {
    usize::try_from(size.min(MAX_FILE)).map_or(0, |size| size + 1)
}

/// Whether a Chart.yaml of ours is one that we read again.
pub(super) fn check_written(path: &str, text: &str, budget: &Budget) -> Result<(), ChartError> {
    if text.len() as u64 > MAX_METADATA {
        return Err(too_large(&format!("`{path}`"), METADATA_LIMIT));
    }
    yaml::check_metadata(text.as_bytes(), budget).map_err(|error| wrong(path.to_owned(), error.into()))
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
