//! Writes the gzip stream of the content archive: one member whose blocks are compressed on all cores.
//!
//! A content blob is addressed by the digest of these bytes, so they may depend only on the bytes that go in: not on
//! the machine, the number of its cores, or the pieces in which the bytes arrive. Therefore the input is cut into
//! blocks of one size. Each block is compressed by itself, by an encoder that gets all of it at once, and ends with a
//! full flush (RFC 1951 3.2.4: an empty stored block). Such blocks in a row are one deflate stream, as pigz makes it.
//!
//! zlib-rs chooses instructions by the CPU, but only to compare bytes and to move tables, so its output does not depend
//! on that.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::threads::{self, Pool, Task, locked};

/// The name of this way to compress. A change that makes other bytes must change it.
pub(super) const FORMAT: &str = "content 1";
/// The header of the member (RFC 1952 2.3): magic number, deflate, no flags, no time, no hint about the compressor, and
/// an unknown system, as Go writes it.
pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// The size of a block in bytes. Another size makes other bytes. Most charts are one block; those of many lose 2 % of
/// the compression.
const BLOCK: usize = 256 << 10;
/// The level of compression. For real charts the result is 0.7 % larger than with 6, the default of Go and gzip, and
/// takes a fifth less time.
const LEVEL: u32 = 5;
/// The most threads that compress. With more of them, reading the files takes the time.
const MAX_THREADS: usize = 8;

/// The threads that compress blocks.
static COMPRESSING: Pool = Pool::new();

/// A writer that compresses what is written into it.
pub(super) struct Gzip<W: Write> {
    out: W,
    /// The block that is being filled.
    block: Block,
    checksum: Crc,
    /// How many threads compress. It is set when there is a second block.
    threads: Option<usize>,
    encoders: Arc<Encoders>,
    /// The blocks that are being compressed, in their order.
    running: VecDeque<Task<io::Result<Block>>>,
}

impl<W: Write> Gzip<W> {
    /// Writes the header of the member.
    pub(super) fn new(out: W) -> io::Result<Self> {
        Self::with_threads(out, None)
    }

    fn with_threads(mut out: W, threads: Option<usize>) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let (block, checksum) = (Block::new(), Crc::new());
        Ok(Self { out, block, checksum, threads, encoders: Arc::default(), running: VecDeque::new() })
    }

    /// Compresses what is left, and writes the end of the member. Returns the inner writer.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.block.deflate(&self.encoders, FlushCompress::Finish)?;
        while self.take_oldest()?.is_some() {}
        self.block.write_into(&mut self.out, &mut self.checksum)?;
        self.out.write_all(&trailer(&self.checksum))?;
        Ok(self.out)
    }

    /// Starts to compress a full block, which is not the last one.
    fn end_block(&mut self) -> io::Result<()> {
        let threads = *self.threads.get_or_insert_with(|| threads::cores().min(MAX_THREADS));
        if threads == 1 {
            self.block.deflate(&self.encoders, FlushCompress::Full)?;
            return self.block.write_into(&mut self.out, &mut self.checksum);
        }
        // There are twice as many blocks as threads. Several blocks are done at about the same time, and no thread
        // should wait until new ones are filled.
        let next = if self.running.len() > 2 * threads { self.take_oldest()? } else { None };
        let mut block = std::mem::replace(&mut self.block, next.unwrap_or_else(Block::new));
        let encoders = Arc::clone(&self.encoders);
        let compressed = move || block.deflate(&encoders, FlushCompress::Full).map(|()| block);
        self.running.push_back(COMPRESSING.spawn(threads, compressed));
        Ok(())
    }

    /// Waits for the oldest block and writes it. Returns it to be filled again; None if no block is being compressed.
    fn take_oldest(&mut self) -> io::Result<Option<Block>> {
        let Some(task) = self.running.pop_front() else { return Ok(None) };
        let block = task.join()?;
        block.write_into(&mut self.out, &mut self.checksum)?;
        Ok(Some(block))
    }
}

/// Encoders that are not in use. Each takes a third of a megabyte; there are only as many as are used at once.
#[derive(Default)]
struct Encoders(Mutex<Vec<Compress>>);

impl Encoders {
    fn with<T>(&self, work: impl FnOnce(&mut Compress) -> T) -> T {
        let idle = || locked(&self.0);
        let known = idle().pop();
        let mut encoder = known.unwrap_or_else(|| Compress::new(Compression::new(LEVEL), false));
        let result = work(&mut encoder);
        idle().push(encoder);
        result
    }
}

/// A block of the input and its compressed form. Its memory is used again for other blocks.
struct Block {
    content: Vec<u8>,
    checksum: Crc,
    compressed: Vec<u8>,
}

impl Block {
    fn new() -> Self {
        // Memory that is reserved and never written takes no room.
        Self { content: Vec::with_capacity(BLOCK), checksum: Crc::new(), compressed: Vec::new() }
    }

