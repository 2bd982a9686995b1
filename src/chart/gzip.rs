//! The gzip stream of the content archive: one member whose blocks are compressed on all cores.
//!
//! The content is addressed by the digest of these bytes, so nothing may decide them but the bytes that went in: not the
//! machine, not the number of its cores, not the pieces in which the bytes arrived. So they are cut into blocks of one
//! size, and each is compressed on its own, by an encoder that sees all of it at once, up to a full flush (RFC 1951
//! 3.2.4: an empty stored block). Flushed blocks in a row are one deflate stream: what pigz does.
//!
//! zlib-rs chooses instructions by the CPU, but only to compare bytes and to move tables: what it finds is the same.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use flate2::{Compress, Compression, Crc, FlushCompress, Status};

use crate::threads::{self, Pool, Task, locked};

/// The name of the bytes that this makes of a content. A change that gives other bytes has to change it.
pub(super) const FORMAT: &str = "content 1";
/// RFC 1952 2.3: magic, deflate, no flags, no time, no hint about the compressor; an unknown system, as Go writes.
pub(super) const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
/// Another size makes other bytes. Most charts are one block; 2 % of the compression is lost in those that are many.
const BLOCK: usize = 256 << 10;
/// Over real charts 0.7 % larger than 6, Go's and gzip's default, and a fifth faster.
const LEVEL: u32 = 5;
/// With more of them reading the files is what takes the time.
const MAX_THREADS: usize = 8;

/// The threads that compress.
static COMPRESSING: Pool = Pool::new();

/// Compresses what is written into it.
pub(super) struct Gzip<W: Write> {
    out: W,
    /// What is written gathers here.
    block: Block,
    checksum: Crc,
    /// How many may compress beside this one; not known before there are two blocks.
    threads: Option<usize>,
    encoders: Arc<Encoders>,
    /// In the order of the blocks.
    running: VecDeque<Task<io::Result<Block>>>,
}

impl<W: Write> Gzip<W> {
    /// Starts the member.
    pub(super) fn new(out: W) -> io::Result<Self> {
        Self::with_threads(out, None)
    }

    fn with_threads(mut out: W, threads: Option<usize>) -> io::Result<Self> {
        out.write_all(&HEADER)?;
        let (block, checksum) = (Block::new(), Crc::new());
        Ok(Self { out, block, checksum, threads, encoders: Arc::default(), running: VecDeque::new() })
    }

    /// Ends the member.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.block.deflate(&self.encoders, FlushCompress::Finish)?;
        while self.take_oldest()?.is_some() {}
        self.block.write_into(&mut self.out, &mut self.checksum)?;
        self.out.write_all(&trailer(&self.checksum))?;
        Ok(self.out)
    }

    /// Has a full block compressed. It is not the last one.
    fn end_block(&mut self) -> io::Result<()> {
        let threads = *self.threads.get_or_insert_with(|| threads::cores().min(MAX_THREADS));
        if threads == 1 {
            self.block.deflate(&self.encoders, FlushCompress::Full)?;
            return self.block.write_into(&mut self.out, &mut self.checksum);
        }
        // Twice as many as there are cores: several end at about the same time, and no core is to wait until the next
        // ones are full.
        let next = if self.running.len() > 2 * threads { self.take_oldest()? } else { None };
        let mut block = std::mem::replace(&mut self.block, next.unwrap_or_else(Block::new));
        let encoders = Arc::clone(&self.encoders);
        let compressed = move || block.deflate(&encoders, FlushCompress::Full).map(|()| block);
        self.running.push_back(COMPRESSING.spawn(threads, compressed));
        Ok(())
    }

    /// Writes the oldest block that is being compressed, and returns it to be filled again.
    fn take_oldest(&mut self) -> io::Result<Option<Block>> {
        let Some(task) = self.running.pop_front() else { return Ok(None) };
        let block = task.join()?;
        block.write_into(&mut self.out, &mut self.checksum)?;
        Ok(Some(block))
    }
}

/// Those that are not at work. Each takes a third of a megabyte, and there are no more than compress at once.
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

/// A piece of what is compressed, in memory that is used again for the next one.
struct Block {
    content: Vec<u8>,
    checksum: Crc,
    compressed: Vec<u8>,
}

impl Block {
    fn new() -> Self {
        // What is not used of it is never touched.
        Self { content: Vec::with_capacity(BLOCK), checksum: Crc::new(), compressed: Vec::new() }
    }

    /// Takes from `bytes` what there is room for.
    fn fill(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(BLOCK - self.content.len());
        self.content.extend_from_slice(&bytes[..taken]);
        taken
    }

    /// Compresses the content, which makes room for other content.
    fn deflate(&mut self, encoders: &Encoders, flush: FlushCompress) -> io::Result<()> {
        self.checksum.reset();
        self.checksum.update(&self.content);
        self.compressed.clear();
        // More than deflate adds to what cannot be compressed.
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

    /// What is in a block comes out with the block.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The end of a member (RFC 1952 2.3.1): checksum and length of what it holds.
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

    /// Words in no order, as a chart has them; the same on every machine.
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

    /// What no compressor makes smaller.
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

    /// Charts are known by digests of these bytes. Where this fails, what was saved before would get another digest.
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
