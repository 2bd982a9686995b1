//! A TCP connection.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::http::stream::{Pending, Stream, StreamError};

/// A TCP connection, and the time limits that were set on its socket.
#[derive(Debug)]
pub(super) struct Tcp {
    stream: TcpStream,
    sent: u64,
    reading: Limit,
    writing: Limit,
}

/// The time limit for one read or write that was last set on the socket. To set it is a system call, so it is only set
/// again where that makes a difference: a call that returns too early is repeated.
#[derive(Debug, Default)]
struct Limit(Option<Duration>);

impl Limit {
    /// Sets a limit on the socket that ends no later than the deadline, and perhaps earlier.
    fn set(
        &mut self,
        until: Instant,
        set: impl FnOnce(Option<Duration>) -> io::Result<()>,
    ) -> Result<(), StreamError> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(StreamError::Late);
        }
        if self.0.is_none_or(|limit| limit > left || limit < left / 2) {
            match set(Some(left)) {
                Ok(()) => self.0 = Some(left),
                // macOS rejects a limit once the other side has closed, though there may still be bytes to read.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

impl Tcp {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, sent: 0, reading: Limit::default(), writing: Limit::default() })
    }
}

/// Whether the error only means that the socket's time limit has passed, or that a signal interrupted the call.
fn is_early(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

impl Stream for Tcp {
    fn read(&mut self, buf: &mut [u8], until: Instant) -> Result<usize, StreamError> {
        loop {
            self.reading.set(until, |limit| self.stream.set_read_timeout(limit))?;
            match self.stream.read(buf) {
                Err(error) if is_early(&error) => {}
                result => return Ok(result?),
            }
        }
    }

    fn write(&mut self, buf: &[u8], until: Instant) -> Result<usize, StreamError> {
        loop {
            self.writing.set(until, |limit| self.stream.set_write_timeout(limit))?;
            match self.stream.write(buf) {
                Ok(0) if !buf.is_empty() => return Err(StreamError::Io(ErrorKind::WriteZero.into())),
                Ok(written) => {
                    self.sent += written as u64;
                    return Ok(written);
                }
                Err(error) if is_early(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn flush(&mut self, _: Instant) -> Result<(), StreamError> {
        Ok(())
    }

    fn sent(&self) -> u64 {
        self.sent
    }

    fn pending(&mut self) -> Pending {
        let look = |stream: &TcpStream| {
            stream.set_nonblocking(true)?;
            let found = stream.peek(&mut [0]);
            stream.set_nonblocking(false)?;
            found
        };
        match look(&self.stream) {
            Ok(0) => Pending::End,
            Ok(_) => Pending::Bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => Pending::Nothing,
            Err(_) => Pending::End,
        }
    }
}
