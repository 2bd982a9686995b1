//! A layout on its way in: its index, and its blobs by their digests.

use std::collections::{HashMap, HashSet};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::BundleError;
use super::parts::{self, BundleParts};
use super::range::FileRange;
use super::spool::BlobSpool;
use super::tape::Tape;
use super::wrapped::WrappedChart;
use crate::chart::TarEntries;
use crate::digest::{Digest, Mismatch};
use crate::disk::{AtPath as _, Directory, PathError};
use crate::layout::{LayoutFile, LayoutIndex, blob_path};
use crate::limits::{Budget, HeldBudget, MAX_ATTACHED_BLOB, MAX_CHART, MAX_SPOOLED};
use crate::manifest::Descriptor;

/// The largest index that is read, in bytes: some forty thousand charts.
const MAX_INDEX: u64 = 16 << 20;
/// What is understood of an index takes in memory, for each byte of its text.
const UNDERSTOOD: u64 = 2;
/// What is remembered of a blob, in bytes.
const REMEMBERED: u64 = 384;

/// A layout: a directory, a tar archive, or a pipe with one, compressed by gzip or not.
pub struct BundleReader<'a> {
    budget: &'a Budget,
    way: InputWay,
    index: Option<FileRange>,
    /// The chart that is there if there is no index.
    wrapped: WrappedChart,
    has_marker: bool,
    /// Whether it could not be read on: nothing that follows is what it seems to be.
    has_failed: bool,
    blobs: HashMap<Digest, FileRange>,
    /// Every blob that was passed, so that none is there twice.
    seen: HashSet<Digest>,
    /// The blobs that somebody will ask for, if that is known: of a pipe the others are passed over.
    wanted: Option<HashSet<Digest>>,
    held: HeldBudget<'a>,
}

enum InputWay {
    Directory(Directory),
    Tape { tape: Tape, entries: TarEntries, is_over: bool },
}

impl<'a> BundleReader<'a> {
    /// Opens the layout at a path; `-` is standard input. What of a pipe comes before it is needed waits in the directory that
    /// `scratch` gives.
    pub fn open(
        path: &Path,
        budget: &'a Budget,
        scratch: impl FnOnce() -> Result<PathBuf, PathError>,
    ) -> Result<Self, BundleError> {
        let tape = |tape| InputWay::Tape { tape, entries: TarEntries::default(), is_over: false };
        let way = if path == Path::new("-") {
            tape(Tape::stream(io::stdin(), BlobSpool::new(scratch()?, MAX_SPOOLED))?)
        } else if let Some(whole) = parts::whole(path) {
            tape(Tape::stream(BundleParts::of(&whole)?, BlobSpool::new(scratch()?, MAX_SPOOLED))?)
        } else {
            let metadata = std::fs::metadata(path).at("read", path)?;
            if metadata.is_dir() {
                InputWay::Directory(Directory::open_existing(path.to_owned())?)
            } else {
                let file = std::fs::File::open(path).at("read", path)?;
                let spool = BlobSpool::new(scratch()?, MAX_SPOOLED);
                tape(if metadata.is_file() { Tape::file(file, spool)? } else { Tape::stream(file, spool)? })
            }
        };
        let (blobs, seen, held) = (HashMap::new(), HashSet::new(), budget.hold(0)?);
        Ok(Self {
            budget,
            way,
            index: None,
            wrapped: WrappedChart::default(),
            has_marker: false,
            has_failed: false,
            blobs,
            seen,
            wanted: None,
            held,
        })
    }

    /// The index, and the digest of its text.
    pub fn index(&mut self) -> Result<(LayoutIndex, Digest), BundleError> {
        let range = match &self.way {
            InputWay::Directory(directory) => file(directory, "index.json")?,
            InputWay::Tape { tape, .. } => {
                // A file is looked through before anything is made of it.
                let is_file = matches!(tape, Tape::File { .. });
                while (is_file || self.index.is_none()) && self.advance()?.is_some() {}
                self.index.clone()
            }
        };
        let range = range.ok_or(BundleError::NoIndex)?;
        if range.size() > MAX_INDEX {
            let (what, size, limit) = ("index.json".to_owned(), range.size(), MAX_INDEX);
            return Err(BundleError::TooLarge { what, size, limit });
        }
        self.held.grow(range.size() * UNDERSTOOD)?;
        let text_held = self.budget.hold(range.size())?;
        let mut text = Vec::new();
        range.read().read_to_end(&mut text).map_err(BundleError::Read)?;
        let index = LayoutIndex::parse(&text)?;
        drop(text_held);
        Ok((index, Digest::of(&text)))
    }

    /// The chart of an archive that is no layout, as `dt wrap` makes them; none if it is not one of these either.
    pub fn wrapped(&mut self) -> Result<Option<WrappedChart>, BundleError> {
        self.finish()?;
        Ok((self.index.is_none() && self.wrapped.is_chart()).then(|| std::mem::take(&mut self.wrapped)))
    }

    /// What it has under this digest, which need not be what it says.
    pub fn blob(&mut self, digest: &Digest) -> Result<Option<FileRange>, BundleError> {
        if let InputWay::Directory(directory) = &self.way {
            return file(directory, &blob_path(digest));
        }
        loop {
            if let Some(range) = self.blobs.get(digest) {
                return Ok(Some(range.clone()));
            }
            if self.advance()?.is_none() {
                return Ok(None);
            }
        }
    }

