//! Keeps the cache within the size that HELM_OCI_CACHE_MAX_SIZE names: commands that add to it remove what was least
//! recently used.

use super::failure::CommandFailure;
use super::size_and_age::bytes;
use super::size_argument::Bytes;
use crate::cache::Cache;
use crate::reference::Reference;
use crate::{environment, verbs};

/// Removes entries of the cache until it is within the limit, but none of those that the command was about. The command
/// has succeeded by then, so errors here are only warnings.
pub fn keep_within_limit(cache: &Cache, own: &[Reference]) {
    let Some(text) = environment::cache_max_size() else { return };
    let limit = match text.parse::<Bytes>() {
        Ok(limit) => limit.into(),
        Err(error) => {
            log::warn!(target: "oci", "HELM_OCI_CACHE_MAX_SIZE is ignored: {error}");
            return;
        }
    };
    match verbs::keep_within(cache, limit, own) {
        Ok(Some(pruned)) => {
            for removed in &pruned.removed {
                log::debug!("{} was removed from the cache: it is too large", removed.reference);
            }
            log::debug!("{} were reclaimed in the cache", bytes(pruned.reclaimed));
        }
        Ok(None) => {}
        Err(error) => {
            CommandFailure::new("the cache cannot be kept within HELM_OCI_CACHE_MAX_SIZE", &error).warn();
        }
    }
}
