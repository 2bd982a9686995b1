//! What is answered.

use std::io::{self, Read};
use std::sync::Arc;

use ureq::http::{self, HeaderMap};

use super::error::Error;
use super::failure;
use super::location::Location;
use super::pace::{Floor, Paced};
use super::request_line::RequestLine;
use crate::credential::Origin;
use crate::limits::MAX_ERROR;

/// Who a request came from.
pub(crate) enum Asker {
    /// A client that has shown no credential.
    Guest,
    /// Somebody with the credential from here.
    Holder(Arc<Origin>),
}

/// An answer whose body is still to be read. Dropped unread, it costs the connection.
pub(crate) struct Response {
    pub(crate) request: RequestLine,
    /// Where it came from, after redirects.
    pub(crate) location: Location,
    pub(crate) status: u16,
    /// Who has asked, as far as the server itself has been told. Nothing of what another host has answered.
    pub(crate) asker: Option<Asker>,
    headers: HeaderMap,
    body: ureq::Body,
    floor: Floor,
}

impl Response {
    pub(super) fn new(
        request: RequestLine,
        location: &Location,
        answer: http::Response<ureq::Body>,
        floor: Floor,
    ) -> Self {
        let (parts, body) = answer.into_parts();
        let status = parts.status.as_u16();
        let headers = parts.headers;
        Self { request, location: location.clone(), status, asker: None, headers, body, floor }
    }

    /// A header, if it is there once and readable.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// All values of a header, whatever bytes they are made of.
    pub(crate) fn raw_headers(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(name).iter().map(http::HeaderValue::as_bytes)
    }

    /// The length that the body is said to have.
    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The request, and the body at a decent pace.
    pub(crate) fn into_reader(self) -> (RequestLine, impl Read) {
        (self.request, Paced::new(self.body.into_reader(), self.floor))
    }

    fn reader(&mut self) -> impl Read {
        Paced::new(self.body.as_reader(), self.floor)
    }

    /// The whole body, which is `what`.
    pub(crate) fn read(&mut self, limit: u64, what: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let result = self.reader().take(limit + 1).read_to_end(&mut bytes);
        result.map_err(|error| broken(&self.request, error))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { what: format!("{}: {what}", self.request), limit });
        }
        Ok(bytes)
    }

    /// Reads what nobody needs, so that the connection can be used again.
    pub(crate) fn drain(mut self) {
        // An error costs the connection, as not reading would.
        let _ = io::copy(&mut self.reader().take(MAX_ERROR), &mut io::sink());
    }

    /// The body of an answer that refuses: as much as arrives, and no more than can be of use. Half of what is said is
    /// better than nothing, and the status is known.
    pub(crate) fn refusal(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        let _ = self.reader().take(MAX_ERROR).read_to_end(&mut body);
        body
    }

    /// Whether this refusal, of which the body is given, is what a port for TLS says to plain HTTP. Go, nginx and Apache
    /// answer in plain HTTP as well.
    pub(crate) fn is_about_tls(&self, body: &[u8]) -> bool {
        const TEXTS: [&str; 3] = [
            "HTTP request to an HTTPS server",
            "HTTP request was sent to HTTPS port",
            "plain HTTP to an SSL-enabled server port",
        ];
        if self.status != 400 || self.location.is_https() {
            return false;
        }
        let text = String::from_utf8_lossy(body);
        TEXTS.iter().any(|known| text.contains(known))
    }
}

/// An error while a body was read.
pub(crate) fn broken(request: &RequestLine, error: io::Error) -> Error {
    failure::classify(request.clone(), ureq::Error::from(error))
}
