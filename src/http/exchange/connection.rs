//! A connection with a buffer for bytes that have arrived and are not consumed yet.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::http::net::Connected;
use crate::http::stream::{Pending, Stream, StreamError};

/// The size of the buffer in bytes. It is allocated when the first bytes are read.
const BUFFER: usize = 64 << 10;

/// A connection, with a buffer for the bytes that arrive.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// The address of the server; `None` behind a proxy.
    pub(super) address: Option<IpAddr>,
    /// Equal keys mean that the connection can serve the same requests. It may contain a password: never show it.
    pub(super) key: String,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// When it last became idle; `None` if it is new.
    rested: Option<Instant>,
}

impl Connection {
    pub(super) fn new(connected: Connected, key: String) -> Self {
        let Connected { stream, address } = connected;
        Self { stream, address, key, buffer: Vec::new(), start: 0, end: 0, rested: None }
    }

    pub(super) fn stream(&mut self) -> &mut dyn Stream {
        &mut *self.stream
    }

    /// The bytes that have arrived and are not consumed.
    pub(super) fn input(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes.min(self.end - self.start);
    }

    /// Reads more bytes into the buffer and returns how many. 0 means the end of the stream, or that the buffer is
    /// full.
    pub(super) fn fill(&mut self, until: Instant) -> Result<usize, StreamError> {
        if self.buffer.is_empty() {
            self.buffer = vec![0; BUFFER];
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let read = self.stream.read(&mut self.buffer[self.end..], until)?;
        self.end += read;
        Ok(read)
    }

    pub(super) fn is_full(&self) -> bool {
        self.end - self.start == BUFFER
    }

    /// Whether it can carry another request: no unexpected bytes have arrived, and the other side has not closed it.
    pub(super) fn is_idle(&mut self) -> bool {
        self.start == self.end && self.stream.pending() == Pending::Nothing
    }

    /// Marks it as idle from now on, and frees its buffer.
    pub(super) fn rest(&mut self) {
        (self.buffer, self.start, self.end) = (Vec::new(), 0, 0);
        self.rested = Some(Instant::now());
    }

    /// Whether it has carried a request before.
    pub(super) fn is_used(&self) -> bool {
        self.rested.is_some()
    }

    /// How long it has been idle; zero if it is new.
    pub(super) fn idle_for(&self) -> Duration {
        self.rested.map_or(Duration::ZERO, |rested| rested.elapsed())
    }
}
