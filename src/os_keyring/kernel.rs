//! The kernel's keyring (keyrings(7)). Items are in the keyring of the session, and linked into the persistent one of
//! the user. They are gone after three days without use, and after a restart of the system. No daemon is needed.
//!
//! A session may have an item that another login has replaced since, so the persistent keyring is asked first.

use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier, KeyType};
use zeroize::Zeroizing;

use super::error::{KeyringError, SERVICE};
use super::store::Items;

/// How many levels of keyrings are searched. Keyrings hold keyrings, even each other; those of a session have two or
/// three levels: session, user, persistent.
const DEEPEST: usize = 4;

/// How many bytes of key ids are read: room for a million keys, the kernel's limit for root (keyrings(7),
/// root_maxkeys). The crate trusts the kernel's count even beyond the room that it gave, and counts the room in bytes.
const MOST: usize = 4_000_000;

/// How long an item is kept without use, in seconds: three days, as the persistent keyring does.
const KEPT: usize = 3 * 24 * 60 * 60;

/// The kernel's keyrings that this process uses.
pub(super) struct Kernel {
    session: KeyRing,
    /// None if it cannot be linked into that of the session, as without a login.
    persistent: Option<KeyRing>,
}

impl Kernel {
    pub(super) fn open() -> Result<Self, KeyringError> {
        let session = KeyRing::from_special_id(KeyRingIdentifier::Session, false);
        let session = session.map_err(|error| KeyringError::Absent(error.to_string()))?;
        let persistent = KeyRing::get_persistent(KeyRingIdentifier::Session)
            .inspect_err(|error| log::debug!("no persistent keyring: {error}"));
        Ok(Self { session, persistent: persistent.ok() })
    }

    fn find(&self, account: &str) -> Result<Option<Key>, KeyringError> {
        let description = description(account);
        if let Some(Ok(key)) = self.persistent.map(|keyring| keyring.search(&description)) {
            return Ok(Some(key));
        }
        match self.session.search(&description) {
            Ok(key) => Ok(Some(key)),
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// Sets the timeout of an item anew, and links it into the keyrings. A persistent keyring expires too, but without
    /// one the item must do so by itself.
    fn keep(&self, key: Key) {
        if let Err(error) = key.set_timeout(KEPT) {
            log::debug!("an item will not be forgotten: {error}");
        }
        for keyring in [Some(self.session), self.persistent].into_iter().flatten() {
            if let Err(error) = keyring.link_key(key) {
                log::debug!("an item has not been linked into a keyring: {error}");
            }
        }
    }
}

impl Items for Kernel {
    fn get(&self, account: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, KeyringError> {
        let Some(key) = self.find(account)? else { return Ok(Vec::new()) };
        self.keep(key);
        Ok(vec![Zeroizing::new(key.read_to_vec().map_err(failed)?)])
    }

    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyringError> {
        let key = self.session.add_key(&description(account), secret).map_err(failed)?;
        self.keep(key);
        Ok(())
    }

    fn erase(&self, account: &str) -> Result<bool, KeyringError> {
        let mut found = false;
        // The item of the persistent keyring, and that of the session if it is another one.
        for _ in 0..2 {
            let Some(key) = self.find(account)? else { break };
            key.invalidate().map_err(failed)?;
            found = true;
        }
        Ok(found)
    }

    fn accounts(&self) -> Result<Vec<String>, KeyringError> {
        let mut found = Vec::new();
        collect(self.session, DEEPEST, &mut found).map_err(failed)?;
        Ok(found)
    }
}

/// The description of an item, in the form that tools with the `keyring` crate use.
fn description(account: &str) -> String {
    format!("keyring:{account}@{SERVICE}")
}

fn failed(error: KeyError) -> KeyringError {
    match error {
        KeyError::QuotaExceeded => {
            KeyringError::Full("the kernel's quota for the keys of this user is used up".to_owned())
        }
        error => KeyringError::Store(format!("the kernel says: {error}")),
    }
}

fn collect(keyring: KeyRing, depth: usize, found: &mut Vec<String>) -> Result<(), KeyError> {
    let links = keyring.get_links(MOST)?;
    for link in links.iter() {
        if let Some(inner) = link.as_ring().filter(|_| depth > 1) {
            // A keyring that we may not read has none of our items.
            let _ = collect(inner, depth - 1, found);
        }
        // A key may expire between the two calls.
        let Some(Ok(key)) = link.as_key().map(|key| key.metadata()) else { continue };
        let description = key.get_description();
        let account = (key.get_type() == KeyType::User)
            .then(|| description.strip_prefix("keyring:")?.strip_suffix(SERVICE)?.strip_suffix('@'))
            .flatten();
        found.extend(account.map(str::to_owned));
    }
    Ok(())
}
