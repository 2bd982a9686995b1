//! A directory or a package into the cache.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::form::Form;
use super::{OnProgress, Part, Progress, Summary};
use crate::cache::{Cache, CacheError, Entry, StagedBlob};
use crate::chart::{self, ChartError, ChartFiles, Metadata};
use crate::digest::{HashingReader, HashingWriter};
use crate::disk::{self, At as _, PathError};
use crate::manifest::{MAX_CHART, MAX_PROVENANCE};
use crate::reference::{Reference, ReferenceError, Tag};

/// Why a chart was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The path cannot be read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// What it holds is no chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The chart's version cannot be a tag.
    #[error("the chart's version cannot be the tag")]
    Tag(#[from] ReferenceError),
    /// A reference with a digest, which nobody can know beforehand.
    #[error("the reference `{0}` has a digest: a chart is saved under a tag")]
    Digest(Reference),
    /// A file that is larger than any chart.
    #[error("{} is larger than the limit of {limit} MiB", path.display())]
    TooLarge {
        /// Which one.
        path: PathBuf,
        /// How large it may be.
        limit: u64,
    },
    /// The cache refused.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The metadata could not be written down.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
}

/// What was saved.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Where, with the tag.
    pub reference: Reference,
    /// The chart.
    pub summary: Summary,
    /// What its metadata says.
    pub metadata: Metadata,
    /// What a push will make of it.
    pub manifest: Part,
    /// Dependencies that it declares and does not bring.
    pub missing: Vec<String>,
}

/// Saves the chart at `path` as `reference`, whose tag defaults to the chart's version. `epoch` is SOURCE_DATE_EPOCH;
/// `progress` is told the size of the whole first and then of each part.
pub fn save(
    cache: &Cache,
    path: &Path,
    reference: &Reference,
    epoch: Option<u64>,
    progress: OnProgress<'_>,
) -> Result<Saved, SaveError> {
    if reference.digest.is_some() {
        return Err(SaveError::Digest(reference.clone()));
    }
    let metadata = fs::metadata(path).at("read", path)?;
    if metadata.is_dir() {
        save_directory(cache, path, reference, epoch, progress)
    } else if metadata.is_file() {
        save_package(cache, path, reference, epoch)
    } else {
        // A package is read twice, first to be checked: a pipe is empty by then.
        Err(ChartError::Irregular(path.to_path_buf()).into())
    }
}

fn save_directory(
    cache: &Cache,
    path: &Path,
    reference: &Reference,
    epoch: Option<u64>,
    progress: OnProgress<'_>,
) -> Result<Saved, SaveError> {
    // Before anything is made: what is no chart leaves no trace.
    let mut files = ChartFiles::of_directory(path, &std::env::temp_dir())?;
    let reference = tagged(reference, &files.metadata().version)?;
    let metadata = files.metadata().clone();
    progress(Progress::Whole(files.size()));
    let head = chart::head(&metadata).at("pack", path)?;
    let mut layer = HashingWriter::new(io::sink());
    layer.write_all(&head).at("pack", path)?;
    let mut both = Both { content: cache.write_blob()?, layer };
    both = files.write_content(both, epoch.unwrap_or(0), &mut |bytes| progress(Progress::Done(bytes)))?;
    let content = both.content.finish()?;
    let (_, digest, size) = both.layer.finish();
    let missing = files.missing().to_vec();
    let chart = Part { digest, size };
    finish(
        cache,
        reference,
        metadata,
        Packed { content, chart, package: false, provenance: None, missing },
        epoch,
    )
}

/// The content blob, and at the same time the layer that a push will make of it.
struct Both<W> {
    content: W,
    layer: HashingWriter<io::Sink>,
}

impl<W: Write> Write for Both<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.content.write(bytes)?;
        self.layer.write_all(&bytes[..written])?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.content.flush()
    }
}

/// A package keeps its bytes, and so does the provenance file beside it.
fn save_package(
    cache: &Cache,
    path: &Path,
    reference: &Reference,
    epoch: Option<u64>,
) -> Result<Saved, SaveError> {
    let mut package = HashingReader::new(File::open(path).at("read", path)?);
    let metadata = chart::inspect(&mut package)?;
    let inspected = package.finish().at("read", path)?;
    let reference = tagged(reference, &metadata.version)?;
    let content = copy(cache, path, MAX_CHART)?;
    // It may have been replaced between the look and the copy.
    if *content.digest() != inspected {
        return Err(io::Error::other("the file was changed meanwhile")).at("read", path).map_err(Into::into);
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".prov");
    let beside = PathBuf::from(beside);
    let provenance = if beside.exists() { Some(copy(cache, &beside, MAX_PROVENANCE)?) } else { None };
    let chart = Part { digest: content.digest().clone(), size: content.size() };
    let packed = Packed { content, chart, package: true, provenance, missing: Vec::new() };
    finish(cache, reference, metadata, packed, epoch)
}

fn copy(cache: &Cache, path: &Path, limit: u64) -> Result<StagedBlob, SaveError> {
    let mut from = File::open(path).at("read", path)?.take(limit + 1);
    let mut to = cache.write_blob()?;
    let mut buffer = vec![0; 64 << 10];
    let mut size = 0;
    loop {
        let read = disk::uninterrupted(|| from.read(&mut buffer)).at("read", path)?;
        if read == 0 {
            return Ok(to.finish()?);
        }
        size += read as u64;
        if size > limit {
            return Err(SaveError::TooLarge { path: path.to_path_buf(), limit: limit >> 20 });
        }
        to.write_all(&buffer[..read]).at("write into", cache.root())?;
    }
}

fn tagged(reference: &Reference, version: &str) -> Result<Reference, ReferenceError> {
    Ok(match &reference.tag {
        Some(_) => reference.clone(),
        None => reference.with_tag(Tag::of_version(version)?),
    })
}

/// A chart whose content is in the cache's file system, without its name yet.
struct Packed {
    content: StagedBlob,
    /// The archive that goes over the wire.
    chart: Part,
    package: bool,
    provenance: Option<StagedBlob>,
    missing: Vec<String>,
}

fn finish(
    cache: &Cache,
    reference: Reference,
    metadata: Metadata,
    packed: Packed,
    epoch: Option<u64>,
) -> Result<Saved, SaveError> {
    let mut meta = cache.write_blob()?;
    meta.write_all(&metadata.to_meta()?).at("write into", cache.root())?;
    let meta = meta.finish()?;
    let part = |blob: &StagedBlob| Part { digest: blob.digest().clone(), size: blob.size() };
    let summary = Summary {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        meta: part(&meta),
        content: part(&packed.content),
        provenance: packed.provenance.as_ref().map(part),
    };
    let form = Form::new(&metadata, &packed.chart, summary.provenance.as_ref(), epoch)?;
    let manifest = form.manifest_part();
    let entry = Entry {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        meta: summary.meta.digest.clone(),
        content: summary.content.digest.clone(),
        package: packed.package,
        provenance: summary.provenance.as_ref().map(|part| part.digest.clone()),
        pushed: None,
        origin: None,
    };
    let blobs = [meta, packed.content].into_iter().chain(packed.provenance).collect();
    cache.put_saved(&reference, &entry, blobs)?;
    Ok(Saved { reference, summary, metadata, manifest, missing: packed.missing })
}
