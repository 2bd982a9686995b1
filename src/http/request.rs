//! What is asked.

use super::body::Body;
use super::connections::Opening;
use super::location::Location;

/// One request. It can be sent again, and more than once.
#[derive(Clone)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'static str,
    pub(crate) location: Location,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body<'a>,
    /// The root of the server that was named. Its origin is the only one that ever sees an Authorization, and what lies
    /// beyond it is judged by it.
    pub(crate) home: &'a Location,
    /// What its connection may be and bring.
    pub(crate) opening: Opening,
}
