//! The OCI image layout as a value: what its files are called, what its index says, and in which order a bundle has its parts
//! (image spec, image-layout.md). Nothing here reads or writes a file.

mod index;
mod name;
mod paths;
mod plan;

pub use index::{IndexText, LayoutIndex, LayoutIndexError};
pub use name::{EntryName, IMAGE_NAME, KIND, REF_NAME, entry_name, written_reference};
pub use paths::{LayoutFile, MARKER, blob_path};
pub use plan::{BundlePlan, PlannedAttachment, PlannedChart};
