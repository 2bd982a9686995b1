//! Charts from one registry to another, with everything that is attached to them and without the cache.

mod attached;
mod blobs;
mod copying;
mod error;
mod one;
mod passing;
mod place;
mod select;

pub use copying::{Copied, CopiedAttachment, CopiedBlobs, CopyOptions, CopyStatus, CopyTask, Copying};
pub use error::CopyError;
pub use select::CopySelection;
