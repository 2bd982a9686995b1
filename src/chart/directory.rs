//! Charts in directories: reads their files, and makes the content archive.

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

/// The files of a chart that is to be packed. They were found and checked.
pub struct ChartFiles<'a> {
    /// The directory of the files that are not in the spool.
    directory: PathBuf,
    loaded: CompleteChart<'a>,
    spool: SubchartSpool,
}

/// The files of packed subcharts, one after the other in a temporary file without a name. They are needed in the order
/// of their paths, and a gzip stream can only be read in its own order.
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
            // Reading the archive or writing to the disk may have failed; the message tells which.
            self.size += io::copy(content, file).map_err(ArchiveError::Read)?;
        }
        sizes::check_total(self.size)?;
        Ok(FileBytes::Kept { start, size: self.size - start })
    }
}

/// The versions that replace those in Chart.yaml: `helm package --version` and `--app-version` (pkg/action/package.go).
#[derive(Clone, Debug, Default)]
pub struct Stamp {
    /// Replaces `version`, the version of the chart.
    pub version: Option<String>,
    /// Replaces `appVersion`, the version of what the chart installs.
    pub app_version: Option<String>,
}

impl Stamp {
    /// Whether nothing is replaced.
    pub fn is_empty(&self) -> bool {
        self.version.is_none() && self.app_version.is_none()
    }

    /// Replaces the versions. Chart.yaml must be valid before, as Helm demands, and after: otherwise this is an error.
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
    /// Reads the chart in the directory `path`. The versions in `stamp` replace those in its Chart.yaml. `scratch` is a
    /// directory for temporary files; memory is taken from `budget`.
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

    /// Joins the two halves of a chart that Helm 3.0.0-alpha.1 or alpha.2 has pushed. In the archive `content` the
    /// chart is called `-` and has a dummy Chart.yaml; its real fields are in `meta`, except `name` and `version`.
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
        // JSON is YAML, and the fields are those of Chart.yaml.
        let mut chart_yaml = yaml::read(meta, budget).map_err(unreadable)?;
        if let YamlValue::Map(fields) = &mut chart_yaml.value {
            fields.push(("name".to_owned(), YamlValue::String(name.to_owned())));
            fields.push(("version".to_owned(), YamlValue::String(version.to_owned())));
        }
        let dummy = spool.keep(&mut io::empty(), 0)?;
        loading.replace_chart_yaml(chart_yaml, dummy);
        Self { directory: PathBuf::new(), loaded: loading.finish(&mut spool)?, spool }.checked(budget)
    }

    /// Checks that the package could be read again, by us too: the limits of a package hold for all files together,
    /// those of the directory and those of packed subcharts.
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

    /// The names of the dependencies that the chart declares and does not have in `charts/`.
    pub fn missing(&self) -> &[String] {
        &self.loaded.missing
    }

    /// The size of all files in bytes, for a progress bar.
    pub fn size(&self) -> u64 {
        self.loaded.files.iter().map(|(_, source)| source.size()).sum()
    }

    /// Writes the content archive to `out`: all files except Chart.yaml, sorted by path, below a directory of the
    /// chart's name. `mtime` is the time of all entries in seconds since 1970. `progress` is called with the size in
    /// bytes of each packed file. Returns `out`, and the same digest as [`Self::source`].
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

    /// A digest of what [`Self::write_content`] would pack. Equal digests mean equal archives. Nothing is compressed
    /// for it.
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
        // Most files of a chart fit into this buffer.
        let mut buffer = vec![0; 64 << 10];
        for (path, source) in &self.loaded.files {
            let inside = format!("{name}/{path}");
            // The tar crate reports errors in reading and in writing as the same kind.
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

/// A digest that stands for the archive: of the tar archive in it and of the way in which it is compressed.
fn source_of(tar: &Digest) -> Digest {
    Digest::of(format!("{} {tar}", gzip::FORMAT).as_bytes())
}

/// Reads until the buffer is full or the content ends. If as many bytes were read as the file had when it was found,
/// one more read would only see its end, and is saved.
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
