//! Lists repositories: the directories that contain `_blobs`, `_manifests` or another directory of the store.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::files::each_name;
use super::first::{self, First, FirstPage};
use super::store::RegistryStore;
use crate::disk::PathError;

/// How many subdirectories of one directory are kept in memory at a time; the directory is read again for the next
/// ones. A directory may have any number, at any depth.
const AT_ONCE: usize = 500;
/// The longest component of a name in bytes, and the most components that a name can have.
const LONGEST: usize = 255;

/// How many bytes of memory it takes to find `limit` repositories.
pub(super) fn memory(limit: usize) -> u64 {
    // The components on the way down share the length of one name. Each level also has its subdirectories in memory.
    (limit * (LONGEST + 48)) as u64
        + first::memory(AT_ONCE, LONGEST)
        + first::memory(AT_ONCE, 0) * LONGEST as u64 / 4
}

/// Compares names component by component, so that everything below a directory follows the directory itself.
fn in_order(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

impl RegistryStore {
    /// The first `limit` names after `last` of repositories to which a manifest or a blob was ever pushed.
    pub(super) fn repositories(
        &self,
        last: Option<&str>,
        limit: usize,
    ) -> Result<FirstPage<String>, PathError> {
        let mut search =
            CatalogSearch { root: self.dir("repositories"), last, limit: limit + 1, found: Vec::new() };
        search.below("")?;
        let is_more = search.found.len() > limit;
        search.found.truncate(limit);
        Ok(FirstPage { entries: search.found, is_more })
    }

    /// Calls `take` with the directory of every repository, until it returns `false`.
    pub(super) fn each_repository(
        &self,
        take: &mut dyn FnMut(&Path) -> Result<bool, PathError>,
    ) -> Result<(), PathError> {
        // A directory is open at each level, so only one request at a time walks through all of them.
        let _walking = self.walking();
        visit(&self.dir("repositories"), take).map(drop)
    }
}

/// Visits a directory and those below it. Returns whether `take` wants more.
fn visit(dir: &Path, take: &mut dyn FnMut(&Path) -> Result<bool, PathError>) -> Result<bool, PathError> {
    let (mut is_one, mut goes_on) = (false, true);
    each_name(dir, |name| {
        match name.starts_with('_') {
            true => is_one = true,
            false if goes_on => goes_on = visit(&dir.join(name), take)?,
            false => {}
        }
        Ok::<_, PathError>(())
    })?;
    if is_one && goes_on { take(dir) } else { Ok(goes_on) }
}

/// The search for the first names after `last`.
struct CatalogSearch<'a> {
    root: PathBuf,
    last: Option<&'a str>,
    limit: usize,
    found: Vec<String>,
}

impl CatalogSearch<'_> {
    /// Searches below a repository, or below a directory on the way to one.
    fn below(&mut self, name: &str) -> Result<(), PathError> {
        let dir = self.root.join(name);
        let path = |child: &str| if name.is_empty() { child.to_owned() } else { format!("{name}/{child}") };
        // If `last` is below this directory, the components before the one that leads to it were listed on earlier
        // pages.
        let rest = self.last.and_then(|last| match name {
            "" => Some(last),
            _ => last.strip_prefix(name)?.strip_prefix('/'),
        });
        let mut start = rest.and_then(|rest| rest.split('/').next());
        let mut is_one = false;
        let mut after: Option<Box<str>> = None;
        loop {
            let mut children = First::new(AT_ONCE, |a: &str, b: &str| a.cmp(b));
            each_name(&dir, |child| {
                let is_ahead = start.is_none_or(|start| child >= start)
                    && after.as_deref().is_none_or(|after| child > after);
                match child.starts_with('_') {
                    true => is_one = true,
                    false if is_ahead => children.take(child),
                    false => {}
                }
                Ok::<_, PathError>(())
            })?;
            if after.is_none() && is_one && self.last.is_none_or(|last| in_order(name, last).is_gt()) {
                self.found.push(name.to_owned());
            }
            let FirstPage { entries: children, is_more } = children.finish();
            for child in &children {
                if self.found.len() >= self.limit {
                    return Ok(());
                }
                self.below(&path(child))?;
            }
            if !is_more {
                return Ok(());
            }
            (start, after) = (None, children.last().cloned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repositories_are_found_page_by_page_in_any_tree() {
        let dir = tempfile::tempdir().unwrap();
        let store = RegistryStore::open(dir.path()).unwrap();
        let mut names: Vec<String> =
            ["a", "a/b", "a/b/c", "a-b", "a.b/c", "a0", "b/c/d/e", "b/c0", "z"].map(str::to_owned).to_vec();
        names.extend((0..AT_ONCE * 2 + 7).map(|number| format!("m/{}", number * 7919 % 104_729)));
        for name in &names {
            std::fs::create_dir_all(dir.path().join("repositories").join(name).join("_blobs")).unwrap();
        }
        // A directory on the way to others, or left over from an interrupted push, is not a repository.
        std::fs::create_dir_all(dir.path().join("repositories/n/o")).unwrap();
        names.sort_by(|a, b| in_order(a, b));
        for limit in [3, 100, 10_000] {
            let mut found: Vec<String> = Vec::new();
            for _ in 0..=names.len() {
                let FirstPage { entries: page, is_more } =
                    store.repositories(found.last().map(String::as_str), limit).unwrap();
                assert!(page.len() <= limit);
                found.extend(page);
                if !is_more {
                    break;
                }
            }
            assert_eq!(found, names, "{limit}");
        }
        assert_eq!(store.repositories(Some("a/a"), 2).unwrap().entries, ["a/b", "a/b/c"]);
        assert_eq!(
            store.repositories(Some("zz"), 2).unwrap(),
            FirstPage { entries: Vec::new(), is_more: false }
        );
        let mut count = 0;
        store
            .each_repository(&mut |_| {
                count += 1;
                Ok(count < 4)
            })
            .unwrap();
        assert_eq!(count, 4);
    }
}
