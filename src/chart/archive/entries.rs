//! The entries of a tar archive, one after the other. The tar crate parses the headers. Going from one to the next is
//! done here: its own reader takes two of every three cycles to skip what has been read already.

use std::io::{self, BufRead, Read};

use super::error::ArchiveError;
use crate::chart::exact::Exact;
use crate::disk::uninterrupted;

/// The size of a block (POSIX pax, "ustar Interchange Format").
const BLOCK: usize = 512;

/// The next header; none behind the last entry, whose end is a block of zeros or that of the archive.
pub(super) fn next_header(tar: &mut impl BufRead) -> Result<Option<tar::Header>, ArchiveError> {
    if uninterrupted(|| tar.fill_buf().map(<[u8]>::is_empty))? {
        return Ok(None);
    }
    let mut header = tar::Header::new_old();
    tar.read_exact(header.as_mut_bytes())?;
    if header.as_bytes().iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    // Of all bytes, those of the checksum itself as if they were blanks.
    let (before, rest) = header.as_bytes().split_at(148);
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    match sum(before) + 8 * u32::from(b' ') + sum(&rest[8..]) == header.cksum()? {
        true => Ok(Some(header)),
        false => Err(ArchiveError::Malformed("the checksum of a header is wrong")),
    }
}

/// The content of one entry: exactly as many bytes as its header says, or an error.
pub(super) struct Content<'a> {
    content: Exact<&'a mut dyn BufRead>,
    padding: u64,
}

impl<'a> Content<'a> {
    /// What follows the header.
    pub(super) fn new(tar: &'a mut dyn BufRead, size: u64) -> Self {
        let content = Exact { inner: tar, left: size };
        Self { content, padding: size.wrapping_neg() % BLOCK as u64 }
    }

    /// Goes to the next header, past what has not been read.
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

impl Read for Content<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.content.read(buffer)
    }
}
