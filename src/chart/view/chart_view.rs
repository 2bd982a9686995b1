//! A chart to look at.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashSet;
use std::fmt;
use std::io::Read;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use tempfile::SpooledTempFile;

use super::viewing::{Viewing, read_kept};
use crate::chart::complete::IncomingChart;
use crate::chart::error::ChartError;
use crate::chart::keep::FileBytes;
use crate::chart::metadata::Metadata;
use crate::chart::rules::FileContent;
use crate::chart::sizes;
use crate::chart::walk::{self, FoundFile};
use crate::disk::{self, AtPath as _};
use crate::limits::{Budget, HeldBudget, MAX_FILE};

/// A chart, checked by Helm's rules, and all its files, which are read when they are asked for.
pub struct ChartView<'b> {
    budget: &'b Budget,
    _held: HeldBudget<'b>,
    /// Where files are that are not in the spool.
    directory: PathBuf,
    spool: RefCell<SpooledTempFile>,
    /// The chart itself first, then its subcharts, sorted by their paths.
    charts: Vec<ViewedChart>,
    missing: Vec<String>,
}

/// A chart or a subchart.
#[derive(Debug)]
pub struct ViewedChart {
    /// Where it is in the whole: empty, `charts/redis`, or `charts/redis-1.0.0.tgz`, and further below.
    pub path: String,
    /// What it says about itself.
    pub metadata: Metadata,
    /// Its own files, in the order in which Helm has them.
    pub files: Vec<ViewedFile>,
}

/// A file of a chart.
#[derive(Debug)]
pub struct ViewedFile {
    /// Its path below its own chart.
    pub path: String,
    source: FileBytes,
}

impl ViewedFile {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.source.size()
    }
}

impl ViewedChart {
    /// The path of one of its files in the whole.
    pub fn full_path(&self, file: &ViewedFile) -> String {
        if self.path.is_empty() { file.path.clone() } else { format!("{}/{}", self.path, file.path) }
    }

    /// The file of that path.
    pub fn file(&self, path: &str) -> Option<&ViewedFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// The content of a file, without the byte order mark that Helm strips from each.
#[derive(Debug)]
pub struct ViewedBytes<'b> {
    bytes: Vec<u8>,
    _held: HeldBudget<'b>,
}

impl Deref for ViewedBytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl<'b> ChartView<'b> {
    /// The chart in a directory, as `helm package` would take it.
    pub fn of_directory(path: &Path, budget: &'b Budget) -> Result<Self, ChartError> {
        let mut viewing = Viewing::new(budget)?;
        let mut loading = IncomingChart::new(budget)?;
        let mut found = walk::files(path)?;
        // As filepath.Walk goes: directory by directory, each in the order of its names.
        found.sort_by(|a, b| by_parts(&a.path, &b.path));
        for FoundFile { path: below, size } in found {
            let mut open = || {
                let path = path.join(&below);
                Ok(FileContent::Reader(Box::new(disk::open(&path).at("open", &path)?)))
            };
            loading.take(&mut viewing, &below, FileBytes::Path { path: below.clone(), size }, &mut open)?;
        }
        Self::of(path.to_path_buf(), loading, viewing, budget)
    }

    /// The chart in a package.
    pub fn of_package(package: impl Read, budget: &'b Budget) -> Result<Self, ChartError> {
        let mut viewing = Viewing::new(budget)?;
        let mut loading = IncomingChart::new(budget)?;
        loading.take_archive(&mut viewing, &mut { package })?;
        Self::of(PathBuf::new(), loading, viewing, budget)
    }

    fn of(
        directory: PathBuf,
        loading: IncomingChart<'b>,
        mut viewing: Viewing<'b>,
        budget: &'b Budget,
    ) -> Result<Self, ChartError> {
        let missing = loading.finish(&mut viewing)?.missing;
        let Viewing { held, spool, files, charts, .. } = viewing;
        let mut charts: Vec<_> = charts
            .into_iter()
            .map(|(path, metadata)| ViewedChart { path, metadata, files: Vec::new() })
            .collect();
        charts.sort_by(|a, b| by_parts(&a.path, &b.path));
        // Of a subchart that has begun anew the later file is the one that counts.
        let mut seen = HashSet::new();
        let mut kept: Vec<_> = files
            .into_iter()
            .rev()
            .filter(|(chart, path, _)| seen.insert((chart.clone(), path.clone())))
            .collect();
        kept.reverse();
        for (chart, path, source) in kept {
            if let Ok(at) = charts.binary_search_by(|known| by_parts(&known.path, &chart)) {
                charts[at].files.push(ViewedFile { path, source });
            }
        }
        Ok(Self { budget, _held: held, directory, spool: RefCell::new(spool), charts, missing })
    }

    /// What the chart says about itself.
    pub fn metadata(&self) -> &Metadata {
        &self.top().metadata
    }

    /// The chart itself, without its subcharts.
    pub fn top(&self) -> &ViewedChart {
        // There is none without: reading has failed then.
        &self.charts[0]
    }

    /// The chart itself, then its subcharts and theirs, sorted by path.
    pub fn charts(&self) -> &[ViewedChart] {
        &self.charts
    }

    /// Dependencies that it declares and does not bring.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// What the content of files is taken from.
    pub fn budget(&self) -> &'b Budget {
        self.budget
    }

    /// Reads a file.
    pub fn read(&self, file: &ViewedFile) -> Result<ViewedBytes<'b>, ChartError> {
        let mut held = self.budget.hold(file.size())?;
        let mut bytes = Vec::with_capacity(usize::try_from(file.size()).unwrap_or_default() + 1);
        match &file.source {
            FileBytes::Kept { start, size } => {
                bytes.resize(usize::try_from(*size).unwrap_or_default(), 0);
                read_kept(&mut self.spool.borrow_mut(), *start, &mut bytes)?;
            }
            FileBytes::Path { path, .. } => {
                let path = self.directory.join(path);
                let opened = disk::open(&path).at("open", &path)?;
                opened.take(MAX_FILE + 1).read_to_end(&mut bytes).at("read", &path)?;
                // It may have grown since it was found.
                sizes::check_size(&file.path, bytes.len() as u64)?;
                held.grow((bytes.len() as u64).saturating_sub(file.size()))?;
            }
        }
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(ViewedBytes { bytes, _held: held })
    }

    /// The file of a path in the whole, and the chart or subchart that it is of.
    pub fn find(&self, path: &str) -> Option<(&ViewedChart, &ViewedFile)> {
        self.all_files().find(|(chart, file)| chart.full_path(file) == path)
    }

    /// All files, chart by chart.
    pub fn all_files(&self) -> impl Iterator<Item = (&ViewedChart, &ViewedFile)> {
        self.charts.iter().flat_map(|chart| chart.files.iter().map(move |file| (chart, file)))
    }
}

impl fmt::Debug for ChartView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChartView").field("charts", &self.charts).finish_non_exhaustive()
    }
}

/// Paths in the order in which a walk comes to them.
fn by_parts(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}
