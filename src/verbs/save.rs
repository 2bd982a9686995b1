//! Saves a directory or a package into the cache.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::form::Form;
use super::naming::{Misnamed, misnamed, named_twice};
use super::outcome::{BlobSummary, OnProgress, Progress, Summary, staged};
use crate::cache::{Cache, CacheEntry, CacheError, PutAs, StagedBlob};
use crate::chart::{self, ChartError, ChartFiles, Metadata, Stamp};
use crate::digest::{Digest, HashingReader, HashingWriter};
use crate::disk::{self, AtPath as _, PathError};
use crate::limits::{MAX_CHART, MAX_PROVENANCE};
use crate::reference::{Prefix, Reference, ReferenceError, Tag};

/// Why a chart was not saved.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The path cannot be read.
    #[error("{0}")]
    Disk(#[from] PathError),
    /// The directory or package is not a chart.
    #[error("{0}")]
    Chart(#[from] ChartError),
    /// The chart's version cannot be a tag, or its name not part of a repository.
    #[error("the chart's name and version cannot be its reference")]
    Reference(#[from] ReferenceError),
    /// Helm would not find the chart under its reference, and the options refuse that.
    #[error("{0}")]
    Misnamed(#[from] Misnamed),
    /// A version was given for a package, whose bytes are never changed.
    #[error("{} is a package, which is never altered: it keeps its version", .0.display())]
    Stamp(PathBuf),
    /// The reference has a digest, which is not known before the chart is saved.
    #[error("the reference `{0}` has a digest: a chart is saved under a tag")]
    Digest(Reference),
    /// A file is larger than the limit.
    #[error("{} is larger than the limit of {limit} MiB", path.display())]
    TooLarge {
        /// The path of the file.
        path: PathBuf,
        /// The limit, in MiB.
        limit: u64,
    },
    /// An error of the cache.
    #[error("{0}")]
    Cache(#[from] CacheError),
    /// The metadata cannot be written as JSON.
    #[error("cannot write the chart's metadata")]
    Json(#[from] serde_json::Error),
}

/// A chart that was saved.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The reference of the chart, with its tag.
    pub reference: Reference,
    /// The chart.
    pub summary: Summary,
    /// The digest and size of the manifest that a push will make.
    pub manifest: BlobSummary,
    /// The digest and size of the config in that manifest.
    pub config: BlobSummary,
    /// The digest and size of the chart archive in that manifest.
    pub chart: BlobSummary,
    /// Dependencies that the chart declares and does not contain.
    pub missing: Vec<String>,
}

/// The name under which a chart is saved.
#[derive(Clone, Copy, Debug)]
pub enum SaveAs<'a> {
    /// This reference. Its tag defaults to the chart's version.
    Reference(&'a Reference),
    /// The chart's name below the prefix, with its version as the tag, as `helm push` does.
    Below(&'a Prefix),
}

impl SaveAs<'_> {
    fn resolve(self, metadata: &Metadata, strict: bool) -> Result<Reference, SaveError> {
        let reference = match self {
            Self::Reference(reference) => reference.clone(),
            Self::Below(prefix) => prefix.with_name(&metadata.name)?,
        };
        let reference = match reference.tag {
            Some(_) => reference,
            None => reference.with_tag(Tag::of_version(&metadata.version)?),
        };
        if !strict {
            return Ok(reference);
        }
        let twice = match self {
            Self::Reference(_) => None,
            Self::Below(prefix) => named_twice(prefix, &metadata.name),
        };
        let misnamed = misnamed(&reference, &metadata.name, &metadata.version);
        misnamed.into_iter().chain(twice).next().map_or(Ok(reference), |misnamed| Err(misnamed.into()))
    }
}

/// How a chart is saved.
#[derive(Clone, Debug, Default)]
pub struct SaveOptions {
    /// Versions that replace those of the chart in a directory.
    pub stamp: Stamp,
    /// The SOURCE_DATE_EPOCH, in seconds.
    pub epoch: Option<u64>,
    /// Whether to refuse a chart that Helm would not find under its reference.
    pub strict: bool,
}

/// Saves the chart at `path` as `destination` says. `progress` is called with the size of the whole, and then with that
/// of each part.
pub fn save(
    cache: &Cache,
    path: &Path,
    destination: SaveAs<'_>,
    options: &SaveOptions,
    progress: OnProgress<'_>,
) -> Result<Saved, SaveError> {
    if let SaveAs::Reference(reference) = destination
        && reference.digest.is_some()
    {
        return Err(SaveError::Digest(reference.clone()));
    }
    let metadata = fs::metadata(path).at("read", path)?;
    if metadata.is_dir() {
        save_directory(cache, path, destination, options, progress)
    } else if metadata.is_file() {
        if !options.stamp.is_empty() {
            return Err(SaveError::Stamp(path.to_path_buf()));
        }
        save_package(cache, path, destination, options)
    } else {
        // A package is read twice, the first time to check it; a pipe would be empty by then.
        Err(ChartError::Irregular(path.to_path_buf()).into())
    }
}

fn save_directory(
    cache: &Cache,
    path: &Path,
    destination: SaveAs<'_>,
    options: &SaveOptions,
    progress: OnProgress<'_>,
) -> Result<Saved, SaveError> {
    let epoch = options.epoch;
    // The chart is checked before anything is written, so that an invalid one leaves no trace.
    let mut files = ChartFiles::of_directory(path, &options.stamp, &std::env::temp_dir(), cache.budget())?;
    let reference = destination.resolve(files.metadata(), options.strict)?;
    let size = files.size();
    progress(Progress::Whole(size));
    let head = chart::head(files.metadata()).at("pack", path)?;
    let mtime = epoch.unwrap_or(0);
    if let Some(packed) = packed_before(cache, &reference, &mut files, &head, mtime)? {
        progress(Progress::Done(size));
        match finish(cache, reference.clone(), files.metadata(), packed, epoch) {
            // The content was removed from the cache meanwhile.
            Err(SaveError::Cache(CacheError::Missing(_))) => {}
            result => return result,
        }
    }
    let mut layer = HashingWriter::new(io::sink());
    layer.write_all(&head).at("pack", path)?;
    let both = Both { content: cache.write_blob()?, layer };
    let (both, source) = files.write_content(both, mtime, &mut |bytes| progress(Progress::Done(bytes)))?;
    let content = both.content.finish()?;
    let (_, digest, size) = both.layer.finish();
    let packed = PackedChart {
        content: staged(&content),
        chart: BlobSummary { digest, size },
        source: Some(source),
        package: false,
        blobs: vec![content],
        provenance: None,
        missing: files.missing().to_vec(),
    };
    drop(head);
    finish(cache, reference, files.metadata(), packed, epoch)
}

/// The content that the cache has already, if these files are those of an entry of the same repository. The files are
/// read and hashed for this, which takes a small part of the time that compressing them takes.
fn packed_before(
    cache: &Cache,
    reference: &Reference,
    files: &mut ChartFiles<'_>,
    head: &[u8],
    mtime: u64,
) -> Result<Option<PackedChart>, SaveError> {
    let siblings = cache.siblings(reference);
    if siblings.iter().all(|entry| entry.source.is_none()) {
        return Ok(None);
    }
    let source = Some(files.source(mtime)?);
    let Some(entry) = siblings.into_iter().find(|entry| entry.source == source) else { return Ok(None) };
    let Ok(blob) = cache.blob(&entry.content) else { return Ok(None) };
    let content = BlobSummary { digest: entry.content, size: blob.size() };
    let mut layer = HashingWriter::new(io::sink());
    let read = io::copy(&mut &*head, &mut layer).and_then(|_| io::copy(&mut blob.read()?, &mut layer));
    // A damaged blob is made again.
    if read.is_err() {
        return Ok(None);
    }
    let (_, digest, size) = layer.finish();
    Ok(Some(PackedChart {
        content,
        chart: BlobSummary { digest, size },
        source,
        package: false,
        blobs: Vec::new(),
        provenance: None,
        missing: files.missing().to_vec(),
    }))
}

/// Writes the content blob, and hashes the layer that a push will make of it at the same time.
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

/// Saves a package and the provenance file next to it, byte for byte.
fn save_package(
    cache: &Cache,
    path: &Path,
    destination: SaveAs<'_>,
    options: &SaveOptions,
) -> Result<Saved, SaveError> {
    let mut package = HashingReader::new(File::open(path).at("read", path)?);
    let metadata = chart::inspect(&mut package, cache.budget())?;
    let inspected = package.finish().at("read", path)?;
    let reference = destination.resolve(&metadata, options.strict)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".prov");
    let beside = PathBuf::from(beside);
    if beside.exists() && !beside.is_file() && !beside.is_dir() {
        return Err(ChartError::Irregular(beside).into());
    }
    let content = copy(cache, path, MAX_CHART)?;
    // The file may have changed between check and copy.
    if *content.digest() != inspected {
        return Err(io::Error::other("the file was changed meanwhile")).at("read", path).map_err(Into::into);
    }
    let provenance = if beside.exists() { Some(copy(cache, &beside, MAX_PROVENANCE)?) } else { None };
    let chart = staged(&content);
    let packed = PackedChart {
        content: chart.clone(),
        chart,
        source: None,
        package: true,
        provenance: provenance.as_ref().map(staged),
        blobs: std::iter::once(content).chain(provenance).collect(),
        missing: Vec::new(),
    };
    finish(cache, reference, &metadata, packed, options.epoch)
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

/// A chart whose content is in the cache's file system.
pub(super) struct PackedChart {
    pub(super) content: BlobSummary,
    /// The digest and size of the archive that a push sends.
    pub(super) chart: BlobSummary,
    pub(super) source: Option<Digest>,
    pub(super) package: bool,
    pub(super) provenance: Option<BlobSummary>,
    /// The blobs that do not have their names in the cache yet.
    pub(super) blobs: Vec<StagedBlob>,
    pub(super) missing: Vec<String>,
}

/// Puts a chart into the cache that is in no registry yet.
pub(super) fn finish(
    cache: &Cache,
    reference: Reference,
    metadata: &Metadata,
    packed: PackedChart,
    epoch: Option<u64>,
) -> Result<Saved, SaveError> {
    let meta = stage_meta(cache, metadata)?;
    let summary = Summary {
        name: metadata.name.clone(),
        version: metadata.version.clone(),
        meta: staged(&meta),
        content: packed.content,
        provenance: packed.provenance,
    };
    let form = Form::new(metadata, &packed.chart, summary.provenance.as_ref(), epoch)?;
    let (manifest, config) = (form.manifest_part(), form.config_part());
    let entry = CacheEntry { package: packed.package, source: packed.source, epoch, ..summary.entry() };
    let blobs = std::iter::once(meta).chain(packed.blobs).collect();
    cache.put(&reference, &entry, blobs, PutAs::Saved(&manifest.digest))?;
    Ok(Saved { reference, summary, manifest, config, chart: packed.chart, missing: packed.missing })
}

fn stage_meta(cache: &Cache, metadata: &Metadata) -> Result<StagedBlob, SaveError> {
    let meta = metadata.to_meta()?;
    Ok(cache.stage(&Digest::of(&meta), &meta)?)
}
