//! Charts in their registries, without the cache: tags are removed there, and given.

mod attached;
mod outcome;
mod remove;
mod tag;
mod untag;

pub use outcome::RemoteError;
pub use remove::{RemoteRemoval, RemovedRemotely, find_remote, remove_remote};
pub use tag::{TaggedRemotely, tag_remote};
