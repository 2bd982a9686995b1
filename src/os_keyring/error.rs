//! The errors of the keyring, and how long it may take.

use std::time::Duration;

/// The name of the service that all our items belong to.
pub const SERVICE: &str = "helm-oci";

/// How long opening the keyring may take. A D-Bus that accepts the connection and never answers would block us forever,
/// as no store has a timeout of its own. A running keyring takes about 10 ms; one that has to be started takes a second
/// or two.
pub(super) const REACH: Duration = Duration::from_secs(5);

/// How long an action on the keyring may take. A user may have to find a password to unlock it. The programs that call
/// us wait for 30 seconds.
pub(super) const WORK: Duration = Duration::from_secs(25);

/// Why the keyring has not done what it was asked to do. Callers recognise some errors by the beginning of their text
/// (see [`crate::credentials::protocol`]).
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is no keyring. Callers recognise the beginning of the text.
    #[error("no OS keyring here: {0}")]
    Absent(String),
    /// No keyring has answered, though there may be one. Callers recognise the beginning of the text.
    #[error("no OS keyring here: it did not answer within {} seconds", REACH.as_secs())]
    Silent,
    /// `HELM_OCI_KEYRING` names a keyring that this system does not have. Unlike a missing keyring, this ends the
    /// command.
    #[error("HELM_OCI_KEYRING is `{0}`, and this system has no such keyring")]
    Unknown(String),
    /// The keyring is locked. Callers recognise the beginning of the text, and those of the next two.
    #[error("the OS keyring is locked: {0}")]
    Locked(String),
    /// The keyring does not answer, and may wait to be unlocked.
    #[error("the OS keyring did not answer within {} seconds; is it waiting to be unlocked?", WORK.as_secs())]
    Hangs,
    /// The keyring has no room for another item.
    #[error("the OS keyring is full: {0}")]
    Full(String),
    /// There is an item for this account, but its content is not of our form.
    #[error("the keyring item {SERVICE}, {0} is not of the form {{\"username\":…,\"secret\":…}}")]
    Foreign(String),
    /// Any other error, in the words of the store.
    #[error("the OS keyring: {0}")]
    Store(String),
}
