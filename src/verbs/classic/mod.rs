//! A part of a registry as a classic chart repository: an index.yaml, and the packages beside it, for clients that know no OCI.

mod entry;
mod error;
mod files;
mod index;

pub use error::ClassicError;
pub use index::{ClassicIndexing, ClassicOptions, ClassicRow, ClassicStatus, IndexedRepository};
