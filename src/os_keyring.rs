//! The keyring of the operating system: Keychain, Credential Manager, Secret Service; on Linux the kernel's, where
//! `HELM_OCI_KEYRING=keyutils` chooses it. One item for each account, and nothing beside it: `list` asks the store for
//! all items of our service, so that there is no index to fall out of step.
//!
//! Only `docker-credential-helm-oci` uses this. macOS ties an item to the program that wrote it, and would ask again for
//! each other one.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use keyring::Error as E;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::credential::Secret;
use crate::environment;
use crate::threads::{self, Unfinished, within};

/// The service that all items belong to.
pub const SERVICE: &str = "helm-oci";

/// The kernel's keyring, as `HELM_OCI_KEYRING` calls it.
#[cfg(target_os = "linux")]
const KEYUTILS: &str = "keyutils";

/// To reach the keyring. A bus that takes the connection and never answers would hold us for ever: no store has a timeout
/// of its own. One that is there takes some 10 ms, and one that has to be started first a second or two.
const REACH: Duration = Duration::from_secs(5);

/// To do something with it. The keyring may have to be unlocked, by a person who has to find a password first; those
/// who call us wait for 30 seconds.
const WORK: Duration = Duration::from_secs(25);

/// What speaks to the Secret Service over D-Bus has two or three threads beside ours, and panics without.
const BUS: usize = if cfg!(target_os = "linux") { 3 } else { 0 };

/// Why the keyring has not done what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// There is none. Begins as callers know it by.
    #[error("no OS keyring here: {0}")]
    Absent(String),
    /// There may be one, and nothing answers. Begins as callers know it by.
    #[error("no OS keyring here: it did not answer within {} seconds", REACH.as_secs())]
    Silent,
    /// The user has chosen one that there is not. That is not the same as to have none: nobody should go on without it.
    #[error("HELM_OCI_KEYRING is `{0}`, and this system has no such keyring")]
    Unknown(String),
    /// It is there and does not open.
    #[error("the OS keyring is locked: {0}")]
    Locked(String),
    /// It does not answer.
    #[error("the OS keyring did not answer within {} seconds; is it waiting to be unlocked?", WORK.as_secs())]
    Hangs,
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

/// User and secret for an account.
pub fn get(account: &str) -> Result<Option<(String, Secret)>, KeyringError> {
    let account = account.to_owned();
    with_keyring(move || read(&account))
}

/// What an account has, with its name.
pub type Found = (String, String, Secret);

