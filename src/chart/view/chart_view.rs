//! A chart whose files can be listed and read.

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

/// A chart that was checked by Helm's rules, with all its files. Their content is read when it is asked for.
pub struct ChartView<'b> {
    budget: &'b Budget,
    _held: HeldBudget<'b>,
    /// The directory of the files that are not in the spool.
    directory: PathBuf,
    spool: RefCell<SpooledTempFile>,
    /// The chart itself first, then its subcharts, sorted by path.
    charts: Vec<ViewedChart>,
    missing: Vec<String>,
}

/// A chart or subchart and its files.
#[derive(Debug)]
pub struct ViewedChart {
    /// Its path in the whole chart: empty, `charts/redis`, or `charts/redis-1.0.0.tgz`, and so on for those in
    /// subcharts.
    pub path: String,
    /// Its metadata.
    pub metadata: Metadata,
    /// Its own files, without those of subcharts, in the order in which Helm has them.
    pub files: Vec<ViewedFile>,
}

/// A file of a chart or subchart.
#[derive(Debug)]
pub struct ViewedFile {
    /// Its path in the chart or subchart that it belongs to.
    pub path: String,
    source: FileBytes,
}

impl ViewedFile {
    /// The size of the file in bytes, when it was found.
    pub fn size(&self) -> u64 {
        self.source.size()
    }
}

impl ViewedChart {
    /// The path in the whole chart of one of its files.
    pub fn full_path(&self, file: &ViewedFile) -> String {
        if self.path.is_empty() { file.path.clone() } else { format!("{}/{}", self.path, file.path) }
    }

    /// The file of this chart with this path; None if there is none.
    pub fn file(&self, path: &str) -> Option<&ViewedFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// The content of a file, without the byte order mark that Helm strips from every file.
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
    /// Reads the chart in a directory, with the files that `helm package` would take. Memory is taken from `budget`.
    pub fn of_directory(path: &Path, budget: &'b Budget) -> Result<Self, ChartError> {
        let mut viewing = Viewing::new(budget)?;
        let mut loading = IncomingChart::new(budget)?;
        let mut found = walk::files(path)?;
        // The order of Go's filepath.Walk: directory by directory, each sorted by name.
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

    /// Reads the chart in a package. Memory is taken from `budget`.
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
        // If a subchart comes twice, the later file with a path counts.
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

    /// The metadata of the chart itself.
    pub fn metadata(&self) -> &Metadata {
        &self.top().metadata
    }

    /// The chart itself, without its subcharts.
    pub fn top(&self) -> &ViewedChart {
        // There is always one: without Chart.yaml, reading the chart fails.
        &self.charts[0]
    }

    /// The chart itself, then its subcharts and theirs, sorted by path.
    pub fn charts(&self) -> &[ViewedChart] {
        &self.charts
    }

    /// The names of the dependencies that the chart declares and does not have in `charts/`.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// The budget that memory for the content of files is taken from.
    pub fn budget(&self) -> &'b Budget {
        self.budget
    }

    /// Reads the content of a file. An error if it is larger than 5 MiB, or takes more memory than the budget has left.
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
                // The file may have grown since it was found.
                sizes::check_size(&file.path, bytes.len() as u64)?;
                held.grow((bytes.len() as u64).saturating_sub(file.size()))?;
            }
        }
        if bytes.starts_with(b"\xef\xbb\xbf") {
            bytes.drain(..3);
        }
        Ok(ViewedBytes { bytes, _held: held })
    }

    /// Finds the file with this path in the whole chart, and the chart or subchart that it belongs to.
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

/// Compares two paths by their names, as a walk through the directories orders them.
fn by_parts(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}
