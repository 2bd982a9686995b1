//! The local chart cache: content-addressed blobs, and references to them. It has no index file and no daemon.
//!
//! Every command relies on these rules:
//! * blobs are put in place before the entry that needs them, so an entry never points at something absent;
//! * blobs and entries get their names by a rename, so a reader sees a whole one or none;
//! * blobs are hashed whenever they are read, so damage is noticed before it is used;
//! * nothing is read, written or removed through a symbolic link: a cache may come from elsewhere, as a tar or a CI's
//!   cache, so it is trusted no more than a chart.

mod attached;
mod blob;
mod check;
mod collect;
mod entry;
mod error;
mod find;
mod follow;
mod holder;
mod layout;
mod lock;
mod partial;
mod prepared;
mod prune;
mod put;
mod remove;
mod root;
mod scratch;
mod staged;
mod used;
mod walk;
mod written;

pub use attached::Attached;
pub use blob::CachedBlob;
pub use check::{CacheFault, CacheProblem, Checked, Sound};
pub use entry::{CacheEntry, EntryParts, Pushed, PushedParts, Stored};
pub use error::CacheError;
pub use find::{ListedEntry, Listing};
pub use follow::{Follow, Follower};
pub use partial::PartialBlob;
pub use prune::{Aged, Aging};
pub use put::PutAs;
pub use root::Cache;
pub use staged::{BlobWriter, StagedBlob};
pub use walk::Unreadable;
