//! The keyring of the operating system: Keychain, Credential Manager or Secret Service, and on Linux the kernel's if
//! `HELM_OCI_KEYRING=keyutils` is set. Each account has one item. There is no index: `list` asks the store for all
//! items of our service.
//!
//! Only `docker-credential-helm-oci` uses this. macOS ties an item to the program that wrote it, and would prompt the
//! user for every other program.

mod error;
mod items;
#[cfg(target_os = "linux")]
mod kernel;
mod store;
mod system;

pub use error::{KeyringError, SERVICE};
pub use items::{KeyringItem, erase, find, get, list, set};
