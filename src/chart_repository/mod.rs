//! The client of a classic chart repository: files below one URL, an index among them, and a user with a password.
//!
//! `address` says where files are, `client` asks for them, `hosts` holds back what would be too much for one server, `index` fetches
//! the index and `packages` charts and what proves them; `configured` reads what `helm repo add` has noted.

mod address;
mod client;
mod configured;
mod error;
mod hosts;
mod index;
mod packages;

pub use address::RepositoryAddress;
pub use client::{ChartRepository, RepositoryLogin};
pub use configured::{ConfiguredRepository, configured_repository};
pub use error::RepositoryError;
pub use index::{FetchedIndex, IndexValidators};
pub use packages::{ExpectedPackage, PackageSink};
