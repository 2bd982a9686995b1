//! Charts from a directory: what the walk through it finds, and the content archive that is made of that.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::archive::ArchiveError;
use super::complete::{self, CompleteChart, IncomingChart};
use super::error::ChartError;
use super::gzip::{self, Gzip};
use super::keep::{FileBytes, Keep};
use super::metadata::Metadata;
use super::rules::FileContent;
use super::sizes;
use super::walk::{self, FoundFile};
use super::yaml::YamlValue;
use super::{chart_yaml, packing, yaml};
use crate::digest::{Digest, HashingWriter};
use crate::disk::{self, AtPath as _, bare, uninterrupted};
use crate::limits::Budget;

/// The files of a chart that is not packed yet, found and checked.
pub struct ChartFiles<'a> {
    /// Where those are that are not in the spool.
    directory: PathBuf,
    loaded: CompleteChart<'a>,
    spool: SubchartSpool,
}

/// The files of packed subcharts, one after the other in a nameless temporary file: they are needed in the order of
/// their paths, and a gzip stream cannot be read in any order but its own.
struct SubchartSpool {
    scratch: PathBuf,
    file: Option<File>,
    size: u64,
}

impl SubchartSpool {
    fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_path_buf(), file: None, size: 0 }
    }
}

impl Keep for SubchartSpool {
    fn keep(&mut self, content: &mut dyn Read, _: u64) -> Result<FileBytes, ChartError> {
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile_in(&self.scratch).at("write into", &self.scratch)?);
        }
        let start = self.size;
        if let Some(file) = &mut self.file {
            // What fails is the archive that is read or the disk that is written; the message tells.
            self.size += io::copy(content, file).map_err(ArchiveError::Read)?;
        }
        sizes::check_total(self.size)?;
        Ok(FileBytes::Kept { start, size: self.size - start })
    }
}

/// Versions that replace those in Chart.yaml: `helm package --version` and `--app-version` (pkg/action/package.go).
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    /// The chart's version.
    pub version: Option<String>,
    /// The version of what the chart installs.
    pub app_version: Option<String>,
}

impl Stamp {
    /// Whether it replaces nothing.
    pub fn is_empty(&self) -> bool {
        self.version.is_none() && self.app_version.is_none()
    }

    /// Chart.yaml was valid without it, as Helm wants it to be, and must be so with it.
    fn put_on(&self, metadata: &mut Metadata) -> Result<(), ChartError> {
        if let Some(version) = &self.version {
            metadata.version.clone_from(version);
        }
        if let Some(app_version) = &self.app_version {
            metadata.app_version.clone_from(app_version);
        }
        let stamped = |source| ChartError::Metadata { path: "Chart.yaml".to_owned(), source };
        if self.is_empty() { Ok(()) } else { metadata.validate().map_err(stamped) }
    }
}

impl<'a> ChartFiles<'a> {
    /// Walks through the chart at `path`. `stamp` takes the place of what Chart.yaml says. `scratch` is a directory for
    /// temporary files; what is kept in memory is taken from `budget`.
    pub fn of_directory(
        path: &Path,
        stamp: &Stamp,
        scratch: &Path,
        budget: &'a Budget,
    ) -> Result<Self, ChartError> {
        let mut spool = SubchartSpool::new(scratch);
        let mut loading = IncomingChart::new(budget)?;
        let directory = path.to_path_buf();
        for FoundFile { path, size } in walk::files(path)? {
            let mut open = || {
                let path = directory.join(&path);
                Ok(FileContent::Reader(Box::new(disk::open(&path).at("open", &path)?)))
            };
            loading.take(&mut spool, &path, FileBytes::Path { path: path.clone(), size }, &mut open)?;
        }
        let mut loaded = loading.finish(&mut spool)?;
        stamp.put_on(&mut loaded.metadata)?;
        Self { directory, loaded, spool }.checked(budget)
    }

    /// The two halves of a chart as 3.0.0-alpha.1 and alpha.2 pushed it: in the archive it is called `-`, its
    /// Chart.yaml there is a dummy, and what belongs into it is in `meta`.
    pub fn of_alpha(
        content: impl Read,
        meta: &[u8],
        name: &str,
        version: &str,
        scratch: &Path,
        budget: &'a Budget,
    ) -> Result<Self, ChartError> {
        let mut spool = SubchartSpool::new(scratch);
        let mut loading = IncomingChart::new(budget)?;
        loading.take_archive(&mut spool, &mut { content })?;
        let unreadable = |source| ChartError::Yaml { path: "the chart's metadata".to_owned(), source };
        // JSON is YAML, and these are the fields of a Chart.yaml.
        let mut chart_yaml = yaml::read(meta, budget).map_err(unreadable)?;
        if let YamlValue::Map(fields) = &mut chart_yaml.value {
            fields.push(("name".to_owned(), YamlValue::String(name.to_owned())));
            fields.push(("version".to_owned(), YamlValue::String(version.to_owned())));
        }
        let dummy = spool.keep(&mut io::empty(), 0)?;
        loading.replace_chart_yaml(chart_yaml, dummy);
        Self { directory: PathBuf::new(), loaded: loading.finish(&mut spool)?, spool }.checked(budget)
    }

