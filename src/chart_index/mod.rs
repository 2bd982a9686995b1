//! The index of a classic chart repository, `index.yaml`: what it says of each version of each chart, read one version after the
//! other, so that an index of any size takes little memory.
//!
//! `entry` is what a version's entry says, `pieces` cuts the usual form of the YAML into one text for each, `yaml` and `json` read
//! them, and `read` decides which of the two it is.

mod entry;
mod error;
mod head;
mod json;
mod pieces;
mod read;
mod yaml;

pub use entry::{IndexEntry, IndexItem, InvalidEntry};
pub use error::IndexError;
pub use read::{MAX_INDEX, read_index};
