//! Reads the entries of a tar archive, block by block.

use std::io::{self, BufRead, Read};

use super::error::ArchiveError;
use super::header::{self, BLOCK, Header};
use crate::chart::exact::Exact;
use crate::disk::uninterrupted;

/// Reads the next header. None at the end of the archive: at a block of zeros, or if there is nothing more.
pub(super) fn next_header(tar: &mut impl BufRead) -> Result<Option<Header>, ArchiveError> {
    if uninterrupted(|| tar.fill_buf().map(<[u8]>::is_empty))? {
        return Ok(None);
    }
    let mut block = [0; BLOCK];
    tar.read_exact(&mut block)?;
    if block.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    header::parse(&block).map(Some).map_err(|reason| match reason {
        header::WRONG_CHECKSUM => ArchiveError::Malformed(reason.into()),
        _ => ArchiveError::entry(
            &block[..block.iter().position(|byte| *byte == 0).unwrap_or(100).min(100)],
            reason,
        ),
    })
}

/// Reads to the end, after the last entry or after the first of the two blocks of zeros that end an archive. GNU tar
/// pads with zeros to the size of its records; anything else is an error, as some readers would take it for another
/// archive. The second block may be missing, but must not be cut. Returns whether it was there.
pub(super) fn expect_end(tar: &mut impl BufRead) -> Result<bool, ArchiveError> {
    let mut zeros = 0;
    loop {
        let is_zero = |rest: &[u8]| (rest.len(), rest.iter().all(|byte| *byte == 0));
        match uninterrupted(|| tar.fill_buf().map(is_zero))? {
            (0, _) if (1..BLOCK).contains(&zeros) => {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            (0, _) => return Ok(zeros >= BLOCK),
            (read, true) => {
                zeros += read;
                tar.consume(read);
            }
            _ => return Err(ArchiveError::Trailing),
        }
    }
}

/// The content of an entry: exactly as many bytes as its header says, or an error.
pub(super) struct EntryContent<'a> {
    content: Exact<&'a mut dyn BufRead>,
    padding: u64,
}

impl<'a> EntryContent<'a> {
    /// The content that follows a header, of this size.
    pub(super) fn new(tar: &'a mut dyn BufRead, size: u64) -> Self {
        let content = Exact { inner: tar, left: size };
        Self { content, padding: size.wrapping_neg() % BLOCK as u64 }
    }

    /// Skips what was not read of the content, and the padding.
    pub(super) fn skip(self) -> io::Result<()> {
        let Exact { inner: tar, left } = self.content;
        let mut left = left.checked_add(self.padding).ok_or(io::ErrorKind::InvalidData)?;
        while left > 0 {
            let there = uninterrupted(|| tar.fill_buf().map(<[u8]>::len))?;
            let skipped = usize::try_from(left).map_or(there, |left| left.min(there));
            if skipped == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            tar.consume(skipped);
            left -= skipped as u64;
        }
        Ok(())
    }
}

impl Read for EntryContent<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}
