//! Makes a classic chart repository of a part of a registry, for clients without OCI support: an index.yaml with the
//! packages next to it.

mod entry;
mod error;
mod files;
mod index;

pub use error::ClassicError;
pub use index::{ClassicIndexing, ClassicOptions, ClassicRow, ClassicStatus, IndexedRepository};
