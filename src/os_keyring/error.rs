//! Why the keyring has not done what it was asked, and how long it may take.

use std::time::Duration;

/// The service that all items belong to.
pub const SERVICE: &str = "helm-oci";

/// To reach the keyring. A bus that takes the connection and never answers would hold us for ever: no store has a timeout
/// of its own. One that is there takes some 10 ms, and one that has to be started first a second or two.
pub(super) const REACH: Duration = Duration::from_secs(5);

/// To do something with it. The keyring may have to be unlocked, by a person who has to find a password first; those
/// who call us wait for 30 seconds.
pub(super) const WORK: Duration = Duration::from_secs(25);

/// Why the keyring has not done what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is none. Begins as callers know it by.
    #[error("no OS keyring here: {0}")]
    Absent(String),
    /// There may be one, and nothing answers. Begins as callers know it by.
    #[error("no OS keyring here: it did not answer within {} seconds", REACH.as_secs())]
    Silent,
    /// The user has chosen one that there is not. Unlike having no keyring, that ends the command.
    #[error("HELM_OCI_KEYRING is `{0}`, and this system has no such keyring")]
    Unknown(String),
    /// It is there and does not open. Begins as callers know it by, and so do the next two.
    #[error("the OS keyring is locked: {0}")]
    Locked(String),
    /// It does not answer.
    #[error("the OS keyring did not answer within {} seconds; is it waiting to be unlocked?", WORK.as_secs())]
    Hangs,
    /// There is no room for more.
    #[error("the OS keyring is full: {0}")]
    Full(String),
    /// There is an item, and not one of ours.
    #[error("the keyring item {SERVICE}, {0} is not of the form {{\"username\":…,\"secret\":…}}")]
    Foreign(String),
    /// Anything else, in the store's words.
    #[error("the OS keyring: {0}")]
    Store(String),
}
