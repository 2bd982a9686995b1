//! Charts from a directory: the walk that `helm package` makes, but for symbolic links that leave the chart, and the
//! content archive that is made of what it finds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::ChartError;
use super::archive::{self, ArchiveError};
use super::chart_yaml;
use super::gzip::{self, Gzip};
use super::ignore::Rules;
use super::metadata::Metadata;
use super::rules::{self, Keep, Loaded, Loading, Source};
use super::yaml::Value;
use crate::digest::{Digest, HashingWriter};
use crate::disk::{At as _, PathError, bare, uninterrupted};

/// The files of a chart that is not packed yet, found and checked.
pub struct ChartFiles {
    loaded: Loaded,
    spool: Spool,
}

/// The files of packed subcharts, one after the other in a nameless temporary file: they are needed in the order of
/// their paths, and a gzip stream cannot be read in any order but its own.
struct Spool {
    scratch: PathBuf,
    file: Option<File>,
    size: u64,
}

impl Spool {
    fn new(scratch: &Path) -> Self {
        Self { scratch: scratch.to_path_buf(), file: None, size: 0 }
    }
}

impl Keep for Spool {
    fn keep(&mut self, content: &mut dyn Read) -> Result<Source, ChartError> {
        if self.file.is_none() {
            self.file = Some(tempfile::tempfile_in(&self.scratch).at("write into", &self.scratch)?);
        }
        let start = self.size;
        if let Some(file) = &mut self.file {
            // What fails is the archive that is read or the disk that is written; the message tells.
            self.size += io::copy(content, file).map_err(ArchiveError::Read)?;
        }
        rules::check_total(self.size)?;
        Ok(Source::Kept { start, size: self.size - start })
    }
}

impl ChartFiles {
    /// Walks through the chart at `path`. `scratch` is a directory for temporary files.
    pub fn of_directory(path: &Path, scratch: &Path) -> Result<Self, ChartError> {
        let mut spool = Spool::new(scratch);
        let mut loading = Loading::new();
        let mut walk = Walk {
            root: fs::canonicalize(path).at("open", path)?,
            rules: ignore_rules(path)?,
            total: 0,
            visit: &mut |relative, path, size| {
                let open = || Ok(Box::new(File::open(path).at("open", path)?) as Box<dyn Read>);
                let source = Source::Path { path: path.to_path_buf(), size };
                loading.take(&mut spool, relative, source, &mut { open })
            },
        };
        let real = walk.root.clone();
        walk.directory(path, "", real, &mut Vec::new())?;
        Self { loaded: loading.finish(&mut spool)?, spool }.checked()
    }

    /// The two halves of a chart as 3.0.0-alpha.1 and alpha.2 pushed it: in the archive it is called `-`, its
    /// Chart.yaml there is a dummy, and what belongs into it is in `meta`.
    pub fn of_alpha(
        content: impl Read,
        meta: &[u8],
        name: &str,
        version: &str,
        scratch: &Path,
    ) -> Result<Self, ChartError> {
        let mut spool = Spool::new(scratch);
        let mut loading = Loading::new();
        loading.take_archive(&mut spool, content)?;
        let unreadable = |source| ChartError::Yaml { path: "the chart's metadata".to_owned(), source };
        // JSON is YAML, and these are the fields of a Chart.yaml.
        let mut chart_yaml = Value::parse(&String::from_utf8_lossy(meta)).map_err(unreadable)?;
        if let Value::Map(fields) = &mut chart_yaml {
            fields.push(("name".to_owned(), Value::String(name.to_owned())));
            fields.push(("version".to_owned(), Value::String(version.to_owned())));
        }
        let dummy = spool.keep(&mut io::empty())?;
        loading.replace_chart_yaml(chart_yaml, dummy);
        Self { loaded: loading.finish(&mut spool)?, spool }.checked()
    }

