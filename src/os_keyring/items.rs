//! The items of the keyring: one for each account.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::{KeyringError, REACH, WORK};
use super::store::Items;
use crate::credential::Secret;
use crate::environment;
use crate::threads::{Unfinished, within};

/// The content of an item. It has the user and the password, so that an item can be found without the user's name.
#[derive(Deserialize, Serialize)]
struct Item {
    username: String,
    secret: Zeroizing<String>,
}

/// Opens the keyring that `HELM_OCI_KEYRING` names, or the system's own.
pub(super) fn open() -> Result<Box<dyn Items>, KeyringError> {
    let chosen = environment::keyring();
    log::debug!("the keyring is {}", chosen.as_deref().unwrap_or("the system's"));
    match chosen.as_deref() {
        None | Some("system") => Ok(Box::new(super::system::System::open()?)),
        #[cfg(target_os = "linux")]
        Some("keyutils") => Ok(Box::new(super::kernel::Kernel::open()?)),
        Some("none") => Err(KeyringError::Absent("HELM_OCI_KEYRING is `none`".to_owned())),
        Some(other) => Err(KeyringError::Unknown(other.to_owned())),
    }
}

/// The user and the secret of an account; None if there is no item for it.
pub fn get(account: &str) -> Result<Option<(String, Secret)>, KeyringError> {
    let account = account.to_owned();
    with_keyring(move |items| read(items, &account))
}

/// An account, its user and its secret.
pub type KeyringItem = (String, String, Secret);

/// For each list of accounts, finds the first one that has an item. The keyring is opened once for all of them, since
/// that takes the time.
pub fn find(lists: Vec<Vec<String>>) -> Result<Vec<KeyringItem>, KeyringError> {
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

/// Stores a user and a secret for an account, and replaces an existing item.
pub fn set(account: &str, username: &str, secret: &Secret) -> Result<(), KeyringError> {
    let item = Item { username: username.to_owned(), secret: Zeroizing::new(secret.expose().to_owned()) };
    let json =
        Zeroizing::new(serde_json::to_vec(&item).map_err(|_| KeyringError::Foreign(account.to_owned()))?);
    let account = account.to_owned();
    with_keyring(move |items| items.set(&account, &json))
}

/// Removes the item of an account. Returns whether there was one.
pub fn erase(account: &str) -> Result<bool, KeyringError> {
    let account = account.to_owned();
    with_keyring(move |items| items.erase(&account))
}

/// All accounts that have items, with their users, sorted.
pub fn list() -> Result<Vec<(String, String)>, KeyringError> {
    with_keyring(|items| {
        let mut found = Vec::new();
        for account in items.accounts()? {
            // Items that we cannot read are left out, and so are those that were removed in the meantime.
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
    // If there are several, the first one that has our form counts.
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
