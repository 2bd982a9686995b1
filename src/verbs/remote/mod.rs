//! Changes tags of charts in registries, without the cache: removes and adds them.

mod attached;
mod outcome;
mod remove;
mod tag;
mod untag;

pub use outcome::RemoteError;
pub use remove::{RemoteRemoval, RemovedRemotely, find_remote, remove_remote};
pub use tag::{TaggedRemotely, tag_remote};