    /// What is packed must be read again, by us too: a package's limits hold for all files together, whether they were
    /// in the directory or in a packed subchart.
    fn checked(self) -> Result<Self, ChartError> {
        let paths = self.loaded.files.keys().map(String::as_str);
        archive::check_packable(&self.loaded.metadata.name, paths)?;
        let chart_yaml = chart_yaml::write(&self.loaded.metadata).len() as u64;
        rules::check_total(chart_yaml + self.size())?;
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
        let size = |source: &Source| match source {
            Source::Path { size, .. } | Source::Kept { size, .. } => *size,
        };
        self.loaded.files.values().map(size).sum()
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
        let mut writer = archive::Writer::new(out, mtime);
        for (path, source) in &self.loaded.files {
            let inside = format!("{name}/{path}");
            // The tar crate reports what it reads and what it writes as one kind of error.
            let packed = |source| ChartError::Pack { path: path.clone(), source: bare(source) };
            match source {
                Source::Path { path, .. } => {
                    let (size, content) = open_without_mark(path)?;
                    writer.append(&inside, size, content).map_err(packed)?;
                    progress(size);
                }
                Source::Kept { start, size } => {
                    let Some(file) = &mut self.spool.file else { continue };
                    file.seek(SeekFrom::Start(*start)).map_err(packed)?;
                    let (size, content) = without_mark(file.take(*size), *size).map_err(packed)?;
                    writer.append(&inside, size, content).map_err(packed)?;
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

fn open_without_mark(path: &Path) -> Result<(u64, impl Read), PathError> {
    let file = File::open(path).at("open", path)?;
    let size = file.metadata().at("read", path)?.len();
    without_mark(file, size).at("read", path)
}

/// Helm strips a UTF-8 byte order mark from every file that it loads (3.0 and later, pkg/chart/loader/directory.go).
fn without_mark(mut content: impl Read, size: u64) -> io::Result<(u64, impl Read)> {
    let mut first = Vec::with_capacity(3);
    content.by_ref().take(3).read_to_end(&mut first)?;
    let marked = first == b"\xef\xbb\xbf";
    let (skipped, first) = if marked { (3, Vec::new()) } else { (0, first) };
    Ok((size - skipped, io::Cursor::new(first).chain(content)))
}

fn ignore_rules(root: &Path) -> Result<Rules, ChartError> {
    let path = root.join(".helmignore");
    // A directory of that name is walked like any other, and what is none, or a link to elsewhere, is refused on the way:
    // reading a fifo or a device would not end.
    let inside = fs::canonicalize(root).at("open", root)?;
    match fs::canonicalize(&path) {
        Ok(real) if real.starts_with(inside) && real.is_file() => {}
        _ => return Ok(Rules::empty()),
    }
    let size = fs::metadata(&path).at("read", &path)?.len();
    rules::check_size(".helmignore", size)?;
    let bytes = fs::read(&path).at("read", &path)?;
    Rules::parse(&String::from_utf8_lossy(&bytes)).map_err(|source| ChartError::Ignore { path, source })
}

struct Walk<'a> {
    root: PathBuf,
    rules: Rules,
    total: u64,
    visit: &'a mut dyn FnMut(&str, &Path, u64) -> Result<(), ChartError>,
}

impl Walk<'_> {
    /// `real` is the directory's path without links. `above` are those of the directories on the way down, to notice
    /// links that go round in circles.
    fn directory(
        &mut self,
        path: &Path,
        relative: &str,
        real: PathBuf,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), ChartError> {
        if above.contains(&real) {
            return Err(ChartError::LinkLoop(path.to_path_buf()));
        }
        above.push(real);
        let mut children = BTreeMap::new();
        for entry in uninterrupted(|| fs::read_dir(path)).at("read", path)? {
            let entry = entry.at("read", path)?;
            let link = entry.file_type().at("read", path)?.is_symlink();
            children.insert(entry.file_name(), link);
        }
        for (name, link) in children {
            let path = path.join(&name);
            let Some(name) = name.to_str() else {
                return Err(ChartError::FileName { path, reason: "it is not UTF-8" });
            };
            let relative = if relative.is_empty() { name.to_owned() } else { format!("{relative}/{name}") };
            self.entry(&path, &relative, link, above)?;
        }
        above.pop();
        Ok(())
    }

    fn entry(
        &mut self,
        path: &Path,
        relative: &str,
        link: bool,
        above: &mut Vec<PathBuf>,
    ) -> Result<(), ChartError> {
        let target = fs::metadata(path);
        if self.rules.ignores(relative, target.as_ref().is_ok_and(fs::Metadata::is_dir)) {
            return Ok(());
        }
        let metadata = target.at(if link { "follow the symbolic link" } else { "read" }, path)?;
        let real = if link {
            let real = fs::canonicalize(path).at("follow the symbolic link", path)?;
            if !real.starts_with(&self.root) {
                return Err(ChartError::LinkLeaves { path: path.to_path_buf(), target: real });
            }
            real
        } else {
            let name = path.file_name().unwrap_or_default();
            above.last().map_or_else(PathBuf::new, |above| above.join(name))
        };
        if let Err(reason) = archive::check_path(relative) {
            return Err(ChartError::FileName { path: path.to_path_buf(), reason });
        }
        if metadata.is_dir() {
            return self.directory(path, relative, real, above);
        }
        if !metadata.is_file() {
            return Err(ChartError::Irregular(path.to_path_buf()));
        }
        rules::check_size(relative, metadata.len())?;
        self.total += metadata.len();
        rules::check_total(self.total)?;
        (self.visit)(relative, path, metadata.len())
    }
}
