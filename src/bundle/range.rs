//! A range of bytes in a file: the place of a blob in a bundle.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use crate::digest::{Digest, VerifiedReader};
use crate::disk::read_at;

/// A range of bytes in an open file. It can be read any number of times, and by several threads at once.
#[derive(Clone, Debug)]
pub struct FileRange {
    pub(super) file: Arc<File>,
    pub(super) offset: u64,
    pub(super) size: u64,
}

impl FileRange {
    /// The size of the range in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the bytes, unchecked.
    pub fn read(&self) -> impl Read + Send + use<> {
        RangeReader { file: Arc::clone(&self.file), at: self.offset, left: self.size }
    }

    /// Reads the bytes as content of this digest and size. If they are anything else, reading ends with an error (see
    /// [`VerifiedReader`]).
    pub fn verified(&self, digest: &Digest, size: u64) -> VerifiedReader<impl Read + Send + use<>> {
        VerifiedReader::new(self.read(), digest.clone(), size)
    }
}

struct RangeReader {
    file: Arc<File>,
    at: u64,
    left: u64,
}

impl Read for RangeReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let read = read_at(&self.file, buffer.get_mut(..most).unwrap_or_default(), self.at)?;
        self.at += read as u64;
        self.left -= read as u64;
        Ok(read)
    }
}
