//! One request.

use super::body::Body;
use super::location::Location;
use super::opening::Opening;
use super::request_line::RequestLine;

/// One request. It can be sent again, and more than once.
#[derive(Clone)]
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: &'static str,
    pub(crate) location: Location,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body<'a>,
    /// The root of the server that the user has named. Only its origin receives an `Authorization`, and redirects are
    /// judged by where it is.
    pub(crate) home: &'a Location,
    /// Whether the user has allowed the host of `location`, where that is not the server itself.
    pub(crate) vouched: bool,
    /// How its connection may be obtained.
    pub(crate) opening: Opening,
}

impl HttpRequest<'_> {
    /// The request as it may be shown.
    pub(crate) fn line(&self) -> RequestLine {
        RequestLine::new(self.method, &self.location)
    }
}
