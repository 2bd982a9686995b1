//! The body of a request, while it is sent.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use super::connection::Connection;
use crate::digest::{Digest, VerifiedReader};
use crate::http::body::Body;
use crate::http::error::HttpError;
use crate::http::pace::Pace;
use crate::http::stream::StreamError;
use crate::http::timeouts::Timeouts;
use crate::http::trouble::Trouble;

/// How many bytes are read and sent at a time.
const PIECE: usize = 64 << 10;

/// The body of a request, while it is sent.
pub(in crate::http) struct Outgoing<'a> {
    reader: Box<dyn Read + 'a>,
    progress: &'a (dyn Fn(u64) + Sync),
    size: u64,
    sent: u64,
}

impl<'a> Outgoing<'a> {
    /// Opens the body at its start; `None` if the request has no body.
    pub(in crate::http) fn open(body: Body<'a>) -> Result<Option<Self>, HttpError> {
        let (reader, progress, size): (Box<dyn Read + 'a>, &'a (dyn Fn(u64) + Sync), u64) = match body {
            Body::None => return Ok(None),
            Body::Bytes(bytes) => (Box::new(bytes), &|_| {}, bytes.len() as u64),
            Body::Content { digest, size, source, progress } => {
                let reader = source.open().map_err(|source| unreadable(digest, source))?;
                // Content that has changed since its digest was computed is noticed before its last bytes are sent.
                (Box::new(VerifiedReader::new(reader, digest.clone(), size)), progress, size)
            }
        };
        Ok(Some(Self { reader, progress, size, sent: 0 }))
    }

    /// How many bytes of it were sent so far.
    pub(in crate::http) fn sent(&self) -> u64 {
        self.sent
    }

    /// Sends the whole body, and returns the number of bytes.
    pub(super) fn send(&mut self, connection: &mut Connection, timeouts: &Timeouts) -> Result<u64, Trouble> {
        let mut line =
            Line { connection, idle: timeouts.idle, pace: Pace::new(timeouts), quiet: Duration::ZERO };
        let mut piece = vec![0; usize::try_from(self.size).map_or(PIECE, |size| size.min(PIECE)).max(1)];
        loop {
            let read = match self.reader.read(&mut piece) {
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(Trouble::Source(error)),
            };
            if read == 0 {
                break;
            }
            self.sent += read as u64;
            (self.progress)(self.sent);
            line.send(&piece[..read])?;
        }
        if self.sent != self.size {
            return Err(Trouble::Source(ErrorKind::UnexpectedEof.into()));
        }
        line.flush()?;
        Ok(self.sent)
    }
}

/// The connection while a body is sent over it, with the limits on how slowly that may go.
struct Line<'a> {
    connection: &'a mut Connection,
    idle: Duration,
    pace: Pace,
    /// For how long no byte has been sent.
    quiet: Duration,
}

impl Line<'_> {
    fn send(&mut self, mut bytes: &[u8]) -> Result<(), Trouble> {
        while !bytes.is_empty() {
            let taken = self.step(|connection, until| connection.stream().write(bytes, until))?;
            bytes = &bytes[taken.unwrap_or(0)..];
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Trouble> {
        while self.step(|connection, until| connection.stream().flush(until))?.is_none() {}
        Ok(())
    }

    /// Takes one step up to the time limit. `None` means that it timed out within the limits and has to be taken again.
    fn step<T>(
        &mut self,
        take: impl FnOnce(&mut Connection, Instant) -> Result<T, StreamError>,
    ) -> Result<Option<T>, Trouble> {
        let (began, before) = (Instant::now(), self.connection.stream().sent());
        let until = began + self.pace.left().min(self.idle.saturating_sub(self.quiet));
        let result = take(self.connection, until);
        let (took, moved) = (began.elapsed(), self.connection.stream().sent() - before);
        self.quiet = if moved > 0 { Duration::ZERO } else { self.quiet + took };
        match result {
            Ok(done) => {
                self.pace.count(took, moved)?;
                Ok(Some(done))
            }
            Err(StreamError::Late) => {
                self.pace.count(took, moved)?;
                if self.quiet >= self.idle {
                    return Err(Trouble::late("to send more", self.idle));
                }
                Ok(None)
            }
            Err(error) => Err(Trouble::of(error, "to send more", self.idle)),
        }
    }
}

pub(in crate::http) fn unreadable(digest: &Digest, source: io::Error) -> HttpError {
    HttpError::Source { digest: digest.clone(), source }
}
