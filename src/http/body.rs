//! What a request carries.

use std::io::{self, Read};

use super::error::Error;
use crate::digest::{Digest, VerifiedReader};

/// What an upload reads, from the start each time it is opened.
pub trait Source: Sync {
    /// The content from its first byte.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl Source for [u8] {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self))
    }
}

impl Source for Vec<u8> {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        self.as_slice().open()
    }
}

/// What a request carries. All of it can be sent again.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    /// No body, and no word about it: `GET`, `HEAD`, `DELETE`.
    None,
    /// These bytes.
    Bytes(&'a [u8]),
    /// Content that is known by its digest, and who is told how much of it was sent.
    Content {
        /// Its digest.
        digest: &'a Digest,
        /// Its size in bytes.
        size: u64,
        /// Where it is read.
        source: &'a dyn Source,
        /// Takes how many bytes have been sent so far.
        progress: &'a (dyn Fn(u64) + Sync),
    },
}

impl Body<'_> {
    pub(super) fn size(&self) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Content { size, .. } => Some(*size),
        }
    }
}

/// A body on its way out, which remembers when it was its own fault.
pub(super) struct Outgoing<'a> {
    reader: Box<dyn Read + 'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    sent: u64,
    pub(super) failed: Option<io::Error>,
}

impl<'a> Outgoing<'a> {
    /// Opens the body from its start, if there is one.
    pub(super) fn open(body: Body<'a>) -> Result<Option<Self>, Error> {
        let (reader, progress): (Box<dyn Read + 'a>, &'a (dyn Fn(u64) + Sync)) = match body {
            Body::None => return Ok(None),
            Body::Bytes(bytes) => (Box::new(bytes), &|_| {}),
            Body::Content { digest, size, source, progress } => {
                let reader = source.open().map_err(|source| unreadable(digest, source))?;
                // Content that changed since its digest was taken is noticed before all of it is sent.
                (Box::new(VerifiedReader::new(reader, digest.clone(), size)), progress)
            }
        };
        Ok(Some(Self { reader, progress, sent: 0, failed: None }))
    }
}

impl Read for Outgoing<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buf) {
            Ok(read) => {
                self.sent += read as u64;
                (self.progress)(self.sent);
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failed = Some(error);
                Err(kind.into())
            }
        }
    }
}

pub(super) fn unreadable(digest: &Digest, source: io::Error) -> Error {
    Error::Source { digest: digest.clone(), source }
}
