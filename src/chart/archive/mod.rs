//! Chart archives: reading strangers' tar files by rules that refuse and never repair. Which entries there may be, and
//! what their names may look like, is decided here.

mod entries;
mod error;
mod paths;

use std::io::{self, BufRead as _, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

use self::entries::{Content, next_header};
pub use self::error::ArchiveError;
pub(super) use self::error::limit;
use self::paths::Paths;
use crate::disk::uninterrupted;
use crate::limits::{Budget, Held, MAX_CHART, MAX_FILE, OverBudget};
use crate::terminal;

/// Real charts have up to a few hundred files.
pub(super) const MAX_ENTRIES: usize = 10_000;
/// A path longer than this cannot be written under a directory of reasonable depth (PATH_MAX is 4096).
const MAX_PATH: usize = 1024;
/// All paths together, which are kept: ten thousand of the longest would be 10 MiB, more than once.
const MAX_PATHS: usize = 2 << 20;
/// Nesting of subcharts and directories.
pub(super) const MAX_DEPTH: usize = 64;
/// A long name or a PAX header is little more than a path.
const MAX_EXTENSION: u64 = 64 << 10;
const BUFFER: usize = 64 << 10;

/// One file of an archive.
#[derive(Debug)]
pub(super) struct File<'a> {
    /// In bytes.
    pub(super) size: u64,
    /// Its path below the chart's directory, checked, separated by `/`.
    pub(super) path: &'a str,
}

/// Walks through the files of a gzipped chart archive, one gzip member or several.
///
/// `visit` gets every file in the order of the archive, with its size and a reader of its content; what it leaves unread
/// is skipped. What is remembered of the archive while it is read is taken from `budget`. Returns the name of the top
/// directory.
pub(super) fn read<E: From<ArchiveError>>(
    gzipped: &mut dyn Read,
    budget: &Budget,
    mut visit: impl FnMut(&File<'_>, &mut dyn Read) -> Result<(), E>,
) -> Result<String, E> {
    let mut gzipped = BufReader::with_capacity(BUFFER, gzipped);
    // RFC 1952 2.3.1. No reader of ours gives less than two bytes at once, unless there are no more.
    if !gzipped.fill_buf().map_err(ArchiveError::from)?.starts_with(&[0x1f, 0x8b]) {
        return Err(ArchiveError::NotGzip.into());
    }
    let tar = Counted { inner: MultiGzDecoder::new(gzipped), left: MAX_CHART + (32 << 20) };
    let mut tar = BufReader::with_capacity(BUFFER, tar);
    let mut walk = Walk::new(budget).map_err(ArchiveError::from)?;
    while let Some(header) = next_header(&mut tar)? {
        let size = header.entry_size().map_err(ArchiveError::from)?;
        let mut content = Content::new(&mut tar, size);
        if let Some(path) = walk.enter(&header, size, &mut content)? {
            visit(&File { path: &path, size }, &mut content)?;
        }
        content.skip().map_err(ArchiveError::from)?;
    }
    loop {
        let rest =
            uninterrupted(|| tar.fill_buf().map(|rest| (rest.len(), rest.iter().all(|byte| *byte == 0))));
        match rest.map_err(ArchiveError::from)? {
            (0, _) => break,
            // GNU tar pads with zeros to its block size.
            (read, true) => tar.consume(read),
            _ => return Err(ArchiveError::Trailing.into()),
        }
    }
    Ok(walk.top.ok_or(ArchiveError::Malformed("there are no files in it"))?)
}

/// Stops a decompression bomb: headers count, too, so there is some room beyond the files' own limit.
struct Counted<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buf)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            let what = "the decompressed archive".to_owned();
            io::Error::other(ArchiveError::Limit { what, limit: "100 MiB".to_owned() })
        })?;
        Ok(read)
    }
}

/// What is remembered from entry to entry.
struct Walk<'a> {
    /// For the paths.
    held: Held<'a>,
    top: Option<String>,
    seen: Paths,
    /// The directory of the file before: what holds for it holds for the next one in it.
    directory: String,
    paths: usize,
    entries: usize,
    total: u64,
    long_name: Option<Vec<u8>>,
}

impl<'a> Walk<'a> {
    fn new(budget: &'a Budget) -> Result<Self, OverBudget> {
        Ok(Self {
            held: budget.hold(0)?,
            top: None,
            seen: Paths::default(),
            directory: String::new(),
            paths: 0,
            entries: 0,
            total: 0,
            long_name: None,
        })
    }

