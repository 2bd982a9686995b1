//! Reads tar archives of charts that may come from anybody. What is wrong is refused, and never repaired.
//!
//! `members` decompresses, `entries` reads block by block, `header` and `extension` read headers, and `names` and
//! `seen` check paths. An archive that is accepted has the same files for every program.

mod entries;
mod error;
mod extension;
mod header;
mod members;
mod names;
mod paths;
mod plain;
mod reader;
mod seen;
mod waiting;

pub use self::error::ArchiveError;
pub(super) use self::error::limit;
pub(super) use self::members::Allowance;
pub(super) use self::names::{check_path, place};
pub use self::plain::{TarEntries, TarEntry};
pub(super) use reader::{File, MAX_DEPTH, MAX_ENTRIES, first_file, read};
