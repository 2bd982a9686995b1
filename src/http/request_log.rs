//! The log of requests that `--debug` shows: one line for each, when it is over.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::request_line::RequestLine;

/// How many requests this process has made.
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// How many requests this process has made, including redirects and retries.
pub fn requests_made() -> u64 {
    REQUESTS.load(Ordering::Relaxed)
}

/// A request in progress. When its answer has been read to the end, or is dropped, one line is logged:
///
/// `GET https://registry.example.com/v2/web/manifests/1.0.0: 200, 0 B sent, 1047 B received, 12 ms`
///
/// The URL is without its query, which may hold a signature. The bytes are those of the bodies, and the time is that of
/// the whole exchange, including a new connection. A request that got no answer has `no answer` instead of a status;
/// its error says why.
pub(super) struct LoggedRequest {
    line: RequestLine,
    began: Instant,
    status: Option<u16>,
    sent: u64,
    received: u64,
    is_told: bool,
}

impl LoggedRequest {
    /// Starts the clock for a request.
    pub(super) fn begin(line: &RequestLine) -> Self {
        REQUESTS.fetch_add(1, Ordering::Relaxed);
        let (line, began) = (line.clone(), Instant::now());
        Self { line, began, status: None, sent: 0, received: 0, is_told: false }
    }

    /// Sets how many bytes of its body have been sent.
    pub(super) fn sent(&mut self, bytes: u64) {
        self.sent = bytes;
    }

    /// Sets the status, once the head of the answer is there.
    pub(super) fn answered(&mut self, status: u16) {
        self.status = Some(status);
    }

    /// Adds bytes of the answer's body that have arrived.
    pub(super) fn received(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// Logs no line for it, because no server has looked at it.
    pub(super) fn forget(&mut self) {
        self.is_told = true;
    }

    /// Logs the line, unless that is done already.
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
