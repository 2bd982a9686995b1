//! Reads `index.yaml`, the index of a classic chart repository. Each version of each chart is read after the other, so
//! an index of any size takes little memory.
//!
//! `entry` is a version's entry. `pieces` cuts YAML in its usual form into one text for each version. `yaml` and `json`
//! read these two formats, and `read` decides which of them an index has.

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
