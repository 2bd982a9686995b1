//! Chart archives: reading strangers' tar files by rules that refuse and never repair.
//!
//! `members` decompresses, `entries` goes from block to block, `header` and `extension` take headers apart, `names` and `seen`
//! say which paths there may be. Whatever is accepted here every program reads as the same files.

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
