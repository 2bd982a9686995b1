//! Reads a layout: its index, and its blobs by their digests.

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

/// The largest index that is read, in bytes. That is enough for about forty thousand charts.
const MAX_INDEX: u64 = 16 << 20;
/// How many bytes of memory a parsed index takes for each byte of its text.
const UNDERSTOOD: u64 = 2;
/// How many bytes of memory it takes to remember a blob.
const REMEMBERED: u64 = 384;

/// A layout that is read: a directory, a tar archive, or a stream of one. Archives may be compressed with gzip.
pub struct BundleReader<'a> {
    budget: &'a Budget,
    way: InputWay,
    index: Option<FileRange>,
    /// The chart that the archive holds if it is one of `dt wrap`, and not a layout.
    wrapped: WrappedChart,
    has_marker: bool,
    /// Whether reading the archive failed. What follows in it cannot be understood then.
    has_failed: bool,
    blobs: HashMap<Digest, FileRange>,
    /// The digests of all blobs that were passed, to notice one that is there twice.
    seen: HashSet<Digest>,
    /// The blobs that the caller will ask for, if it has said so. The other blobs of a stream are not kept.
    wanted: Option<HashSet<Digest>>,
    held: HeldBudget<'a>,
}

enum InputWay {
    Directory(Directory),
    Tape { tape: Tape, entries: TarEntries, is_over: bool },
}

impl<'a> BundleReader<'a> {
    /// Opens the layout at a path; `-` is standard input. Blobs of a stream that come before they are needed wait in a
    /// file in the directory that `scratch` returns.
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

    /// Reads the index. Returns it with the digest of its text.
    pub fn index(&mut self) -> Result<(LayoutIndex, Digest), BundleError> {
        let range = match &self.way {
            InputWay::Directory(directory) => file(directory, "index.json")?,
            InputWay::Tape { tape, .. } => {
                // A regular file is read through first, so that damage shows before anything is done with the index.
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

    /// The chart in an archive of `dt wrap`, which is not a layout. None for other archives. Reads the archive to its
    /// end.
    pub fn wrapped(&mut self) -> Result<Option<WrappedChart>, BundleError> {
        self.finish()?;
        Ok((self.index.is_none() && self.wrapped.is_chart()).then(|| std::mem::take(&mut self.wrapped)))
    }

    /// The content that the layout has under this digest, unchecked; None if there is none. Reads on in an archive
    /// until it comes.
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

    /// Whether the layout comes as a stream, so that blobs which come early have to wait in a temporary file.
    pub fn is_stream(&self) -> bool {
        matches!(self.way, InputWay::Tape { tape: Tape::Stream { .. }, .. })
    }

    /// Announces that only these blobs will be asked for, apart from those that were passed already.
    pub fn expect(&mut self, wanted: HashSet<Digest>) {
        self.wanted = Some(wanted);
    }

    /// Announces that this blob of a stream is not needed any more.
    pub fn release(&mut self, digest: &Digest) {
        if let InputWay::Tape { tape: Tape::Stream { spool, .. }, .. } = &mut self.way
            && self.blobs.remove(digest).is_some()
        {
            spool.release();
        }
    }

    /// The bytes of a small blob such as a manifest or a config, checked against its descriptor. None if the blob is
    /// not there. An error if it is larger than `limit` or differs from the descriptor.
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

    /// Reads an archive to its end, so that errors there come to light. Does nothing for a directory.
    pub fn finish(&mut self) -> Result<(), BundleError> {
        if let InputWay::Tape { .. } = self.way {
            while self.advance()?.is_some() {}
        }
        Ok(())
    }

    /// The digests of all blobs of an archive, which is read to its end for that. Empty for a directory.
    pub fn digests(&mut self) -> Result<Vec<Digest>, BundleError> {
        self.finish()?;
        Ok(self.seen.iter().cloned().collect())
    }

    /// Whether reading the archive has failed.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Goes on to the next entry of the archive. None at its end.
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

/// Turns an unexpected end of the archive into [`BundleError::Cut`].
fn cut(error: crate::chart::ArchiveError) -> BundleError {
    match error {
        crate::chart::ArchiveError::Read(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            BundleError::Cut
        }
        error => error.into(),
    }
}

/// Opens a file at a path below a directory; None if it is not there. A symbolic link on the way is an error.
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
