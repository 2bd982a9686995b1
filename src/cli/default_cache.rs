//! The cache that commands work on.

use crate::cache::Cache;
use crate::environment::{self, NoHome};

/// The cache at `$HELM_HOME/registry`. It is not opened or created yet.
pub(super) fn default_cache() -> Result<Cache, NoHome> {
    let root = environment::helm_home()?.join("registry");
    log::debug!("the cache is {}", root.display());
    Ok(Cache::new(root))
}
