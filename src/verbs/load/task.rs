//! What a layout has to give.

use crate::layout::EntryName;
use crate::manifest::Descriptor;

/// A chart of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadTask {
    /// What it is called there.
    pub name: EntryName,
    /// Its manifest, or an index with one.
    pub manifest: Descriptor,
}
