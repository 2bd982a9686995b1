//! Parses what a command line names: the cache, an account, a reference.

use super::default_cache::default_cache;
use super::failure::CommandFailure;
use crate::cache::Cache;
use crate::credentials::Account;
use crate::reference::Reference;

/// The cache that commands use: `$HELM_HOME/registry`.
pub fn cache() -> Result<Cache, CommandFailure> {
    Ok(default_cache()?)
}

/// Parses a registry, or a part of one. A usage error if that fails.
pub fn account(text: &str) -> Result<Account, CommandFailure> {
    Account::from_argument(text).map_err(|error| CommandFailure::called_wrongly(&error))
}

/// Parses a reference. A usage error if that fails.
pub fn reference(text: &str) -> Result<Reference, CommandFailure> {
    text.parse().map_err(|error| CommandFailure::called_wrongly(&error))
}
