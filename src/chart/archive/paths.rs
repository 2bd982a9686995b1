//! A set of the paths of an archive.

use std::collections::BTreeSet;

/// A set of paths. Most archives are sorted, so a new path usually comes after all others, which one comparison shows.
#[derive(Default)]
pub(super) struct ArchivePaths {
    /// The paths that came after all others, sorted.
    sorted: Vec<String>,
    /// The paths that did not.
    others: BTreeSet<String>,
}

impl ArchivePaths {
    /// Whether the set is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.sorted.is_empty() && self.others.is_empty()
    }

    /// Whether the path is in the set.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.sorted.binary_search_by(|known| known.as_str().cmp(path)).is_ok() || self.others.contains(path)
    }

    /// Whether there are paths below this one, as if it were a directory.
    pub(super) fn has_below(&self, path: &str) -> bool {
        if self.is_behind_all(path) {
            return false;
        }
        let below = format!("{path}/");
        let sorted = self.sorted.get(self.sorted.partition_point(|known| *known < below));
        let others = self.others.range(below.clone()..).next();
        sorted.into_iter().chain(others).any(|next| next.starts_with(&below))
    }

    /// Adds a path. Returns false if it was in the set already.
    pub(super) fn insert(&mut self, path: String) -> bool {
        if self.is_behind_all(&path) {
            self.sorted.push(path);
            return true;
        }
        !self.contains(&path) && self.others.insert(path)
    }

    fn is_behind_all(&self, path: &str) -> bool {
        self.sorted.last().is_none_or(|last| last.as_str() < path)
            && self.others.last().is_none_or(|last| last.as_str() < path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_any_order_it_is_one_set() {
        let paths = ["b", "a/x", "b/c", "b-c", "c/d/e", "a", "c/d", "d", "b", "a/x", "c/d/f", "c0", "e", "d"];
        // Every rotation, forwards and backwards: each time another part of the list is sorted.
        for start in 0..2 * paths.len() {
            let (mut found, mut expected) = (ArchivePaths::default(), BTreeSet::new());
            let rotated = (0..paths.len()).map(|n| match start < paths.len() {
                true => paths[(start + n) % paths.len()],
                false => paths[(start + paths.len() - n) % paths.len()],
            });
            for path in rotated {
                for known in paths {
                    let below = format!("{known}/");
                    let has_below = expected.iter().any(|path: &String| path.starts_with(&below));
                    assert_eq!(found.has_below(known), has_below, "{known} in {expected:?}");
                    assert_eq!(found.contains(known), expected.contains(known), "{known} in {expected:?}");
                }
                assert_eq!(found.insert(path.to_owned()), expected.insert(path.to_owned()), "{path}");
            }
        }
    }
}
