//! The keyring of the operating system: Keychain, Credential Manager, Secret Service; on Linux the kernel's, where
//! `HELM_OCI_KEYRING=keyutils` chooses it. One item for each account, and nothing beside it: `list` asks the store for
//! all items of our service, so that there is no index to fall out of step.
//!
//! Only `docker-credential-helm-oci` uses this. macOS ties an item to the program that wrote it, and would ask again for
//! each other one.

#[cfg(target_os = "linux")]
mod kernel;
mod system;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credential::Secret;
use crate::environment;
use crate::threads::{Unfinished, within};

/// The service that all items belong to.
pub const SERVICE: &str = "helm-oci";

/// To reach the keyring. A bus that takes the connection and never answers would hold us for ever: no store has a timeout
/// of its own. One that is there takes some 10 ms, and one that has to be started first a second or two.
const REACH: Duration = Duration::from_secs(5);

/// To do something with it. The keyring may have to be unlocked, by a person who has to find a password first; those
/// who call us wait for 30 seconds.
const WORK: Duration = Duration::from_secs(25);

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

/// An item's secret: user and password together, so that an account is found without knowing its user.
#[derive(Deserialize, Serialize)]
struct Item {
    username: String,
    secret: Zeroizing<String>,
}

/// One keyring.
trait Items: Send {
    /// The secrets that an account has: other tools may have put several there.
    fn get(&self, account: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, KeyringError>;
    /// Keeps this one in place of all of them.
    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyringError>;
    /// Removes all of them. Whether there were any.
    fn erase(&self, account: &str) -> Result<bool, KeyringError>;
    /// The accounts of all items of our service.
    fn accounts(&self) -> Result<Vec<String>, KeyringError>;
}

/// Opens the keyring that is chosen, or the system's own.
fn open() -> Result<Box<dyn Items>, KeyringError> {
    let chosen = environment::keyring();
    log::debug!("the keyring is {}", chosen.as_deref().unwrap_or("the system's"));
    match chosen.as_deref() {
        None | Some("system") => Ok(Box::new(system::System::open()?)),
        #[cfg(target_os = "linux")]
        Some("keyutils") => Ok(Box::new(kernel::Kernel::open()?)),
        Some("none") => Err(KeyringError::Absent("HELM_OCI_KEYRING is `none`".to_owned())),
        Some(other) => Err(KeyringError::Unknown(other.to_owned())),
    }
}

/// User and secret for an account.
pub fn get(account: &str) -> Result<Option<(String, Secret)>, KeyringError> {
    let account = account.to_owned();
    with_keyring(move |items| read(items, &account))
}

/// What an account has, with its name.
pub type Found = (String, String, Secret);

/// Of each list of accounts the first that is kept. All with one opening of the keyring, which is what takes time.
pub fn find(lists: Vec<Vec<String>>) -> Result<Vec<Found>, KeyringError> {
    with_keyring(move |items| {
        let mut kept: BTreeMap<String, Option<(String, Secret)>> = BTreeMap::new();
        for list in lists {
            for account in list {
                let is_kept = match kept.get(&account) {
                    Some(known) => known.is_some(),
                    None => {
                        let item = read(items, &account)?;
                        kept.entry(account).or_insert(item).is_some()
                    }
                };
                if is_kept {
                    break;
                }
            }
        }
        Ok(kept
            .into_iter()
            .filter_map(|(account, item)| item.map(|(user, secret)| (account, user, secret)))
            .collect())
    })
}

/// Keeps user and secret for an account, in place of what was there.
pub fn set(account: &str, username: &str, secret: &Secret) -> Result<(), KeyringError> {
    let item = Item { username: username.to_owned(), secret: Zeroizing::new(secret.expose().to_owned()) };
    let json =
        Zeroizing::new(serde_json::to_vec(&item).map_err(|_| KeyringError::Foreign(account.to_owned()))?);
    let account = account.to_owned();
    with_keyring(move |items| items.set(&account, &json))
}

/// Forgets an account. Whether it was known.
pub fn erase(account: &str) -> Result<bool, KeyringError> {
    let account = account.to_owned();
    with_keyring(move |items| items.erase(&account))
}

/// All accounts, with their users.
pub fn list() -> Result<Vec<(String, String)>, KeyringError> {
    with_keyring(|items| {
        let mut found = Vec::new();
        for account in items.accounts()? {
            // What is not ours to read is not ours to list; neither is what somebody removes meanwhile.
            if let Ok(Some((username, _))) = read(items, &account) {
                found.push((account, username));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    })
}

fn read(items: &dyn Items, account: &str) -> Result<Option<(String, Secret)>, KeyringError> {
    let secrets = items.get(account)?;
    log::debug!("{account}: {} in the keyring", secrets.len());
    if secrets.is_empty() {
        return Ok(None);
    }
    // Of several the first that is of our form.
    let item = secrets.iter().find_map(|secret| serde_json::from_slice::<Item>(secret).ok());
    let item = item.ok_or_else(|| KeyringError::Foreign(account.to_owned()))?;
    Ok(Some((item.username, Secret::new(item.secret.to_string()))))
}

fn with_keyring<T: Send + 'static>(
    work: impl FnOnce(&dyn Items) -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let otherwise = |late: KeyringError| {
        move |unfinished| match unfinished {
            Unfinished::Late => late,
            Unfinished::NoThread(error) => KeyringError::Store(format!("it needs a thread: {error}")),
        }
    };
    let items = within(REACH, open).map_err(otherwise(KeyringError::Silent))??;
    within(WORK, move || work(&*items)).map_err(otherwise(KeyringError::Hangs))?
}
