//! The answer to a request.

use std::sync::Arc;
use std::time::Duration;

use ureq_proto::http::{HeaderMap, HeaderValue};

use super::error::HttpError;
use super::exchange::{Answered, Incoming};
use super::location::Location;
use super::request_line::RequestLine;
use super::request_log::LoggedRequest;
use crate::credential::CredentialOrigin;
use crate::limits::MAX_ERROR;

/// As whom the server saw the client that sent a request.
pub(crate) enum Asker {
    /// As a client that has shown no credential.
    Guest,
    /// As a client with the credential that comes from this source.
    Holder(Arc<CredentialOrigin>),
}

/// How many bytes are read at a time of a body that is kept in memory.
const PIECE: usize = 16 << 10;
/// How long to read a body that is not needed, so that its connection can be reused. To open a new one takes less time.
const DRAIN: Duration = Duration::from_secs(1);
/// How long to read the body of an error response.
const REFUSAL: Duration = Duration::from_secs(30);

/// An answer whose body has not been read yet. If it is dropped before the end of the body, the connection is closed.
pub(crate) struct HttpResponse {
    pub(crate) request: RequestLine,
    /// The URL that answered, after redirects.
    pub(crate) location: Location,
    pub(crate) status: u16,
    /// As whom the named server saw the client; `None` if another host has answered.
    pub(crate) asker: Option<Asker>,
    headers: HeaderMap,
    body: Incoming,
    logged: LoggedRequest,
}

impl HttpResponse {
    pub(super) fn new(
        request: RequestLine,
        location: &Location,
        answered: Answered,
        mut logged: LoggedRequest,
    ) -> Self {
        let Answered { status, headers, body } = answered;
        logged.answered(status);
        Self { request, location: location.clone(), status, asker: None, headers, body, logged }
    }

    /// The first value of a header, if it is there and is visible ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The value of `Location`, unless it is empty. Bytes beyond ASCII, which no URL has, are percent-encoded one by
    /// one, as Go does before it follows: they may be UTF-8 or Latin-1, and the server knows which.
    pub(crate) fn points_to(&self) -> Option<String> {
        let value = self.headers.get("location")?.as_bytes().trim_ascii();
        let encoded = value.iter().map(|byte| match byte {
            0x80.. => format!("%{byte:02X}"),
            byte => char::from(*byte).to_string(),
        });
        (!value.is_empty()).then(|| encoded.collect())
    }

    /// All values of a header that are visible ASCII; others are left out.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// All values of a header as bytes, including those that are not visible ASCII.
    pub(crate) fn raw_headers(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    /// The value of `Content-Length`, in bytes.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// Reads the next bytes of the body, as soon as there are any. 0 means its end.
    pub(crate) fn next(&mut self, buf: &mut [u8]) -> Result<usize, HttpError> {
        let result = self.body.read(buf);
        match result {
            Ok(read @ 1..) => self.logged.received(read),
            Ok(0) if buf.is_empty() => {}
            Ok(0) | Err(_) => self.logged.end(),
        }
        result.map_err(|trouble| trouble.of_request(self.request.clone()))
    }

    /// The whole body. A body with more than `limit` bytes is an error that calls it `what`.
    pub(crate) fn read(&mut self, limit: u64, what: &str) -> Result<Vec<u8>, HttpError> {
        let (bytes, result) = self.read_some(limit.saturating_add(1));
        result?;
        if bytes.len() as u64 > limit {
            return Err(HttpError::TooLarge { what: format!("{}: {what}", self.request), limit });
        }
        Ok(bytes)
    }

    /// The body up to `limit` bytes, and the error if it broke off before.
    fn read_some(&mut self, limit: u64) -> (Vec<u8>, Result<(), HttpError>) {
        let (mut bytes, mut piece) = (Vec::new(), [0; PIECE]);
        loop {
            let room = usize::try_from(limit - bytes.len() as u64).map_or(PIECE, |room| room.min(PIECE));
            match self.next(&mut piece[..room]) {
                Ok(0) => return (bytes, Ok(())),
                Ok(read) => bytes.extend_from_slice(&piece[..read]),
                Err(error) => return (bytes, Err(error)),
            }
        }
    }

    /// Reads a body that is not needed, so that the connection can be reused. If that fails or takes too long, the
    /// connection is closed, as it is without reading.
    pub(crate) fn drain(mut self) {
        self.body.hurry(DRAIN);
        let _ = self.read_some(MAX_ERROR);
    }

    /// The body of an error response, up to a limit in bytes and in time. If it breaks off or takes too long, the bytes
    /// that have come are returned: they only explain the status, which is known.
    pub(crate) fn refusal(&mut self) -> Vec<u8> {
        self.body.hurry(REFUSAL);
        self.read_some(MAX_ERROR).0
    }

    /// Whether this error response, with this body, is what a TLS port answers to plain HTTP. Go, nginx and Apache do
    /// so in plain HTTP.
    pub(crate) fn is_about_tls(&self, body: &[u8]) -> bool {
        const TEXTS: [&str; 3] = [
            "HTTP request to an HTTPS server",
            "HTTP request was sent to HTTPS port",
            "plain HTTP to an SSL-enabled server port",
        ];
        self.status == 400 && !self.location.is_https() && says(body, &TEXTS)
    }

    /// Whether this error response, with this body, says that the client should have shown a certificate: by nginx, and
    /// servers built on it.
    pub(crate) fn is_about_a_certificate(&self, body: &[u8]) -> bool {
        const TEXTS: [&str; 2] = ["No required SSL certificate was sent", "400 The SSL certificate error"];
        self.status == 400 && self.location.is_https() && says(body, &TEXTS)
    }
}

fn says(body: &[u8], texts: &[&str]) -> bool {
    let body = String::from_utf8_lossy(body);
    texts.iter().any(|text| body.contains(text))
}
