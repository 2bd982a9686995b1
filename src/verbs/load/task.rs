//! The charts in a layout.

use crate::layout::EntryName;
use crate::manifest::Descriptor;

/// A chart in a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadTask {
    /// Its name there.
    pub name: EntryName,
    /// The descriptor of its manifest, or of an index with it.
    pub manifest: Descriptor,
}
