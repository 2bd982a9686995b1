//! Reads the entries of a tar archive that is not a chart, by the same rules: what programs would read in different
//! ways is refused.

use std::io::BufRead;

use super::entries::{EntryContent, expect_end, next_header};
use super::error::{ArchiveError, shown};
use super::header::{BLOCK, HeaderKind};
use super::names::check_name;
use super::waiting::WaitingHeader;
use crate::limits::Budget;

/// A file or directory of a tar archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TarEntry {
    /// Its path, relative, and without `./` in front and without `..`.
    pub path: String,
    /// The size of its content in bytes.
    pub size: u64,
    /// Whether it is a directory, which has no content.
    pub is_directory: bool,
}

impl TarEntry {
    /// How many bytes of padding follow the content.
    pub fn padding(&self) -> u64 {
        self.size.wrapping_neg() % BLOCK as u64
    }
}

/// Goes through a tar archive, from header to header. The caller must read an entry's content and padding before it asks
/// for the next entry.
#[derive(Default)]
pub struct TarEntries {
    waiting: WaitingHeader,
}

impl TarEntries {
    /// Reads the header of the next file or directory, whose content follows in `tar`. None at the end of the archive,
    /// after which there may be only zeros. Anything else than files and directories is an error. Memory for headers is
    /// taken from `budget` while they are read.
    pub fn next(
        &mut self,
        tar: &mut impl BufRead,
        budget: &Budget,
    ) -> Result<Option<TarEntry>, ArchiveError> {
        while let Some(header) = next_header(tar)? {
            let mut content = EntryContent::new(tar, header.size);
            if self.waiting.take(&header, &mut content, budget)? {
                content.skip()?;
                continue;
            }
            let name = self.waiting.name_of(&header)?;
            if let HeaderKind::Other(kind) = header.kind {
                return Err(ArchiveError::Kind { path: shown(&name), kind });
            }
            let is_directory = header.kind == HeaderKind::Directory;
            let path = check_name(&name).map_err(|reason| ArchiveError::path(&name, reason))?;
            if path.ends_with('/') && !is_directory {
                return Err(ArchiveError::path(&name, "it is a file and has the name of a directory"));
            }
            return Ok(Some(TarEntry { path: path.to_owned(), size: header.size, is_directory }));
        }
        self.waiting.finish()?;
        // Both blocks of zeros must be there: without the second one, the archive may have been cut at this place.
        match expect_end(tar)? {
            true => Ok(None),
            false => Err(ArchiveError::malformed("it is cut short")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    fn entries(tar: &[u8]) -> Result<Vec<(String, u64)>, String> {
        let (budget, mut entries, mut rest, mut found) =
            (Budget::default(), TarEntries::default(), tar, Vec::new());
        while let Some(entry) = entries.next(&mut rest, &budget).map_err(|error| error.to_string())? {
            let mut content = Vec::new();
            let skipped = entry.size + entry.padding();
            (&mut rest).take(skipped).read_to_end(&mut content).unwrap();
            found.push((entry.path, entry.size));
        }
        Ok(found)
    }

    fn tar(files: &[(&str, tar::EntryType)]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind) in files {
            let mut header = tar::Header::new_ustar();
            header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o644);
            header.set_size(if kind.is_file() { 3 } else { 0 });
            header.set_cksum();
            builder.append(&header, if kind.is_file() { &b"abc"[..] } else { b"" }).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn files_and_directories_are_told_and_all_else_is_refused() {
        use tar::EntryType as E;
        let good = tar(&[("./blobs/", E::Directory), ("./blobs/a", E::Regular), ("index.json", E::Regular)]);
        let expected = [("blobs/", 0), ("blobs/a", 3), ("index.json", 3)].map(|(p, s)| (p.to_owned(), s));
        assert_eq!(entries(&good), Ok(expected.to_vec()));
        for (name, kind, reason) in [
            ("blobs/a", E::Symlink, "`blobs/a` is a symbolic link"),
            ("blobs/a", E::Link, "`blobs/a` is a hard link"),
            ("blobs/a", E::Fifo, "`blobs/a` is a fifo"),
            ("../a", E::Regular, "the path `../a` is refused"),
            ("blobs/../../a", E::Regular, "the path `blobs/../../a` is refused"),
            ("/a", E::Regular, "the path `/a` is refused"),
            ("a\\b", E::Regular, "the path `a\\b` is refused"),
            ("a/", E::Regular, "is refused"),
        ] {
            let error = entries(&tar(&[(name, kind)])).unwrap_err();
            assert!(error.contains(reason), "{name}: {error}");
        }
        for cut in [good.len() - 512, good.len() - 1024, good.len() - 1] {
            assert!(entries(&good[..cut]).is_err(), "{cut}");
        }
        let mut more = good;
        more.extend(b"more");
        assert!(entries(&more).unwrap_err().contains("data after the end"));
    }
}
