//! The stores of credentials: the OS keyring behind its helper, and the files of helm, docker and podman.
//!
//! Reading goes through all of them ([`Lookup`]); written are the keyring, and Helm's file if somebody asks for it
//! ([`stores`]).

mod account;
mod document;
mod edit;
mod file;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod helper;
mod keyring;
mod lookup;
pub mod protocol;
pub mod stores;
pub mod trusted;
mod words;

pub use account::{Account, AccountError};
pub use file::{CredentialFile, FileError};
pub use helper::{Helper, HelperError};
pub use lookup::{Lookup, LookupError, Side, of_environment};
