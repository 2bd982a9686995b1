//! Bytes to and from a server, each step of it by a deadline.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::Instant;

use super::tls_failure::TlsFailure;

/// Why no bytes pass.
#[derive(Debug)]
pub(super) enum StreamError {
    /// The deadline has passed. Nothing is lost: the same step may be taken again with a later one.
    Late,
    /// The connection failed.
    Io(io::Error),
    /// What is said over it is not the TLS that it should be.
    Tls(Box<TlsFailure>),
}

/// What a stream that should be silent has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pending {
    /// Nothing, and it is open.
    Nothing,
    /// Bytes.
    Bytes,
    /// Its end.
    End,
}

/// Bytes to and from a server, over TCP or over something on top of that.
pub(super) trait Stream: Send + fmt::Debug {
    /// Reads what comes first, into the beginning of `buf`. 0 is the end.
    fn read(&mut self, buf: &mut [u8], until: Instant) -> Result<usize, StreamError>;
    /// Takes a beginning of `buf`, some of which may stay here until [`Stream::flush`].
    fn write(&mut self, buf: &[u8], until: Instant) -> Result<usize, StreamError>;
    /// Sends what was taken.
    fn flush(&mut self, until: Instant) -> Result<(), StreamError>;
    /// How many bytes the network has taken so far.
    fn sent(&self) -> u64;
    /// Looks without waiting. What is only the business of this stream is dealt with and not told.
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

/// A stream as the standard library's traits have it, by one deadline.
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
