//! Writes chart archives. Equal files make equal bytes.

use std::io::{self, Read, Write};

use super::archive::{ArchiveError, MAX_DEPTH, MAX_ENTRIES, limit, place};
use super::exact::Exact;

/// An error unless files with these paths can be packed below a directory called `name`, so that
/// [`super::archive::read`] accepts them. The paths must be sorted.
pub(super) fn check_packable<'a>(
    name: &str,
    paths: impl Iterator<Item = &'a str>,
) -> Result<(), ArchiveError> {
    let (mut before, mut whole) = ("", String::new());
    // Chart.yaml is not among the paths.
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

/// Writes the entries of an archive, with mode 0644, the owner 0, and the same modification time for all.
pub(super) struct Writer<W: Write> {
    tar: tar::Builder<W>,
    mtime: u64,
}

impl<W: Write> Writer<W> {
    /// Starts an archive. `mtime` is the time of all entries, in seconds since 1970.
    pub(super) fn new(out: W, mtime: u64) -> Self {
        let mut tar = tar::Builder::new(out);
        // This matters only for files that are appended by their path on the disk, and none is.
        tar.follow_symlinks(false);
        Self { tar, mtime }
    }

    /// Appends a file of exactly `size` bytes. An error if `content` has fewer.
    pub(super) fn append(&mut self, path: &str, size: u64, content: impl Read) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.mtime);
        header.set_size(size);
        // Without `Exact`, the tar crate would accept fewer bytes without an error.
        self.tar.append_data(&mut header, path, Exact { inner: content, left: size })
    }

    /// Writes the end-of-archive blocks, and returns the inner writer.
    pub(super) fn finish(self) -> io::Result<W> {
        self.tar.into_inner()
    }
}
