//! A cache that may get no larger than HELM_OCI_CACHE_MAX_SIZE says: commands that have put something into it take out what was
//! least recently used.

use super::failure::CommandFailure;
use super::size_and_age::bytes;
use super::size_argument::Bytes;
use crate::cache::Cache;
use crate::reference::Reference;
use crate::{environment, verbs};

/// Takes out of the cache what makes it too large, but none of what the command is about. The command has done its work: what
/// goes wrong here is a warning.
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
