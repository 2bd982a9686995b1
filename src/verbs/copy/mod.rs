//! Copies charts from one registry to another, with everything that is attached to them and without the cache.

mod attached;
mod blobs;
mod copying;
mod error;
mod one;
mod passing;
mod place;
mod rate;
mod select;

pub(super) use attached::attached;
pub(super) use blobs::carry_blob;
pub use copying::{Copied, CopiedAttachment, CopiedBlobs, CopyOptions, CopyStatus, CopyTask, Copying};
pub use error::CopyError;
pub(super) use passing::Passing;
pub(super) use place::{CopyPlace, CopyPlaces};
pub(super) use rate::Throttle;
pub use select::CopySelection;
