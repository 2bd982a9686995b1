//! One request and its answer over one HTTP/1.1 connection, with time limits.

mod connection;
mod incoming;
mod outgoing;
mod pool;
mod send;

pub(super) use self::incoming::Incoming;
pub(super) use self::outgoing::{Outgoing, unreadable};
pub(super) use self::pool::ConnectionPool;
pub(super) use self::send::{Answered, Message, exchange};
