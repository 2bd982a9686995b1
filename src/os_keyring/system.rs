//! The system's own keyring, through the `keyring` crate.

use std::collections::HashMap;

use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::error::{KeyringError, SERVICE};
use super::store::Items;
use crate::threads;

/// How many threads the D-Bus client of the Secret Service starts, two or three. It panics if it cannot.
const BUS: usize = if cfg!(target_os = "linux") { 3 } else { 0 };

pub(super) struct System;

impl System {
    pub(super) fn open() -> Result<Self, KeyringError> {
        threads::afford(BUS).map_err(|error| KeyringError::Store(format!("it needs threads: {error}")))?;
        // Without a keyring, an entry's error would only be `NoDefaultStore`. The status of the store has the reason.
        match keyring::Entry::store_status() {
            Ok(()) => Ok(Self),
            Err(error) => Err(KeyringError::Absent(error.to_string())),
        }
    }
}

impl Items for System {
    fn get(&self, account: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, KeyringError> {
        match entry(account)?.get_secret().map(Zeroizing::new) {
            Ok(secret) => Ok(vec![secret]),
            Err(Error::NoEntry) => Ok(Vec::new()),
            Err(Error::Ambiguous(several)) => {
                Ok(several.iter().filter_map(|one| one.get_secret().map(Zeroizing::new).ok()).collect())
            }
            Err(error) => Err(explain(error)),
        }
    }

    fn set(&self, account: &str, secret: &[u8]) -> Result<(), KeyringError> {
        let entry = entry(account)?;
        match entry.set_secret(secret) {
            // Other tools may have stored several. Ours replaces all of them.
            Err(Error::Ambiguous(several)) => {
                several.iter().try_for_each(Entry::delete_credential).map_err(explain)?;
                entry.set_secret(secret).map_err(explain)
            }
            result => result.map_err(explain),
        }
    }

    fn erase(&self, account: &str) -> Result<bool, KeyringError> {
        match entry(account)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(Error::Ambiguous(several)) => {
                several.iter().try_for_each(Entry::delete_credential).map_err(explain)?;
                Ok(true)
            }
            Err(error) => Err(explain(error)),
        }
    }

    fn accounts(&self) -> Result<Vec<String>, KeyringError> {
        let mut found = Vec::new();
        for item in Entry::search(&specification()).map_err(explain)? {
            match item.get_specifiers() {
                Some((service, account)) if service == SERVICE => found.push(account),
                // On Windows an item has one name, `account.service`, which may be split at any of its dots.
                Some((rest, start)) if cfg!(windows) => {
                    let name = format!("{start}.{rest}");
                    found.extend(name.strip_suffix(&format!(".{SERVICE}")).map(str::to_owned));
                }
                _ => {}
            }
        }
        Ok(found)
    }
}

fn specification() -> HashMap<&'static str, &'static str> {
    if cfg!(windows) {
        // A regular expression that the names of items must match.
        HashMap::from([("pattern", r"\.helm-oci$")])
    } else {
        HashMap::from([("service", SERVICE)])
    }
}

fn entry(account: &str) -> Result<Entry, KeyringError> {
    Entry::new(SERVICE, account).map_err(explain)
}

fn explain(error: Error) -> KeyringError {
    match error {
        Error::NoStorageAccess(reason) => KeyringError::Locked(reason.to_string()),
        Error::NoDefaultStore => KeyringError::Absent(error.to_string()),
        // The text of these errors would show the secret, or a part of it.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            KeyringError::Store("an item cannot be decoded".to_owned())
        }
        error => KeyringError::Store(error.to_string()),
    }
}
