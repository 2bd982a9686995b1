//! The bodies of responses: bytes in memory, and parts of files that are read as fast as the client takes them.

use std::fs::File;
use std::io::{self, Read as _};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::places::Guest;
use crate::disk::uninterrupted;

/// How many bytes of a file are read at a time. Each connection may have one such piece in memory.
const PIECE: usize = 64 << 10;

/// The body of a response, and the connection that it is for.
#[derive(Debug)]
pub(super) struct ResponseBody {
    content: BodyContent,
    guest: Option<Arc<Guest>>,
}

#[derive(Debug)]
enum BodyContent {
    Memory(Bytes),
    /// The next bytes of a file.
    File {
        file: File,
        remaining: u64,
    },
}

impl ResponseBody {
    /// A body of bytes in memory.
    pub(super) fn bytes(bytes: Bytes) -> Self {
        Self { content: BodyContent::Memory(bytes), guest: None }
    }

    /// A body of the next `remaining` bytes of a file.
    pub(super) fn file(file: File, remaining: u64) -> Self {
        Self { content: BodyContent::File { file, remaining }, guest: None }
    }

    /// Notifies a connection's guest when the whole body has been handed to hyper.
    pub(super) fn to(mut self, guest: Arc<Guest>) -> Self {
        self.guest = Some(guest);
        self
    }

    fn remaining(&self) -> u64 {
        match &self.content {
            BodyContent::Memory(bytes) => bytes.len() as u64,
            BodyContent::File { remaining, .. } => *remaining,
        }
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        if let Some(guest) = &self.guest {
            guest.is_answered();
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let this = self.get_mut();
        let length = usize::try_from(this.remaining()).unwrap_or(PIECE).min(PIECE);
        if length == 0 {
            return Poll::Ready(None);
        }
        let piece = match &mut this.content {
            BodyContent::Memory(bytes) => bytes.split_to(length),
            BodyContent::File { file, remaining } => {
                let mut piece = vec![0; length];
                let read = uninterrupted(|| file.read(&mut piece))?;
                if read == 0 {
                    // The file has become shorter. The connection is broken, so that the client never takes a short
                    // body for a whole blob.
                    return Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())));
                }
                *remaining -= read as u64;
                piece.truncate(read);
                piece.into()
            }
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining())
    }
}
