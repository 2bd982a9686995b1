//! Serves what Helm requests from a chart repository: packages, provenance files and an index. Charts that the cache
//! does not have are pulled first.

mod address;
mod cached;
mod error;
mod index;
mod served;
mod versions;

pub use address::{Address, AddressError, Candidates, RegistryPlace};
pub use error::GetError;
pub use served::get;
