//! Names of charts in registries: `[oci://]host[:port]/repository[:tag][@digest]`.
//!
//! Every part is checked when it is read, so a [`Reference`] is safe in a path and in a URL. The grammar is that of the
//! OCI distribution spec ("Pulling manifests"); that of hosts is docker's.

mod error;
mod full;
mod glob;
mod host;
mod prefix;
mod repository;
mod tag;
mod target;

pub use error::ReferenceError;
pub use full::Reference;
pub use glob::Glob;
pub use host::Host;
pub use prefix::Prefix;
pub use repository::Repository;
pub use tag::Tag;
pub use target::Target;
