//! Reads a tar archive from a regular file, in which content can be skipped and found again, or from a stream.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;

use flate2::bufread::MultiGzDecoder;

use super::error::BundleError;
use super::range::FileRange;
use super::spool::BlobSpool;
use crate::chart::TarEntry;
use crate::disk::{read_at, uninterrupted};

const BUFFER: usize = 64 << 10;

/// The first bytes of a gzip member (RFC 1952 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// The first bytes of a zstd frame (RFC 8878 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A tar archive that is read from its beginning to its end.
pub(super) enum Tape {
    /// A regular file that is not compressed. Blobs are read at their place in it.
    File { reader: BufReader<FileAt>, size: u64 },
    /// Any other source: a pipe, parts, a compressed file. Blobs are copied into the spool.
    Stream { reader: Box<dyn BufRead + Send>, spool: BlobSpool },
}

/// A reader of a file with a position of its own.
pub(super) struct FileAt {
    file: Arc<File>,
    at: u64,
}

impl Read for FileAt {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = read_at(&self.file, buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Tape {
    /// An archive in a regular file, which may be compressed.
    pub(super) fn file(file: File, spool: BlobSpool) -> Result<Self, BundleError> {
        let size = file.metadata().map_err(BundleError::Read)?.len();
        let mut first = [0; ZSTD.len()];
        let read = read_at(&file, &mut first, 0).map_err(BundleError::Read)?;
        if first.get(..read).is_some_and(is_compressed) {
            return Self::stream(file, spool);
        }
        let file = FileAt { file: Arc::new(file), at: 0 };
        Ok(Self::File { reader: BufReader::with_capacity(BUFFER, file), size })
    }

    /// A stream that is read once from beginning to end, such as a pipe. It may be compressed.
    pub(super) fn stream(stream: impl Read + Send + 'static, spool: BlobSpool) -> Result<Self, BundleError> {
        let mut stream = BufReader::with_capacity(BUFFER, stream);
        let first = uninterrupted(|| {
            stream.fill_buf().map(|bytes| bytes.iter().take(4).copied().collect::<Vec<_>>())
        });
        let first = first.map_err(BundleError::Read)?;
        if first.starts_with(&ZSTD) {
            return Err(BundleError::Zstd);
        }
        let reader: Box<dyn BufRead + Send> = match first.starts_with(&GZIP) {
            true => Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(stream))),
            false => Box::new(stream),
        };
        Ok(Self::Stream { reader, spool })
    }

    /// Skips the content of an entry, and the padding that follows it.
    pub(super) fn skip(&mut self, entry: &TarEntry) -> Result<(), BundleError> {
        self.pass(entry.size)?;
        self.pass(entry.padding())
    }

    /// Reads past the content of an entry and its padding, and returns a range in which the content can be read later.
    pub(super) fn keep(&mut self, entry: &TarEntry) -> Result<FileRange, BundleError> {
        let range = match self {
            Self::File { reader, .. } => {
                let offset = position(reader);
                let range = FileRange { file: Arc::clone(&reader.get_ref().file), offset, size: entry.size };
                self.pass(entry.size)?;
                range
            }
            Self::Stream { reader, spool } => spool.take(entry.size, reader)?,
        };
        self.pass(entry.padding())?;
        Ok(range)
    }

    fn pass(&mut self, bytes: u64) -> Result<(), BundleError> {
        match self {
            Self::File { reader, size } => {
                let end = position(reader).checked_add(bytes).filter(|end| *end <= *size);
                let end = end.ok_or(BundleError::Cut)?;
                match usize::try_from(bytes) {
                    Ok(bytes) if bytes <= reader.buffer().len() => reader.consume(bytes),
                    _ => {
                        reader.consume(reader.buffer().len());
                        reader.get_mut().at = end;
                    }
                }
                Ok(())
            }
            Self::Stream { reader, .. } => {
                let passed = io::copy(&mut reader.take(bytes), &mut io::sink()).map_err(BundleError::Read)?;
                if passed == bytes { Ok(()) } else { Err(BundleError::Cut) }
            }
        }
    }
}

fn is_compressed(first: &[u8]) -> bool {
    first.starts_with(&GZIP) || first.starts_with(&ZSTD)
}

/// The offset in the file of the next byte that `reader` gives.
fn position(reader: &BufReader<FileAt>) -> u64 {
    reader.get_ref().at - reader.buffer().len() as u64
}
