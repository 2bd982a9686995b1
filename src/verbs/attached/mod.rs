//! What is attached to a chart (signatures, SBOMs): kept in the cache, fetched from a registry, sent to one.

mod ask;
mod error;
mod kept;
mod kind;
mod put;
mod send;

pub(super) use ask::ask_each;
pub use error::AttachedError;
pub(super) use kept::kept;
pub use kind::AttachedKind;
pub(super) use put::put_listed;
pub(super) use send::Sending;
