//! The paths of an archive that have come so far.

use std::collections::BTreeSet;

/// Most archives are sorted: their paths are compared with the one before, and with no other.
#[derive(Default)]
pub(super) struct ArchivePaths {
    /// In their order, each behind all that came before.
    sorted: Vec<String>,
    /// Those that came too late for that.
    others: BTreeSet<String>,
}

impl ArchivePaths {
    /// Whether none has come.
    pub(super) fn is_empty(&self) -> bool {
        self.sorted.is_empty() && self.others.is_empty()
    }

    /// Whether it is one of them.
    pub(super) fn contains(&self, path: &str) -> bool {
        self.sorted.binary_search_by(|known| known.as_str().cmp(path)).is_ok() || self.others.contains(path)
    }

    /// Whether some are below it, as if it were a directory.
    pub(super) fn has_below(&self, path: &str) -> bool {
        if self.is_behind_all(path) {
            return false;
        }
        let below = format!("{path}/");
        let sorted = self.sorted.get(self.sorted.partition_point(|known| *known < below));
        let others = self.others.range(below.clone()..).next();
        sorted.into_iter().chain(others).any(|next| next.starts_with(&below))
    }

    /// Takes one that is not there yet. Whether it is not.
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
        // Every rotation, forwards and backwards: the sorted part is another one each time.
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
