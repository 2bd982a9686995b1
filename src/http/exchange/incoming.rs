//! The body of an answer, while it is read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ureq_proto::BodyMode;
use ureq_proto::client::state::RecvBody;
use ureq_proto::client::{Call, RecvBodyResult};

use super::connection::Connection;
use super::pool::ConnectionPool;
use crate::http::error::HttpFailure;
use crate::http::pace::Pace;
use crate::http::stream::StreamError;
use crate::http::timeouts::Timeouts;
use crate::http::trouble::Trouble;

/// A body may have this many bytes of framing regardless of its size.
const MOST_FRAMING: u64 = 64 << 10;
/// A body may have this many further bytes of framing for each byte of content: a chunk of a single byte has five.
const FRAMING_SHARE: u64 = 16;

/// The body of an answer, while it is read. If it is dropped before its end, the connection is closed.
pub(in crate::http) struct Incoming {
    /// `None` if there is no body, or all of it has been read.
    rest: Option<BodyRest>,
    pool: Arc<ConnectionPool>,
    idle: Duration,
    pace: Pace,
    /// How many bytes of content have come, and how many bytes of framing.
    content: u64,
    framing: u64,
    /// When the whole body must have been read, if there is such a limit.
    until: Option<Instant>,
}

struct BodyRest {
    call: Call<RecvBody>,
    connection: Connection,
}

impl Incoming {
    /// The body of an answer over this connection.
    pub(super) fn new(
        call: Call<RecvBody>,
        connection: Connection,
        pool: Arc<ConnectionPool>,
        timeouts: &Timeouts,
    ) -> Self {
        Self { rest: Some(BodyRest { call, connection }), ..Self::none(pool, timeouts) }
    }

    /// The body of an answer that has none.
    pub(super) fn none(pool: Arc<ConnectionPool>, timeouts: &Timeouts) -> Self {
        let (idle, pace) = (timeouts.idle, Pace::new(timeouts));
        Self { rest: None, pool, idle, pace, content: 0, framing: 0, until: None }
    }

    /// Limits how long the rest of the body may take in all, even if bytes keep arriving.
    pub(in crate::http) fn hurry(&mut self, limit: Duration) {
        self.until = Some(Instant::now() + limit.min(self.idle));
    }

    /// Reads the next bytes of the content; 0 means the end.
    ///
    /// The framing of a body (sizes of chunks, their extensions, trailers) is not content. It does not count for the
    /// pace, and a body with too much of it for its content is an error.
    pub(in crate::http) fn read(&mut self, buf: &mut [u8]) -> Result<usize, Trouble> {
        if buf.is_empty() {
            return Ok(0);
        }
        let mut quiet = Duration::ZERO;
        loop {
            let Some(rest) = &mut self.rest else { return Ok(0) };
            let (used, given) =
                rest.call.read(rest.connection.input(), buf).map_err(|error| malformed(&error))?;
            rest.connection.consume(used);
            self.content += given as u64;
            self.framing += (used - given) as u64;
            if self.framing > MOST_FRAMING + FRAMING_SHARE * self.content {
                return Err(Trouble::Protocol("the answer has more frames than content".to_owned()));
            }
            if given > 0 {
                self.pace.count(Duration::ZERO, given as u64)?;
                return Ok(given);
            }
            if rest.is_over() {
                self.finish();
                return Ok(0);
            }
            if used > 0 {
                continue;
            }
            if rest.connection.is_full() {
                return Err(Trouble::Protocol(
                    "a line between the chunks of the answer is too long".to_owned(),
                ));
            }
            let began = Instant::now();
            let mut until = began + self.pace.left().min(self.idle.saturating_sub(quiet));
            if let Some(end) = self.until {
                if began >= end {
                    return Err(Trouble::late("the rest of the answer", self.idle));
                }
                until = until.min(end);
            }
            let result = rest.connection.fill(until);
            let took = began.elapsed();
            match result {
                Ok(0) => return self.cut_off(),
                Ok(_) => quiet = Duration::ZERO,
                Err(StreamError::Late) => quiet += took,
                Err(StreamError::Io(error)) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                    return self.cut_off();
                }
                Err(error) => return Err(Trouble::of(error, "the next of the answer", self.idle)),
            }
            self.pace.count(took, 0)?;
            if quiet >= self.idle {
                return Err(Trouble::late("the next of the answer", self.idle));
            }
        }
    }

    /// Handles the end of the connection: it completes a body that is delimited by it, and a chunked one whose last
    /// chunk has come. Any other body was cut off: an error.
    fn cut_off(&mut self) -> Result<usize, Trouble> {
        let complete = self.rest.take().is_some_and(|rest| {
            rest.call.body_mode() == BodyMode::CloseDelimited || rest.call.is_ended_chunked()
        });
        match complete {
            true => Ok(0),
            false => Err(Trouble::Later(HttpFailure::Io(std::io::ErrorKind::UnexpectedEof.into()))),
        }
    }

    /// Returns the connection to the pool, unless the answer says that it closes.
    fn finish(&mut self) {
        let Some(BodyRest { call, connection }) = self.rest.take() else { return };
        let closes = match call.proceed() {
            Some(RecvBodyResult::Cleanup(over)) => over.must_close_connection(),
            Some(RecvBodyResult::Redirect(over)) => over.must_close_connection(),
            None => true,
        };
        if !closes {
            self.pool.keep(connection);
        }
    }
}

impl BodyRest {
    /// Whether the whole body has come. A body that is delimited by the end of the connection is never over before
    /// that.
    fn is_over(&self) -> bool {
        self.call.body_mode() != BodyMode::CloseDelimited && self.call.can_proceed()
    }
}

/// The error for an answer that violates HTTP.
pub(super) fn malformed(error: &ureq_proto::Error) -> Trouble {
    use ureq_proto::Error as E;
    let how = match error {
        E::BadContentLengthHeader => "the Content-Length of the answer is no number",
        E::TooManyContentLengthHeaders => "the answer has two lengths",
        E::ChunkLenNotAscii | E::ChunkLenNotANumber | E::ChunkExpectedCrLf => {
            "a chunk of the answer is malformed"
        }
        _ => "the answer is malformed",
    };
    log::debug!("{how}: {error}");
    Trouble::Protocol(how.to_owned())
}
