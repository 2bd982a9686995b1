//! What is attached to a chart: kept in the cache, fetched from a registry, sent to one.

mod error;
mod kept;
mod send;

pub use error::AttachedError;
pub(super) use kept::kept;
pub(super) use send::Sending;
