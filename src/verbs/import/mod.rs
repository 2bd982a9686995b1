//! Imports charts of other programs into the cache: the cache of Helm 3.0 to 3.6, and directories of packages.

mod helm3;
mod outcome;
mod packages;
mod take;

pub use helm3::import_helm3;
pub use outcome::{ImportError, ImportOptions, ImportRow, Taken};
pub use packages::import_packages;