/// Of each list of accounts the first that is kept. All with one opening of the keyring, which is what takes time.
pub fn find(lists: Vec<Vec<String>>) -> Result<Vec<Found>, KeyringError> {
    with_keyring(move || {
        let mut kept: BTreeMap<String, Option<(String, Secret)>> = BTreeMap::new();
        for list in lists {
            for account in list {
                let is_kept = match kept.get(&account) {
                    Some(known) => known.is_some(),
                    None => {
                        let item = read(&account)?;
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
    with_keyring(move || {
        let entry = entry(&account)?;
        match entry.set_secret(&json) {
            // Other tools may have put more than one there. Ours takes the place of all.
            Err(E::Ambiguous(several)) => {
                several.iter().try_for_each(|one| one.delete_credential()).map_err(explain)?;
                entry.set_secret(&json).map_err(explain)
            }
            result => result.map_err(explain),
        }
    })
}

/// Forgets an account. Whether it was known.
pub fn erase(account: &str) -> Result<bool, KeyringError> {
    let account = account.to_owned();
    with_keyring(move || match entry(&account)?.delete_credential() {
        Ok(()) => Ok(true),
        Err(E::NoEntry) => Ok(false),
        Err(E::Ambiguous(several)) => {
            several.iter().try_for_each(|one| one.delete_credential()).map_err(explain)?;
            Ok(true)
        }
        Err(error) => Err(explain(error)),
    })
}

/// All accounts, with their users.
pub fn list() -> Result<Vec<(String, String)>, KeyringError> {
    with_keyring(|| {
        let mut found = Vec::new();
        for account in accounts()? {
            // What is not ours to read is not ours to list; neither is what somebody removes meanwhile.
            if let Ok(Some((username, _))) = read(&account) {
                found.push((account, username));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    })
}

/// The accounts of all items of our service.
fn accounts() -> Result<Vec<String>, KeyringError> {
    #[cfg(target_os = "linux")]
    if environment::keyring().as_deref() == Some(KEYUTILS) {
        return kernel::accounts().map_err(KeyringError::Store);
    }
    let mut found = Vec::new();
    for item in keyring_core::Entry::search(&specification()).map_err(explain)? {
        match item.get_specifiers() {
            Some((service, account)) if service == SERVICE => found.push(account),
            // Windows knows one name for an item, `account.service`, which may be taken apart at any dot.
            Some((rest, start)) if cfg!(windows) => {
                let name = format!("{start}.{rest}");
                found.extend(name.strip_suffix(&format!(".{SERVICE}")).map(str::to_owned));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn specification() -> HashMap<&'static str, &'static str> {
    if cfg!(windows) {
        // A regular expression over the names of items.
        HashMap::from([("pattern", r"\.helm-oci$")])
    } else {
        HashMap::from([("service", SERVICE)])
    }
}

fn entry(account: &str) -> Result<keyring_core::Entry, KeyringError> {
    keyring_core::Entry::new(SERVICE, account).map_err(explain)
}

fn read(account: &str) -> Result<Option<(String, Secret)>, KeyringError> {
    let parse = |bytes: &[u8]| serde_json::from_slice::<Item>(bytes).ok();
    let item = match entry(account)?.get_secret().map(Zeroizing::new) {
        Ok(secret) => parse(&secret),
        Err(E::NoEntry) => return Ok(None),
        // Of several that other tools have put there, the first that is of our form.
        Err(E::Ambiguous(several)) => several
            .iter()
            .filter_map(|one| one.get_secret().map(Zeroizing::new).ok())
            .find_map(|secret| parse(&secret)),
        Err(error) => return Err(explain(error)),
    };
    let item = item.ok_or_else(|| KeyringError::Foreign(account.to_owned()))?;
    Ok(Some((item.username, Secret::new(item.secret.to_string()))))
}

/// Opens the keyring that is chosen, or the system's own.
fn reach() -> Result<(), KeyringError> {
    match environment::keyring().as_deref() {
        None | Some("system") => {
            threads::afford(BUS)
                .map_err(|error| KeyringError::Store(format!("it needs threads: {error}")))?;
            // `NoDefaultStore` is all that an entry would say without a keyring; the reason is in the store's status.
            keyring::Entry::store_status()
                .as_ref()
                .map_err(|error| KeyringError::Absent(error.to_string()))
                .copied()
        }
        #[cfg(target_os = "linux")]
        Some(KEYUTILS) => {
            // Items are linked into the user's persistent keyring: gone after three days without use, or when the
            // system starts anew. Nothing has to run for it.
            let store = linux_keyutils_keyring_store::Store::new();
            keyring_core::set_default_store(store.map_err(|error| KeyringError::Absent(error.to_string()))?);
            Ok(())
        }
        Some("none") => Err(KeyringError::Absent("HELM_OCI_KEYRING is `none`".to_owned())),
        Some(other) => Err(KeyringError::Unknown(other.to_owned())),
    }
}

fn with_keyring<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, KeyringError> + Send + 'static,
) -> Result<T, KeyringError> {
    let otherwise = |late: KeyringError| {
        move |unfinished| match unfinished {
            Unfinished::Late => late,
            Unfinished::NoThread(error) => KeyringError::Store(format!("it needs a thread: {error}")),
        }
    };
    within(REACH, reach).map_err(otherwise(KeyringError::Silent))??;
    within(WORK, work).map_err(otherwise(KeyringError::Hangs))?
}

fn explain(error: E) -> KeyringError {
    match error {
        E::NoStorageAccess(reason) => KeyringError::Locked(reason.to_string()),
        E::NoDefaultStore => KeyringError::Absent(error.to_string()),
        // Their text would be the secret itself, or a part of it.
        E::BadEncoding(_) | E::BadDataFormat(..) => {
            KeyringError::Store("an item cannot be decoded".to_owned())
        }
        error => KeyringError::Store(error.to_string()),
    }
}

/// The kernel's keyring, of which its store crate cannot list the items.
#[cfg(target_os = "linux")]
mod kernel {
    use linux_keyutils::{KeyRing, KeyRingIdentifier, KeyType};

    /// Keyrings hold keyrings, even each other. A session's is two or three deep: session, user, persistent.
    const DEEPEST: usize = 4;

    /// Room for a million keys, which is the kernel's limit for root (keyrings(7), root_maxkeys): the crate believes the
    /// kernel's count even beyond the room that it gave, and counts that room in bytes.
    const MOST: usize = 4_000_000;

    /// The accounts that the session's keyring has items for, and those in it.
    pub(super) fn accounts() -> Result<Vec<String>, String> {
        let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false);
        let mut found = Vec::new();
        collect(session.map_err(|error| error.to_string())?, DEEPEST, &mut found)?;
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn collect(keyring: KeyRing, depth: usize, found: &mut Vec<String>) -> Result<(), String> {
        let links = keyring.get_links(MOST).map_err(|error| error.to_string())?;
        for link in links.iter() {
            if let Some(inner) = link.as_ring().filter(|_| depth > 1) {
                // One that is not ours to look into has none of our items.
                let _ = collect(inner, depth - 1, found);
            }
            // A key may run out between the two calls.
            let Some(Ok(key)) = link.as_key().map(|key| key.metadata()) else { continue };
            let description = key.get_description();
            let account = (key.get_type() == KeyType::User)
                .then(|| description.strip_prefix("keyring:")?.strip_suffix("@helm-oci"))
                .flatten();
            found.extend(account.map(str::to_owned));
        }
        Ok(())
    }
}
