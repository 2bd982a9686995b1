//! Writes charts with everything that is attached to them into one file, from the cache or directly from registries.

mod bundling;
mod cached;
mod error;
mod gather;
mod origin;
mod since;
mod write;

pub use bundling::{Bundled, BundledChart, Bundling, BundlingOptions};
pub use error::BundlingError;
pub use gather::Gathered;
pub use since::Since;
pub(super) use since::as_path_error;
