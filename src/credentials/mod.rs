//! The stores of credentials: the OS keyring, through its helper, and the credential files of helm, docker and podman.
//!
//! All of them are read ([`Lookup`]). Only the keyring is written, and Helm's file if the user asks for that
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