    /// The path of a file, or nothing for what is not one but may be there.
    fn enter(
        &mut self,
        header: &tar::Header,
        size: u64,
        content: &mut Content<'_>,
    ) -> Result<Option<String>, ArchiveError> {
        use tar::EntryType;
        let kind = match header.entry_type() {
            EntryType::XGlobalHeader => return Ok(None),
            EntryType::GNULongName => {
                let mut name = extension(content, size)?;
                while name.last() == Some(&0) {
                    name.pop();
                }
                self.long_name = Some(name);
                return Ok(None);
            }
            EntryType::XHeader => {
                self.take_pax(&extension(content, size)?)?;
                return Ok(None);
            }
            EntryType::Regular | EntryType::Continuous => None,
            EntryType::Directory => Some(""),
            EntryType::Symlink => Some("a symbolic link"),
            EntryType::Link | EntryType::GNULongLink => Some("a hard link"),
            EntryType::Char | EntryType::Block => Some("a device"),
            EntryType::Fifo => Some("a fifo"),
            EntryType::GNUSparse => Some("a sparse file"),
            _ => Some("something unknown"),
        };
        // Headers that only name the next entry do not count: the length of names decides how many there are.
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return limit("the number of entries", MAX_ENTRIES.to_string());
        }
        let raw = self.long_name.take().unwrap_or_else(|| header.path_bytes().into_owned());
        let shown = || String::from_utf8_lossy(&raw[..raw.len().min(MAX_PATH)]).into_owned();
        let refuse = |reason| Err(ArchiveError::Path { path: shown(), reason });
        let Ok(path) = std::str::from_utf8(&raw) else { return refuse("it is not UTF-8") };
        if let Err(reason) = check_path(path) {
            return refuse(reason);
        }
        let mut components = path.split('/').filter(|c| !matches!(*c, "" | "."));
        let Some(top) = components.next() else {
            // `./` of `tar -C chart .`
            return if kind == Some("") { Ok(None) } else { refuse("it has no name") };
        };
        match kind {
            Some("") => return Ok(None),
            Some(kind) => return Err(ArchiveError::Kind { path: shown(), kind }),
            None => {}
        }
        let (mut below, mut depth) = (String::with_capacity(path.len()), 0);
        for component in components {
            if depth > 0 {
                below.push('/');
            }
            below.push_str(component);
            depth += 1;
        }
        if depth == 0 {
            return refuse("it is not inside the chart's directory");
        }
        if depth > MAX_DEPTH {
            return refuse("it is nested too deeply");
        }
        match &self.top {
            None => self.top = Some(top.to_owned()),
            Some(known) if known == top => {}
            Some(_) => return refuse("it is in another directory than the chart"),
        }
        if size > MAX_FILE {
            return limit(format!("`{}`", shown()), "5 MiB for one file");
        }
        self.total += size;
        if self.total > MAX_CHART {
            return limit("the chart", "100 MiB");
        }
        self.held.grow(below.len() as u64)?;
        self.paths += below.len();
        if self.paths > MAX_PATHS {
            return limit("all paths together", "2 MiB");
        }
        if self.is_file_and_directory(&below) {
            return refuse("it is a file and a directory");
        }
        if !self.seen.insert(below.clone()) {
            return Err(ArchiveError::Duplicate(below));
        }
        Ok(Some(below))
    }

    /// Whether another entry needs this path for a directory, or this one the path of another.
    fn is_file_and_directory(&mut self, path: &str) -> bool {
        if self.seen.has_below(path) {
            return true;
        }
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        if directory != self.directory {
            let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
            if above.any(|directory| self.seen.contains(directory)) {
                return true;
            }
            directory.clone_into(&mut self.directory);
        }
        false
    }

    /// The one PAX record that matters is the path. A size that contradicts the header would make two readers see
    /// two archives (RUSTSEC-2026-0068), and sparse files are zeros without end.
    fn take_pax(&mut self, header: &[u8]) -> Result<(), ArchiveError> {
        for record in tar::PaxExtensions::new(header) {
            let record = record?;
            match record.key_bytes() {
                b"path" => self.long_name = Some(record.value_bytes().to_vec()),
                b"size" => return Err(ArchiveError::Malformed("a PAX header gives a size of its own")),
                b"linkpath" => return Err(ArchiveError::Malformed("a PAX header gives a link")),
                key if key.starts_with(b"GNU.sparse.") => {
                    return Err(ArchiveError::Malformed("a PAX header describes a sparse file"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn extension(content: &mut Content<'_>, size: u64) -> Result<Vec<u8>, ArchiveError> {
    if size > MAX_EXTENSION {
        return limit("a header of the archive", "64 KiB");
    }
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What a path in a chart must not be, before it is taken apart (Helm's LoadArchiveFiles, and stricter: Helm takes a
/// backslash for a separator, we refuse it).
pub(super) fn check_path(path: &str) -> Result<(), &'static str> {
    if path.len() > MAX_PATH {
        return Err("it is longer than 1024 bytes");
    }
    let (mut longest, mut leaves) = (0, false);
    for component in path.as_bytes().split(|byte| *byte == b'/') {
        longest = longest.max(component.len());
        leaves |= component == b"..";
    }
    // NAME_MAX: no file system that matters has a longer one.
    if longest > 255 {
        return Err("a name in it is longer than 255 bytes");
    }
    // Nearly every path is of nothing but these.
    if !path.bytes().all(|byte| matches!(byte, b' '..=b'[' | b']'..=b'~')) {
        if path.contains('\\') {
            return Err("it contains a backslash");
        }
        if path.contains(terminal::drives) {
            return Err("it contains control characters");
        }
    }
    if path.starts_with('/') {
        return Err("it is absolute");
    }
    if leaves {
        return Err("it leaves the chart's directory");
    }
    // With its separator, as in Helm: `a:b` is a name like others.
    if let [letter, b':', b'/', ..] = path.as_bytes()
        && letter.is_ascii_alphabetic()
    {
        return Err("it begins with a drive letter");
    }
    Ok(())
}
