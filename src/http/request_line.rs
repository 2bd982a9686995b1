//! The part of a request that may be shown.

use std::fmt;

use super::location::Location;

/// The method and URL of a request without its query, as it may be shown: `GET https://registry.example.com/v2/…`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestLine {
    method: &'static str,
    url: Box<str>,
}

impl RequestLine {
    pub(crate) fn new(method: &'static str, location: &Location) -> Self {
        Self { method, url: location.to_string().into() }
    }

    /// The method, such as `GET`.
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
