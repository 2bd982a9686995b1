//! The log of requests that `--debug` shows: one line for each, when it is over.

use std::time::Instant;

use super::request_line::RequestLine;

/// A request under way. Once its answer was read to the end, or no more of it is wanted, it is a line of the log:
///
/// `GET https://registry.example.com/v2/web/manifests/1.0.0: 200, 0 B sent, 1047 B received, 12 ms`
///
/// The URL is without its query, which may hold a signature. The bytes are those of the bodies, and the time is that of
/// the whole exchange, a new connection included. A request that nothing answered has `no answer` for a status; what
/// went wrong with it is told by the error.
pub(super) struct LoggedRequest {
    line: RequestLine,
    began: Instant,
    status: Option<u16>,
    sent: u64,
    received: u64,
    is_told: bool,
}

impl LoggedRequest {
    /// The request begins now.
    pub(super) fn begin(line: &RequestLine) -> Self {
        let (line, began) = (line.clone(), Instant::now());
        Self { line, began, status: None, sent: 0, received: 0, is_told: false }
    }

    /// So many bytes of its body were sent.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.sent = bytes;
    }

    /// The head of the answer is there.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// So many more bytes of the answer have come.
    pub(super) fn received(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// No server has looked at it.
    pub(super) fn forget(&mut self) {
        self.is_told = true;
    }

    /// It is over.
    pub(super) fn end(&mut self) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let Self { line, sent, received, .. } = self;
        let status = self.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let took = self.began.elapsed().as_millis();
        log::debug!("{line}: {status}, {sent} B sent, {received} B received, {took} ms");
    }
}

impl Drop for LoggedRequest {
    fn drop(&mut self) {
        self.end();
    }
}
