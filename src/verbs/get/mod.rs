//! What Helm asks a chart repository for, from the cache: chart packages, provenance files and an index. What the cache
//! lacks is pulled into it first.

mod address;
mod cached;
mod error;
mod index;
mod served;
mod versions;

pub use address::{Address, AddressError, Candidates, RegistryPlace};
pub use error::GetError;
pub use served::get;
