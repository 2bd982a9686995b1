//! A connection with what has come over it and was not looked at yet.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::http::net::Connected;
use crate::http::stream::{Pending, Stream, StreamError};

/// How much is read at once. Memory for it is taken with the first bytes.
const BUFFER: usize = 64 << 10;

/// A connection, with a buffer for what comes.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Box<dyn Stream>,
    /// Where it leads to, if there is no proxy in between.
    pub(super) address: Option<IpAddr>,
    /// What it can be used for again. Not for eyes.
    pub(super) key: String,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// When it was last in use.
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

    /// What has come and was not consumed.
    pub(super) fn input(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, bytes: usize) {
        self.start += bytes.min(self.end - self.start);
    }

    /// Waits for more. 0 is the end, and what a full buffer takes.
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

    /// Whether it can carry another request: nothing has come that was not asked for, not even its end.
    pub(super) fn is_idle(&mut self) -> bool {
        self.start == self.end && self.stream.pending() == Pending::Nothing
    }

    /// Marks it as idle. What is in the buffer does not matter any more.
    pub(super) fn rest(&mut self) {
        (self.buffer, self.start, self.end) = (Vec::new(), 0, 0);
        self.rested = Some(Instant::now());
    }

    /// Whether it was in use before.
    pub(super) fn is_used(&self) -> bool {
        self.rested.is_some()
    }

    /// For how long it has been idle.
    pub(super) fn idle_for(&self) -> Duration {
        self.rested.map_or(Duration::ZERO, |rested| rested.elapsed())
    }
}
