//! The bodies of requests.

use std::io::{self, Read};

use crate::digest::Digest;

/// The content of an upload. Each call of [`open`](Self::open) reads it from the start again, so that it can be sent
/// again.
pub trait BodySource: Sync {
    /// Opens the content at its first byte.
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

/// The body of a request. All of it can be sent again.
#[derive(Clone, Copy)]
pub(crate) enum Body<'a> {
    /// No body and no `Content-Length`: for `GET`, `HEAD` and `DELETE`.
    None,
    /// The body is these bytes.
    Bytes(&'a [u8]),
    /// Content with a known digest, against which it is verified while it is sent.
    Content {
        /// The digest of the content.
        digest: &'a Digest,
        /// The size of the content in bytes.
        size: u64,
        /// Opens the content for reading.
        source: &'a dyn BodySource,
        /// Is called with the number of bytes that have been sent so far.
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
