//! Writing chart archives, so that equal files make equal bytes.

use std::io::{self, Read, Write};

use super::archive::{ArchiveError, MAX_DEPTH, MAX_ENTRIES, limit, place};
use super::exact::Exact;

/// Whether files with these paths can be packed below the directory `name` so that [`super::archive::read`] takes them back.
/// The paths are sorted.
pub(super) fn check_packable<'a>(
    name: &str,
    paths: impl Iterator<Item = &'a str>,
) -> Result<(), ArchiveError> {
    let (mut before, mut whole) = ("", String::new());
    // Chart.yaml is not among them.
    for (number, path) in std::iter::once("Chart.yaml").chain(paths).enumerate() {
        if number >= MAX_ENTRIES {
            return limit("the number of files", MAX_ENTRIES.to_string());
        }
        whole.clear();
        whole.extend([name, "/", path]);
        let refuse = |reason| Err(ArchiveError::Path { path: whole.clone(), reason });
        if let Err(reason) = place(whole.as_bytes(), false) {
            return refuse(reason);
        }
        if path.split('/').count() > MAX_DEPTH {
            return refuse("it is nested too deeply");
        }
        if path == before {
            return Err(ArchiveError::Duplicate(path.to_owned()));
        }
        before = path;
    }
    Ok(())
}

/// Writes the entries of an archive: mode 0644, no owner, one mtime for all.
pub(super) struct Writer<W: Write> {
    tar: tar::Builder<W>,
    mtime: u64,
}

impl<W: Write> Writer<W> {
    /// `mtime` is in seconds since 1970.
    pub(super) fn new(out: W, mtime: u64) -> Self {
        let mut tar = tar::Builder::new(out);
        // Only what is appended by path would be looked at; nothing is.
        tar.follow_symlinks(false);
        Self { tar, mtime }
    }

    /// Appends a file of exactly `size` bytes.
    pub(super) fn append(&mut self, path: &str, size: u64, content: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header.set_size(size);
        // The tar crate takes less than was said without an error.
        self.tar.append_data(&mut header, path, Exact { inner: content, left: size })
    }

    /// The writer, with the end-of-archive blocks written.
    pub(super) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }
}
