//! What a request carries.

use std::io::{self, Read};

use crate::digest::Digest;

/// What an upload reads, from the start each time it is opened.
pub trait BodySource: Sync {
    /// The content from its first byte.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;
}

impl BodySource for [u8] {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(self))
    }
}

impl BodySource for Vec<u8> {
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
        source: &'a dyn BodySource,
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
