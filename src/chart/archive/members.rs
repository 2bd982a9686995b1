//! Decompresses the gzip members of a package (RFC 1952 2.2).

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::error::ArchiveError;
use crate::disk::uninterrupted;
use crate::limits::MAX_CHART;

/// How many members a package may have. Most have one or two; bgzip makes one for every 64 KiB, so that a reader can
/// begin at any.
const MAX_MEMBERS: usize = 10_000;
/// The longest name or comment in a gzip header. Go refuses those of 512 bytes or more (compress/gzip, readString).
const MAX_TEXT: usize = 511;

/// How many bytes may still be decompressed from a package and from all packages in it. Headers and padding count too,
/// so this is a little more than the limit on the files.
pub(in crate::chart) struct Allowance(Cell<u64>);

impl Default for Allowance {
    fn default() -> Self {
        Self(Cell::new(MAX_CHART + (32 << 20)))
    }
}

impl Allowance {
    fn take(&self, bytes: u64) -> io::Result<()> {
        let left = self.0.get().checked_sub(bytes).ok_or_else(|| {
            let what = "the decompressed archive".to_owned();
            io::Error::other(ArchiveError::Limit { what, limit: "100 MiB".to_owned() })
        })?;
        self.0.set(left);
        Ok(())
    }
}

/// Decompresses all members of a gzip file as one stream.
pub(super) struct GzipMembers<'a, R> {
    /// The current member; None after the last one.
    member: Option<GzDecoder<R>>,
    members: usize,
    /// Whether zeros follow the last member.
    padded: bool,
    allowance: &'a Allowance,
}

impl<'a, R: BufRead> GzipMembers<'a, R> {
    /// Begins with the first member. What is decompressed is taken from `allowance`.
    pub(super) fn new(gzipped: R, allowance: &'a Allowance) -> io::Result<Self> {
        Ok(Self { member: Some(begin(gzipped)?), members: 1, padded: false, allowance })
    }
}

impl<R: BufRead> GzipMembers<'_, R> {
    /// Reads zeros up to the end of the file, which fill the last block on a tape or in a block store. Anything else is
    /// an error, because another reader could take it for a part of the package. The zeros are taken from the
    /// allowance, too.
    fn padding(&mut self) -> io::Result<()> {
        self.padded = true;
        let Some(member) = &mut self.member else { return Ok(()) };
        loop {
            let left = uninterrupted(|| member.get_mut().fill_buf().map(|left| (left.len(), is_zero(left))))?;
            match left {
                (0, _) => return Ok(()),
                (length, true) => {
                    self.allowance.take(length as u64)?;
                    member.get_mut().consume(length);
                }
                (_, false) => return Err(no_header()),
            }
        }
    }
}

/// The error of bytes after a member that do not begin another one, with the text that flate2 gives it.
pub(super) fn no_header() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "invalid gzip header")
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

impl<R> GzipMembers<'_, R> {
    /// Whether zeros follow the last member. This is known only when all is read.
    pub(super) fn is_padded(&self) -> bool {
        self.padded
    }
}

/// Begins the next member.
fn begin<R: BufRead>(gzipped: R) -> io::Result<GzDecoder<R>> {
    let member = GzDecoder::new(gzipped);
    let texts = member.header().into_iter().flat_map(|header| [header.filename(), header.comment()]);
    if texts.flatten().any(|text| text.len() > MAX_TEXT) {
        return Err(io::Error::other(ArchiveError::Malformed(
            "a text in its gzip header is too long".into(),
        )));
    }
    Ok(member)
}

impl<R: BufRead> Read for GzipMembers<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let read = member.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                self.allowance.take(read as u64)?;
                return Ok(read);
            }
            // The member is replaced only when it is known what follows: an interrupted read must not end the stream.
            let next = uninterrupted(|| member.get_mut().fill_buf().map(|left| left.first().copied()))?;
            if next == Some(0) {
                self.padding()?;
            }
            if matches!(next, None | Some(0)) {
                self.member = None;
                break;
            }
            self.members += 1;
            if self.members > MAX_MEMBERS {
                let what = "the number of gzip members".to_owned();
                let limit = MAX_MEMBERS.to_string();
                return Err(io::Error::other(ArchiveError::Limit { what, limit }));
            }
            self.member = self.member.take().map(|member| begin(member.into_inner())).transpose()?;
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(content: &[u8], text: usize) -> Vec<u8> {
        let builder = flate2::GzBuilder::new().filename(vec![b'n'; text]).comment(vec![b'c'; text]);
        let mut gzipped = Vec::new();
        let level = flate2::Compression::fast();
        builder.extra(vec![0; text]).read(content, level).read_to_end(&mut gzipped).unwrap();
        gzipped
    }

    fn read(gzipped: &[u8]) -> Result<Vec<u8>, String> {
        let allowance = Allowance::default();
        let mut content = Vec::new();
        let read =
            GzipMembers::new(gzipped, &allowance).and_then(|mut members| members.read_to_end(&mut content));
        read.map(|_| content).map_err(|error| error.to_string())
    }

    #[test]
    fn members_are_one_stream() {
        let parts = [member(b"one", 0), member(b"", 511), member(b"two", 3)];
        assert_eq!(read(&parts.concat()), Ok(b"onetwo".to_vec()));
        assert_eq!(
            read(&member(b"x", 512)),
            Err("the archive is malformed: a text in its gzip header is too long".into())
        );
        assert_eq!(read(&[member(b"x", 0), member(b"y", 512)].concat()).map_err(|_| ()), Err(()));
        assert_eq!(read(&[member(b"x", 0), vec![0; 20_000]].concat()), Ok(b"x".to_vec()));
        for behind in
            [vec![0, 1], [vec![0; 512], member(b"y", 0)].concat(), [vec![0; 20_000], vec![7]].concat()]
        {
            let padded = [member(b"x", 0), behind].concat();
            assert_eq!(read(&padded), Err("invalid gzip header".into()));
        }
        let endless = io::BufReader::new(io::Cursor::new(member(b"x", 0)).chain(io::repeat(0)));
        let allowance = Allowance(Cell::new(1 << 20));
        let read_all =
            GzipMembers::new(endless, &allowance).and_then(|mut it| it.read_to_end(&mut Vec::new()));
        assert!(read_all.unwrap_err().to_string().contains("is larger than the limit"));
        assert_eq!(read(&[member(b"x", 0), b"\x1f".to_vec()].concat()), Err("unexpected end of file".into()));
        assert_eq!(read(&member(b"", 0).repeat(MAX_MEMBERS)), Ok(Vec::new()));
        assert!(read(&member(b"", 0).repeat(MAX_MEMBERS + 1)).unwrap_err().contains("gzip members"));
    }
}
