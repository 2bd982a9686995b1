//! Removes entries by their references.

use super::collect::Survey;
use super::error::CacheError;
use super::find::{entry_path, find};
use super::root::Cache;
use super::{lock, prepared};
use crate::reference::Reference;

impl Cache {
    /// Removes the entries of these references, and then everything that no entry needs any more. Returns for each
    /// whether it was there.
    pub fn remove(&self, references: &[Reference]) -> Result<Vec<bool>, CacheError> {
        let paths = references.iter().map(entry_path).collect::<Result<Vec<_>, _>>()?;
        let Some(root) = self.open_root()? else { return Ok(vec![false; references.len()]) };
        let _lock = lock::exclusive(&root)?;
        // Checked first: if one reference cannot be removed, none is.
        for reference in references.iter().filter(|r| r.tag.is_some() && r.digest.is_some()) {
            match find(&root, reference) {
                Ok(_) | Err(CacheError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let removed =
            paths.iter().map(|path| prepared::remove(&root, path)).collect::<Result<Vec<_>, _>>()?;
        Survey::of(&root)?.sweep(&root)?;
        Ok(removed)
    }

    /// Removes everything that no entry needs, and what killed commands have left behind.
    pub fn clear(&self) -> Result<(), CacheError> {
        let Some(root) = self.open_root()? else { return Ok(()) };
        let _lock = lock::exclusive(&root)?;
        Survey::of(&root)?.sweep(&root)?;
        Ok(())
    }
}
