//! A request as it may be shown.

use std::fmt;

use super::location::Location;

/// A request, as far as it may be shown: `GET https://registry.example.com/v2/…`, without the query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    method: &'static str,
    url: Box<str>,
}

impl RequestLine {
    pub(crate) fn new(method: &'static str, location: &Location) -> Self {
        Self { method, url: location.to_string().into() }
    }

    /// `GET`.
    pub fn method(&self) -> &'static str {
        self.method
    }

    /// The URL without its query.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)
    }
}
