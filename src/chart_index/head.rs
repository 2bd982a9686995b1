//! What an index says of itself.

use super::error::IndexError;

/// What the document itself says.
#[derive(Default)]
pub(super) struct IndexHead {
    /// Whether there were `entries`.
    pub(super) has_entries: bool,
    /// Whether there was an `apiVersion`.
    pub(super) has_version: bool,
}

impl IndexHead {
    /// Whether this is an index at all.
    pub(super) fn check(&self) -> Result<(), IndexError> {
        match self.has_entries || self.has_version {
            true => Ok(()),
            false => Err(IndexError::NoIndex("it has neither `entries` nor an `apiVersion`")),
        }
    }
}
