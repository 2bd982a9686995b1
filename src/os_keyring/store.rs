//! A store that the items are kept in.

use zeroize::Zeroizing;

use super::error::KeyringError;

/// One keyring.
pub(super) trait Items: Send {
    /// The secrets that an account has: other tools may have put several there.
    fn get(&self, account: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, KeyringError>;
    /// Keeps this one in place of all of them.
    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyringError>;
    /// Removes all of them. Whether there were any.
    fn erase(&self, account: &str) -> Result<bool, KeyringError>;
    /// The accounts of all items of our service.
    fn accounts(&self) -> Result<Vec<String>, KeyringError>;
}
