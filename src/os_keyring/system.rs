//! The keyring that the system has of itself.

use std::collections::HashMap;

use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use super::error::{KeyringError, SERVICE};
use super::store::Items;
use crate::threads;

/// What speaks to the Secret Service over D-Bus has two or three threads beside ours, and panics without.
const BUS: usize = if cfg!(target_os = "linux") { 3 } else { 0 };

pub(super) struct System;

impl System {
    pub(super) fn open() -> Result<Self, KeyringError> {
        threads::afford(BUS).map_err(|error| KeyringError::Store(format!("it needs threads: {error}")))?;
        // `NoDefaultStore` is all that an entry would say without a keyring; the reason is in the store's status.
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
            // Other tools may have put more than one there. Ours takes the place of all.
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
}

fn specification() -> HashMap<&'static str, &'static str> {
    if cfg!(windows) {
        // A regular expression over the names of items.
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
        // Their text would be the secret itself, or a part of it.
        Error::BadEncoding(_) | Error::BadDataFormat(..) => {
            KeyringError::Store("an item cannot be decoded".to_owned())
        }
        error => KeyringError::Store(error.to_string()),
    }
}
