//! Reads the files of a package, entry by entry.

use std::io::{BufRead as _, BufReader, Read};

use super::entries::{EntryContent, expect_end, next_header};
use super::error::{ArchiveError, limit, shown};
use super::header::{Header, HeaderKind};
use super::members::{Allowance, GzipMembers};
use super::names::place;
use super::seen::SeenPaths;
use super::waiting::WaitingHeader;
use crate::limits::{Budget, MAX_CHART, MAX_FILE};

/// How many files and directories a package may have. Real charts have up to a few hundred.
pub(crate) const MAX_ENTRIES: usize = 10_000;

/// How many levels of directories and subcharts a path may have.
pub(crate) const MAX_DEPTH: usize = 64;

const BUFFER: usize = 64 << 10;

/// How much memory reading takes, besides what is remembered: two buffers, and the window and tables of the
/// decompressor.
const READER: u64 = 2 * BUFFER as u64 + (64 << 10);

/// A file of an archive.
#[derive(Debug)]
pub(crate) struct File<'a> {
    /// The size of the content in bytes.
    pub(crate) size: u64,
    /// The path relative to the chart's directory, checked, separated by `/`.
    pub(crate) path: &'a str,
    /// Whether this path has come before, in another version of the same subchart.
    pub(crate) again: bool,
}

/// Reads the files of a gzipped chart archive of one or several gzip members.
///
/// `visit` is called with each file in the order of the archive, and with a reader of its content; what it does not
/// read is skipped. Memory for what is remembered is taken from `budget`, and decompressed bytes from `allowance`.
/// Returns the name of the top directory, which is `.` if all names begin with `./`.
pub(crate) fn read<E: From<ArchiveError>>(
    gzipped: &mut dyn Read,
    budget: &Budget,
    allowance: &Allowance,
    mut visit: impl FnMut(&File<'_>, &mut dyn Read) -> Result<(), E>,
) -> Result<String, E> {
    let _reader = budget.hold(READER).map_err(ArchiveError::from)?;
    let mut gzipped = BufReader::with_capacity(BUFFER, gzipped);
    // RFC 1952 2.3.1. All our readers return at least two bytes at once, unless there are no more.
    if !gzipped.fill_buf().map_err(ArchiveError::from)?.starts_with(&[0x1f, 0x8b]) {
        return Err(ArchiveError::NotGzip.into());
    }
    let tar = GzipMembers::new(gzipped, allowance).map_err(ArchiveError::from)?;
    let mut tar = BufReader::with_capacity(BUFFER, tar);
    let mut walk = ArchiveWalk::new(budget)?;
    while let Some(header) = next_header(&mut tar)? {
        let mut content = EntryContent::new(&mut tar, header.size);
        if let Some((path, again)) = walk.enter(&header, &mut content)? {
            visit(&File { path: &path, size: header.size, again }, &mut content)?;
        }
        content.skip().map_err(ArchiveError::from)?;
    }
    // Go stops at the second block of zeros. Without one it reads on, and finds what is no gzip member.
    if !expect_end(&mut tar)? && tar.get_ref().is_padded() {
        return Err(ArchiveError::from(super::members::no_header()).into());
    }
    Ok(walk.finish()?)
}

/// The content of the first file of a tar archive in memory; None if there is none, or the archive is refused.
pub(crate) fn first_file(tar: &[u8]) -> Option<&[u8]> {
    let budget = Budget::default();
    let mut walk = ArchiveWalk::new(&budget).ok()?;
    let mut rest = tar;
    while let Some(header) = next_header(&mut rest).ok()? {
        let behind = rest;
        let mut content = EntryContent::new(&mut rest, header.size);
        if walk.enter(&header, &mut content).ok()?.is_some() {
            return behind.get(..usize::try_from(header.size).ok()?);
        }
        content.skip().ok()?;
    }
    None
}

/// What is remembered of an archive from one entry to the next.
struct ArchiveWalk<'a> {
    budget: &'a Budget,
    /// The first component of all names.
    top: Option<String>,
    seen: SeenPaths<'a>,
    entries: usize,
    total: u64,
    /// The extension headers that have come for the next entry.
    waiting: WaitingHeader,
}

impl<'a> ArchiveWalk<'a> {
    fn new(budget: &'a Budget) -> Result<Self, ArchiveError> {
        Ok(Self {
            budget,
            top: None,
            seen: SeenPaths::new(budget)?,
            entries: 0,
            total: 0,
            waiting: WaitingHeader::default(),
        })
    }

    /// Checks an entry. Returns the path of a file and whether it has come before; None for directories and extensions.
    fn enter(
        &mut self,
        header: &Header,
        content: &mut EntryContent<'_>,
    ) -> Result<Option<(String, bool)>, ArchiveError> {
        if self.waiting.take(header, content, self.budget)? {
            return Ok(None);
        }
        // Extension headers are not counted: whether there are any depends on the length of the names.
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return limit("the number of entries", MAX_ENTRIES.to_string());
        }
        let name = self.waiting.name_of(header)?;
        let refuse = |reason| ArchiveError::path(&name, reason);
        if let HeaderKind::Other(kind) = header.kind {
            return Err(ArchiveError::Kind { path: shown(&name), kind });
        }
        let is_directory = header.kind == HeaderKind::Directory;
        let place = place(&name, is_directory).map_err(refuse)?;
        if place.below.is_empty() {
            return Ok(None);
        }
        if place.below.split('/').count() > MAX_DEPTH {
            return Err(refuse("it is nested too deeply"));
        }
        match &self.top {
            None => self.top = Some(place.top),
            Some(known) if *known == place.top => {}
            Some(_) => return Err(refuse("it is in another directory than the chart")),
        }
        if is_directory {
            self.seen.directory(&place.below)?;
            return Ok(None);
        }
        if header.size > MAX_FILE {
            return limit(format!("`{}`", shown(&name)), "5 MiB for one file");
        }
        self.total += header.size;
        if self.total > MAX_CHART {
            return limit("the chart", "100 MiB");
        }
        let again = self.seen.file(&place.below)?;
        Ok(Some((place.below, again)))
    }

    /// Ends the archive. Returns the name of the top directory. An error if there were no files.
    fn finish(self) -> Result<String, ArchiveError> {
        self.waiting.finish()?;
        match self.top {
            Some(top) if self.seen.has_files() => Ok(top),
            _ => Err(ArchiveError::malformed("there are no files in it")),
        }
    }
}