    /// Appends as many of the bytes as there is room for, and returns how many.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(BLOCK - self.content.len());
        self.content.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Compresses the content, and then empties it.
    fn deflate(&mut self, encoders: &Encoders, flush: FlushCompress) -> io::Result<()> {
        self.checksum.reset();
        self.checksum.update(&self.content);
        self.compressed.clear();
        // More than deflate can add to content that does not compress.
        self.compressed.reserve(self.content.len() + self.content.len() / 8 + 256);
        encoders.with(|encoder| {
            encoder.reset();
            let status = encoder.compress_vec(&self.content, &mut self.compressed, flush)?;
            let ended = match flush {
                FlushCompress::Finish => status == Status::StreamEnd,
                _ => self.compressed.len() < self.compressed.capacity(),
            };
            if !ended || encoder.total_in() != self.content.len() as u64 {
                return Err(io::Error::other("the compressor did not take all of a block"));
            }
            self.content.clear();
            Ok(())
        })
    }

    fn write_into(&self, out: &mut impl Write, checksum: &mut Crc) -> io::Result<()> {
        checksum.combine(&self.checksum);
        out.write_all(&self.compressed)
    }
}

impl<W: Write> Write for Gzip<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.is_empty() {
            return Ok(0);
        }
        // Only now is it known that another block follows.
        if self.block.content.len() == BLOCK {
            self.end_block()?;
        }
        Ok(self.block.fill(bytes))
    }

    /// Flushes the inner writer only: a block that is not full stays, since its bytes must not depend on flushes.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The end of a member (RFC 1952 2.3.1): the checksum and the length of the content.
pub(super) fn trailer(checksum: &Crc) -> [u8; 8] {
    let mut trailer = [0; 8];
    trailer[..4].copy_from_slice(&checksum.sum().to_le_bytes());
    trailer[4..].copy_from_slice(&checksum.amount().to_le_bytes());
    trailer
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::digest::Digest;

    /// Random words, as a chart might have; the same on every machine.
    fn text(size: usize) -> Vec<u8> {
        let words = ["replicas:", " ", "\n", "{{ .Values.", "image", " }}", "labels:", "app", "0", "#"];
        let mut state = 1u32;
        let mut text = Vec::new();
        while text.len() < size {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend(words[(state >> 16) as usize % words.len()].bytes());
        }
        text.truncate(size);
        text
    }

    /// Bytes that cannot be compressed.
    fn noise(size: usize) -> Vec<u8> {
        let mut state = 1u64;
        let next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(size).collect()
    }

    fn gzip(content: &[u8], threads: Option<usize>, piece: usize) -> Vec<u8> {
        let mut gzip = Gzip::with_threads(Vec::new(), threads).unwrap();
        for piece in content.chunks(piece) {
            gzip.write_all(piece).unwrap();
        }
        gzip.finish().unwrap()
    }

    #[test]
    fn content_alone_decides_the_bytes() {
        for content in [text(5 * BLOCK + 17), noise(3 * BLOCK)] {
            let expected = gzip(&content, Some(1), content.len());
            for (threads, piece) in
                [(Some(1), 4093), (Some(2), BLOCK), (Some(3), 8192), (Some(16), BLOCK + 1), (None, 1)]
            {
                assert!(gzip(&content, threads, piece) == expected, "{threads:?} threads, pieces of {piece}");
            }
        }
    }

    #[test]
    fn comes_back_as_one_member() {
        for size in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 4 * BLOCK + 5] {
            for content in [text(size), noise(size), vec![0; size]] {
                let gzipped = gzip(&content, Some(2), 8192);
                let mut read = Vec::new();
                let mut decoder = flate2::bufread::GzDecoder::new(gzipped.as_slice());
                decoder.read_to_end(&mut read).unwrap();
                assert!(read == content, "{size}");
                assert!(decoder.into_inner().is_empty(), "{size}");
            }
        }
    }

    /// Charts are identified by digests of these bytes. If this test fails, charts that were saved before would get
    /// other digests.
    #[test]
    fn the_bytes_never_change() {
        let contents = [Vec::new(), text(1000), text(3 * BLOCK + 1), noise(BLOCK + 1000), vec![0; 2 * BLOCK]];
        let digests = contents.map(|content| Digest::of(&gzip(&content, None, 8192)).to_string());
        assert_eq!(
            digests,
            [
                "sha256:ac73670af3abed54ac6fb4695131f4099be9fbe39d6076c5d0264a6bbdae9d83",
                "sha256:f13d1e5f33b3dcfb18f0bc7189776338eb56a60e830f7ffa18c6775d386f5a95",
                "sha256:bbcbed438f409b445bdb8b6c0b766aa3f5fae5a8cd52bfe2c565d7ca4048bc9d",
                "sha256:59ad34d603d577833dfda187b52d7fd86aed29b613724a13d9567d7cf8a859b5",
                "sha256:0146c088c7d5dab23d8c143cbee7fb9e2beb618a8bb377edcbc616efc33a95c0",
            ]
        );
    }
}
