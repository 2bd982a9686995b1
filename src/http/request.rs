//! What is asked.

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
    /// The root of the server that was named. Its origin is the only one that ever sees an Authorization, and what lies
    /// beyond it is judged by it.
    pub(crate) home: &'a Location,
    /// Whether the user has vouched for the place of the request, which is not the server's own.
    pub(crate) vouched: bool,
    /// What its connection may be and bring.
    pub(crate) opening: Opening,
}

impl HttpRequest<'_> {
    /// As it may be shown.
    pub(crate) fn line(&self) -> RequestLine {
        RequestLine::new(self.method, &self.location)
    }
}