    /// What is packed must be read again, by us too: a package's limits hold for all files together, whether they were
    /// in the directory or in a packed subchart.
    fn checked(mut self, budget: &Budget) -> Result<Self, ChartError> {
        self.loaded.files.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let paths = self.loaded.files.iter().map(|(path, _)| path.as_str());
        packing::check_packable(&self.loaded.metadata.name, paths)?;
        let chart_yaml = chart_yaml::write(&self.loaded.metadata);
        complete::check_written("Chart.yaml", &chart_yaml, budget)?;
        sizes::check_total(chart_yaml.len() as u64 + self.size())?;
        Ok(self)
    }

    /// The chart's metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.loaded.metadata
    }

    /// Dependencies that the chart declares and does not have in charts/.
    pub fn missing(&self) -> &[String] {
        &self.loaded.missing
    }

    /// How many bytes all files have, for a progress bar.
    pub fn size(&self) -> u64 {
        self.loaded.files.iter().map(|(_, source)| source.size()).sum()
    }

    /// Writes the content archive: everything but Chart.yaml, sorted by path, under the chart's name. `mtime` is the
    /// one time of all entries; `progress` is told how many bytes of the chart have been packed. Returns the source, too.
    pub fn write_content<W: Write>(
        &mut self,
        out: W,
        mtime: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(W, Digest), ChartError> {
        let gzip = Gzip::new(out).map_err(|source| self.failed(source))?;
        let mut tar = HashingWriter::new(gzip);
        self.write_tar(&mut tar, mtime, progress)?;
        let (gzip, tar, _) = tar.finish();
        let out = gzip.finish().map_err(|source| self.failed(source))?;
        Ok((out, source_of(&tar)))
    }

    /// What [`Self::write_content`] would make the archive of, as a digest: the same source gives the same archive.
    /// Nothing is compressed for that.
    pub fn source(&mut self, mtime: u64) -> Result<Digest, ChartError> {
        let mut tar = HashingWriter::new(io::sink());
        self.write_tar(&mut tar, mtime, &mut |_| {})?;
        Ok(source_of(&tar.finish().1))
    }

    fn write_tar(
        &mut self,
        out: &mut dyn Write,
        mtime: u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), ChartError> {
        let name = &self.loaded.metadata.name;
        let mut writer = packing::Writer::new(out, mtime);
        // Most files of a chart fit into it.
        let mut buffer = vec![0; 64 << 10];
        for (path, source) in &self.loaded.files {
            let inside = format!("{name}/{path}");
            // The tar crate reports what it reads and what it writes as one kind of error.
            let packed = |source| ChartError::Pack { path: path.clone(), source: bare(source) };
            match source {
                FileBytes::Path { path, size: found } => {
                    let path = self.directory.join(path);
                    let mut file = disk::open(&path).at("open", &path)?;
                    let begun = begin(&mut file, *found, &mut buffer).at("read", &path)?;
                    let size = if begun < buffer.len() {
                        begun as u64
                    } else {
                        file.metadata().at("read", &path)?.len()
                    };
                    let (beginning, size) = without_mark(&buffer[..begun], size);
                    writer.append(&inside, size, beginning.chain(file)).map_err(packed)?;
                    progress(size);
                }
                FileBytes::Kept { start, size } => {
                    let Some(file) = &mut self.spool.file else { continue };
                    file.seek(SeekFrom::Start(*start)).map_err(packed)?;
                    let mut content = file.take(*size);
                    let begun = begin(&mut content, *size, &mut buffer).map_err(packed)?;
                    let (beginning, size) = without_mark(&buffer[..begun], *size);
                    writer.append(&inside, size, beginning.chain(content)).map_err(packed)?;
                    progress(size);
                }
            }
        }
        writer.finish().map(|_| ()).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> ChartError {
        ChartError::Pack { path: self.loaded.metadata.name.clone(), source: bare(source) }
    }
}

/// The archive comes of the tar in it and of how that is compressed.
fn source_of(tar: &Digest) -> Digest {
    Digest::of(format!("{} {tar}", gzip::FORMAT).as_bytes())
}

/// Reads until the buffer is full or the content ends. A file that is no larger than it was when it was found has ended
/// where a read gives less than was asked for.
fn begin(content: &mut impl Read, found: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        let read = uninterrupted(|| content.read(&mut buffer[filled..]))?;
        filled += read;
        if read == 0 || (filled as u64 == found && filled < buffer.len()) {
            break;
        }
    }
    Ok(filled)
}

/// Helm strips a UTF-8 byte order mark from every file that it loads (3.0 and later, pkg/chart/loader/directory.go).
fn without_mark(beginning: &[u8], size: u64) -> (&[u8], u64) {
    beginning.strip_prefix(b"\xef\xbb\xbf").map_or((beginning, size), |unmarked| (unmarked, size - 3))
}
