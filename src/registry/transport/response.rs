//! What is answered.

use std::io::{self, Read};

use ureq::http::{self, HeaderMap};

use super::failure;
use super::pace::{Floor, Paced};
use crate::limits::MAX_ERROR;
use crate::registry::error::{Error, RequestLine};
use crate::registry::location::Location;
use crate::registry::report::{self, Report};
use crate::terminal::printable;

/// An answer whose body is still to be read. Dropped unread, it costs the connection.
pub(in crate::registry) struct Response {
    pub(in crate::registry) request: RequestLine,
    /// Where it came from, after redirects.
    pub(in crate::registry) location: Location,
    pub(in crate::registry) status: u16,
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
        Self { request, location: location.clone(), status, headers: parts.headers, body, floor }
    }

    /// A header, if it is there once and readable.
    pub(in crate::registry) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// All values of a header.
    pub(in crate::registry) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The values of `WWW-Authenticate`.
    pub(in crate::registry) fn challenges(&self) -> Vec<String> {
        let values = self.headers.get_all("www-authenticate").iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }

    /// What the registry warns of, fit to be shown.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        self.headers("warning").filter_map(warning).map(|text| printable(&text, 1024))
    }

    /// The length that the body is said to have.
    pub(in crate::registry) fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The request, and the body at a decent pace.
    pub(in crate::registry) fn into_reader(self) -> (RequestLine, impl Read) {
        (self.request, Paced::new(self.body.into_reader(), self.floor))
    }

    fn reader(&mut self) -> impl Read {
        Paced::new(self.body.as_reader(), self.floor)
    }

    /// The whole body, which is `what`.
    pub(in crate::registry) fn read(&mut self, limit: u64, what: &str) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let result = self.reader().take(limit + 1).read_to_end(&mut bytes);
        result.map_err(|error| broken(&self.request, error))?;
        if bytes.len() as u64 > limit {
            return Err(Error::TooLarge { what: format!("{}: {what}", self.request), limit });
        }
        Ok(bytes)
    }

    /// Reads what nobody needs, so that the connection can be used again.
    pub(in crate::registry) fn drain(mut self) {
        // An error costs the connection, as not reading would.
        let _ = io::copy(&mut self.reader().take(MAX_ERROR), &mut io::sink());
    }

    /// What the registry says about an error.
    pub(in crate::registry) fn report(&mut self) -> Report {
        Report::read(&self.error_body(), self.header("content-type").unwrap_or_default())
    }

    fn error_body(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        // As much as arrives: half a report is better than none, and the status is known.
        let _ = self.reader().take(MAX_ERROR).read_to_end(&mut body);
        body
    }

    /// The error that a status of 400 and more is, once those for everybody are dealt with.
    pub(in crate::registry) fn refused(mut self) -> Error {
        let body = self.error_body();
        let report = Report::read(&body, self.header("content-type").unwrap_or_default());
        let (request, status) = (self.request, self.status);
        match status {
            404 => Error::NotFound { request, report },
            403 => Error::Forbidden { request, report },
            400 if !self.location.is_https() && report::is_about_tls(&body) => Error::SpeaksTls { request },
            400.. => Error::Refused { request, status, report },
            _ => Error::Protocol { request, how: format!("unexpected status {status}") },
        }
    }
}

/// An error while a body was read.
pub(in crate::registry) fn broken(request: &RequestLine, error: io::Error) -> Error {
    failure::classify(request.clone(), ureq::Error::from(error))
}

/// The text of a `Warning` header with code 299.
fn warning(value: &str) -> Option<String> {
    let rest = value.trim().strip_prefix("299 ")?;
    let quoted = rest.split_once('"')?.1;
    let mut text = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => text.extend(chars.next()),
            c => text.push(c),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_quoted_text() {
        for (value, text) in [
            (r#"299 - "deprecated""#, Some("deprecated")),
            (r#"299 - "say \"no\" \\ now" "Sun, 06 Nov 1994 08:49:37 GMT""#, Some(r#"say "no" \ now"#)),
            (r#"299 - "open"#, Some("open")),
            (r#"199 - "other""#, None),
            ("299 - bare", None),
            ("", None),
        ] {
            assert_eq!(warning(value).as_deref(), text, "{value}");
        }
    }
}
