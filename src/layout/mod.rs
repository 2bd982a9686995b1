//! The rules of the OCI image layout (image spec, image-layout.md): the paths of its files, the content of its index,
//! the names of its entries, and the order of the parts of a bundle. Nothing here reads or writes a file.

mod index;
mod name;
mod paths;
mod plan;

pub use index::{IndexText, LayoutIndex, LayoutIndexError};
pub use name::{EntryName, IMAGE_NAME, KIND, REF_NAME, entry_name, written_reference};
pub use paths::{LayoutFile, MARKER, blob_path};
pub use plan::{BundlePlan, PlannedAttachment, PlannedChart};
