//! A temporary file without a name, in which the blobs of a stream wait until they are needed.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::BundleError;
use super::range::FileRange;
use crate::disk::{AtPath as _, Directory, PathError, Temporary, temporary_name};

/// How many bytes are copied at once.
const BUFFER: usize = 64 << 10;

/// A file to which blobs are appended. It is made when the first blob comes.
pub(super) struct BlobSpool {
    directory: PathBuf,
    file: Option<Arc<File>>,
    end: u64,
    /// The most bytes that the file may have.
    most: u64,
    /// How many blobs in the file are still needed.
    waiting: usize,
}

impl BlobSpool {
    /// Prepares a spool in this directory, which must exist. It takes at most `most` bytes.
    pub(super) fn new(directory: PathBuf, most: u64) -> Self {
        Self { directory, file: None, end: 0, most, waiting: 0 }
    }

    /// Appends exactly `size` bytes that are read from `from`. An error if the spool would get too large, or if `from`
    /// ends early.
    pub(super) fn take(&mut self, size: u64, from: &mut dyn Read) -> Result<FileRange, BundleError> {
        if self.end.checked_add(size).is_none_or(|end| end > self.most) {
            return Err(BundleError::Spooled { limit: self.most });
        }
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => Arc::clone(self.file.insert(nameless(&self.directory)?)),
        };
        let (mut to, offset) = (&*file, self.end);
        to.seek(SeekFrom::Start(offset)).at("write into", &self.directory)?;
        let (mut buffer, mut left) = (vec![0; BUFFER], size);
        while left > 0 {
            let most = usize::try_from(left).map_or(BUFFER, |left| left.min(BUFFER));
            let part = buffer.get_mut(..most).unwrap_or_default();
            let read = match from.read(part) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(BundleError::Read)?,
            };
            if read == 0 {
                return Err(BundleError::Cut);
            }
            to.write_all(part.get(..read).unwrap_or_default()).at("write into", &self.directory)?;
            left -= read as u64;
        }
        self.end += size;
        self.waiting += 1;
        Ok(FileRange { file, offset, size })
    }

    /// Announces that one of the blobs is not needed any more. If none is, the file is emptied, and its space on the
    /// disk is free.
    pub(super) fn release(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
        if let (0, Some(file)) = (self.waiting, &self.file) {
            match file.set_len(0) {
                Ok(()) => self.end = 0,
                // The file keeps its space on the disk; nothing else is wrong.
                Err(error) => log::debug!("{}: {error}", self.directory.display()),
            }
        }
    }
}

/// Makes a file without a name. The system removes it when it is closed, even if the process is killed.
fn nameless(directory: &Path) -> Result<Arc<File>, PathError> {
    let open = Arc::new(Directory::open_existing(directory.to_path_buf())?);
    let named = Temporary::new(&open, || temporary_name("spool".as_ref())).at("write into", directory)?;
    Ok(Arc::clone(named.file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_has_a_limit() {
        let directory = tempfile::tempdir().unwrap();
        let mut spool = BlobSpool::new(directory.path().to_owned(), 10);
        let take = |spool: &mut BlobSpool, size: u64| {
            spool.take(size, &mut io::repeat(b'x')).map(|range| range.size())
        };
        assert_eq!(take(&mut spool, 6).unwrap(), 6);
        for size in [5, u64::MAX] {
            assert!(matches!(take(&mut spool, size), Err(BundleError::Spooled { limit: 10 })), "{size}");
        }
        assert_eq!(take(&mut spool, 4).unwrap(), 4);
        // As soon as no blob is needed any more there is room again.
        spool.release();
        assert!(take(&mut spool, 1).is_err());
        spool.release();
        assert_eq!(take(&mut spool, 10).unwrap(), 10);
    }
}
