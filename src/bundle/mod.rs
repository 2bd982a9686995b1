//! Image layouts as files: as a tar archive, which is written and read in one pass, or as a directory, which is only
//! read.

mod error;
mod output;
mod parts;
mod range;
mod reader;
mod spool;
mod tape;
mod wrapped;
mod writer;

pub use error::BundleError;
pub use output::BundleOutput;
pub use range::FileRange;
pub use reader::BundleReader;
pub use wrapped::WrappedChart;
pub use writer::{BundleWriter, WriteError};
