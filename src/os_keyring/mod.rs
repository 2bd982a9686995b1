//! The keyring of the operating system: Keychain, Credential Manager, Secret Service; on Linux the kernel's, where
//! `HELM_OCI_KEYRING=keyutils` chooses it. One item for each account, and nothing beside it: `list` asks the store for
//! all items of our service, so that there is no index to fall out of step.
//!
//! Only `docker-credential-helm-oci` uses this. macOS ties an item to the program that wrote it, and would ask again for
//! each other one.

mod error;
mod items;
#[cfg(target_os = "linux")]
mod kernel;
mod store;
mod system;

pub use error::{KeyringError, SERVICE};
pub use items::{KeyringItem, erase, find, get, list, set};
