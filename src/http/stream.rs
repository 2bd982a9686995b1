//! Streams of bytes to and from a server, each step with a deadline.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Instant;

use super::tls_failure::TlsFailure;

/// Why a step failed.
#[derive(Debug)]
pub(super) enum StreamError {
    /// The deadline has passed. Nothing is lost: the same step may be taken again with a later one.
    Late,
    /// The connection failed.
    Io(io::Error),
    /// The other side does not speak the TLS that it should.
    Tls(Box<TlsFailure>),
}

/// What a stream holds that should be silent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// It is open, and nothing has arrived.
    Nothing,
    /// Bytes have arrived.
    Bytes,
    /// The other side has closed it.
    End,
}

/// A stream of bytes to and from a server: TCP, or a layer above it.
pub(super) trait Stream: Send + fmt::Debug {
    /// Reads the bytes that arrive next into the beginning of `buf`, and returns how many. 0 means the end.
    fn read(&mut self, buf: &mut [u8], until: Instant) -> Result<usize, StreamError>;
    /// Accepts bytes from the beginning of `buf`, and returns how many. Some may stay buffered until [`Stream::flush`].
    fn write(&mut self, buf: &[u8], until: Instant) -> Result<usize, StreamError>;
    /// Sends the bytes that are buffered.
    fn flush(&mut self, until: Instant) -> Result<(), StreamError>;
    /// How many bytes have been handed to the network so far.
    fn sent(&self) -> u64;
    /// What has arrived, without waiting for more. Messages that concern only this layer are handled and not reported.
    fn pending(&mut self) -> Pending;
}

impl Stream for Box<dyn Stream> {
    fn read(&mut self, buf: &mut [u8], until: Instant) -> Result<usize, StreamError> {
        (**self).read(buf, until)
    }

    fn write(&mut self, buf: &[u8], until: Instant) -> Result<usize, StreamError> {
        (**self).write(buf, until)
    }

    fn flush(&mut self, until: Instant) -> Result<(), StreamError> {
        (**self).flush(until)
    }

    fn sent(&self) -> u64 {
        (**self).sent()
    }

    fn pending(&mut self) -> Pending {
        (**self).pending()
    }
}

/// Sends all of `bytes`.
pub(super) fn send(stream: &mut dyn Stream, mut bytes: &[u8], until: Instant) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let taken = stream.write(bytes, until)?;
        bytes = &bytes[taken..];
    }
    stream.flush(until)
}

/// A stream with the standard library's `Read` and `Write`, all of it with one deadline.
pub(super) struct Timed<'a> {
    pub(super) stream: &'a mut dyn Stream,
    pub(super) until: Instant,
}

impl Read for Timed<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buf, self.until).map_err(io::Error::from)
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.stream.write(buf, self.until).map_err(io::Error::from)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush(self.until).map_err(io::Error::from)
    }
}

/// Carries a stream's error through the standard library's traits; [`StreamError::from`] takes it out again.
#[derive(Debug)]
struct Carried(StreamError);

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection failed")
    }
}

impl std::error::Error for Carried {}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Io(error) => error,
            other => Self::other(Carried(other)),
        }
    }
}

impl From<io::Error> for StreamError {
    fn from(error: io::Error) -> Self {
        if !error.get_ref().is_some_and(|inner| inner.is::<Carried>()) {
            return Self::Io(error);
        }
        let kind = error.kind();
        match error.into_inner().map(|inner| inner.downcast::<Carried>()) {
            Some(Ok(carried)) => carried.0,
            _ => Self::Io(kind.into()),
        }
    }
}
