//! The trait of the keyrings that items are stored in.

use zeroize::Zeroizing;

use super::error::KeyringError;

/// A keyring.
pub(super) trait Items: Send {
    /// The secrets of an account. Other tools may have stored several; empty if there are none.
    fn get(&self, account: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, KeyringError>;
    /// Stores this secret, and replaces all secrets of the account.
    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyringError>;
    /// Removes all secrets of the account. Returns whether there were any.
    fn erase(&self, account: &str) -> Result<bool, KeyringError>;
    /// The accounts of all items of our service, in no particular order.
    fn accounts(&self) -> Result<Vec<String>, KeyringError>;
}
