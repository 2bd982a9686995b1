//! Tells an index from other documents.

use super::error::IndexError;

/// The keys at the top of the document that make it an index.
#[derive(Default)]
pub(super) struct IndexHead {
    /// Whether there was a key `entries`.
    pub(super) has_entries: bool,
    /// Whether there was a key `apiVersion`.
    pub(super) has_version: bool,
}

impl IndexHead {
    /// An error unless this is an index: it must have one of the two keys.
    pub(super) fn check(&self) -> Result<(), IndexError> {
        match self.has_entries || self.has_version {
            true => Ok(()),
            false => Err(IndexError::NoIndex("it has neither `entries` nor an `apiVersion`")),
        }
    }
}
