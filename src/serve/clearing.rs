//! Removes leftovers when the registry starts: unfinished uploads, and content that no repository has.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use super::files::each_name;
use super::store::{ALGORITHMS, RegistryStore};
use crate::disk::{AtPath, PathError};

/// How many digests are compared at a time. Eight bytes of each are kept in memory.
const AT_ONCE: usize = 1 << 20;

/// The first 64 bits of a digest. Unwanted content whose bits equal those of wanted content by chance stays, which does
/// no harm.
fn short(hex: &str) -> Option<u64> {
    u64::from_str_radix(hex.get(..16)?, 16).ok()
}

impl RegistryStore {
    /// Removes unfinished uploads, and content that no repository has.
    pub(super) fn clear(&self) -> Result<(), PathError> {
        let uploads = self.dir("uploads");
        remove_all(&uploads, |_| true)?;
        for algorithm in ALGORITHMS {
            let blobs = self.dir("blobs").join(algorithm.name());
            let mut count = 0_usize;
            each_name(&blobs, |_| {
                count += 1;
                Ok::<_, PathError>(())
            })?;
            let goes = count.div_ceil(AT_ONCE) as u64;
            for go in 0..goes {
                let is_looked_at = |short: u64| short % goes == go;
                // If reading the names fails, this returns before anything is removed.
                let named = self.named(algorithm.name(), is_looked_at)?;
                remove_all(&blobs, |hex| {
                    short(hex).is_none_or(|short| is_looked_at(short) && !named.contains(&short))
                })?;
            }
        }
        Ok(())
    }

    /// The shortened digests of all blobs and manifests that any repository has, as far as `is_wanted` accepts them.
    fn named(&self, algorithm: &str, is_wanted: impl Fn(u64) -> bool) -> Result<HashSet<u64>, PathError> {
        let mut named = HashSet::new();
        self.each_repository(&mut |dir| {
            for kind in ["_blobs", "_manifests"] {
                each_name(&dir.join(kind).join(algorithm), |hex| {
                    named.extend(short(hex).filter(|short| is_wanted(*short)));
                    Ok::<_, PathError>(())
                })?;
            }
            Ok(true)
        })?;
        Ok(named)
    }
}

/// Removes the unwanted files in a directory. A directory that changes while it is read may hide some, so it is read
/// again until none are found.
fn remove_all(dir: &Path, is_unwanted: impl Fn(&str) -> bool) -> Result<(), PathError> {
    loop {
        let mut removed = 0_usize;
        each_name(dir, |name| {
            if is_unwanted(name) {
                let path = dir.join(name);
                fs::remove_file(&path).at("remove", &path)?;
                removed += 1;
            }
            Ok::<_, PathError>(())
        })?;
        if removed == 0 {
            return Ok(());
        }
    }
}