    /// Whether blobs that come before they are needed take a place of their own.
    pub fn is_stream(&self) -> bool {
        matches!(self.way, InputWay::Tape { tape: Tape::Stream { .. }, .. })
    }

    /// Only these blobs will be asked for, beside those that were passed already.
    pub fn expect(&mut self, wanted: HashSet<Digest>) {
        self.wanted = Some(wanted);
    }

    /// The blob is not needed any more.
    pub fn release(&mut self, digest: &Digest) {
        if let InputWay::Tape { tape: Tape::Stream { spool, .. }, .. } = &mut self.way
            && self.blobs.remove(digest).is_some()
        {
            spool.release();
        }
    }

    /// All of a small blob, verified: a manifest, a config. None where it is not there.
    pub fn small(&mut self, descriptor: &Descriptor, limit: u64) -> Result<Option<Vec<u8>>, BundleError> {
        let Some(range) = self.blob(&descriptor.digest)? else { return Ok(None) };
        let size = descriptor.size;
        if size > limit {
            return Err(BundleError::TooLarge { what: format!("blob {}", descriptor.digest), size, limit });
        }
        let mut bytes = Vec::new();
        match range.verified(&descriptor.digest, size).read_to_end(&mut bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) if Mismatch::in_error(&error).is_some() => {
                Err(BundleError::Damaged(descriptor.digest.clone()))
            }
            Err(error) => Err(BundleError::Read(error)),
        }
    }

    /// Reads on to the end, so that what is wrong there is told.
    pub fn finish(&mut self) -> Result<(), BundleError> {
        if let InputWay::Tape { .. } = self.way {
            while self.advance()?.is_some() {}
        }
        Ok(())
    }

    /// All digests that it has blobs under.
    pub fn digests(&mut self) -> Result<Vec<Digest>, BundleError> {
        self.finish()?;
        Ok(self.seen.iter().cloned().collect())
    }

    /// Whether something is wrong with the archive itself.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Goes on to the next file of an archive, and says whether there was one.
    fn advance(&mut self) -> Result<Option<()>, BundleError> {
        if self.has_failed {
            return Err(BundleError::Cut);
        }
        let advanced = self.next();
        self.has_failed = advanced.is_err();
        advanced
    }

    fn next(&mut self) -> Result<Option<()>, BundleError> {
        let InputWay::Tape { tape, entries, is_over } = &mut self.way else { return Ok(None) };
        if *is_over {
            return Ok(None);
        }
        let next = match tape {
            Tape::File { reader, .. } => entries.next(reader, self.budget),
            Tape::Stream { reader, .. } => entries.next(reader, self.budget),
        };
        let Some(entry) = next.map_err(cut)? else {
            *is_over = true;
            return Ok(None);
        };
        if entry.is_directory {
            return Ok(Some(()));
        }
        match LayoutFile::at(&entry.path) {
            LayoutFile::Marker if !self.has_marker => {
                self.has_marker = true;
                tape.skip(&entry)?;
            }
            LayoutFile::Index if self.index.is_none() => self.index = Some(tape.keep(&entry)?),
            LayoutFile::Blob(digest) if self.seen.insert(digest.clone()) => {
                self.held.grow(REMEMBERED)?;
                let is_stream = matches!(tape, Tape::Stream { .. });
                let is_wanted = self.wanted.as_ref().is_none_or(|wanted| wanted.contains(&digest));
                if is_stream && (!is_wanted || entry.size > MAX_ATTACHED_BLOB) {
                    tape.skip(&entry)?;
                } else {
                    self.blobs.insert(digest, tape.keep(&entry)?);
                }
            }
            LayoutFile::Wrapped(path) if self.index.is_none() && !self.has_marker => {
                if self.wrapped.size() + entry.size > MAX_CHART {
                    let (what, size, limit) = ("chart".to_owned(), entry.size, MAX_CHART);
                    return Err(BundleError::TooLarge { what, size, limit });
                }
                self.held.grow(REMEMBERED)?;
                self.wrapped.add(&path, tape.keep(&entry)?)?;
            }
            LayoutFile::Wrapped(_) | LayoutFile::Other => tape.skip(&entry)?,
            _ => return Err(BundleError::Twice(entry.path)),
        }
        Ok(Some(()))
    }
}

/// An archive that ends in the midst of something was cut.
fn cut(error: crate::chart::ArchiveError) -> BundleError {
    match error {
        crate::chart::ArchiveError::Read(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            BundleError::Cut
        }
        error => error.into(),
    }
}

/// A file of a directory, if it is there. Nothing is reached through a link.
fn file(directory: &Directory, path: &str) -> Result<Option<FileRange>, BundleError> {
    let path = Path::new(path);
    let (parent, name) = (path.parent().unwrap_or(Path::new("")), path.file_name().unwrap_or_default());
    let open = |directory: &Directory| {
        let file = directory.file(name)?;
        Ok(file.map(|(file, size)| FileRange { file: Arc::new(file), offset: 0, size }))
    };
    match parent.as_os_str().is_empty() {
        true => open(directory),
        false => directory.below(parent)?.map_or(Ok(None), |directory| open(&directory)),
    }
}
