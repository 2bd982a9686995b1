//! Which repositories there are: the directories that hold anything of ours.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use super::files::each_name;
use super::first::{self, First, FirstPage};
use super::store::RegistryStore;
use crate::disk::PathError;

/// So many directories below one are looked at before the rest of them is looked for. A directory may have any number, and
/// be deep below others.
const AT_ONCE: usize = 500;
/// The longest that a component of a name can be, and the most that there can be of them.
const LONGEST: usize = 255;

/// How much memory it takes to find so many repositories.
pub(super) fn memory(limit: usize) -> u64 {
    // All components on the way down share the length of one name; each level has its directories besides.
    (limit * (LONGEST + 48)) as u64
        + first::memory(AT_ONCE, LONGEST)
        + first::memory(AT_ONCE, 0) * LONGEST as u64 / 4
}

/// Part by part, so that all that is below a directory comes together, behind the directory itself.
fn in_order(a: &str, b: &str) -> Ordering {
    a.split('/').cmp(b.split('/'))
}

impl RegistryStore {
    /// The first `limit` names after `last`, of repositories that a manifest or a blob was ever pushed to.
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

    /// Hands over the directory of every repository, until that does not want more.
    pub(super) fn each_repository(
        &self,
        take: &mut dyn FnMut(&Path) -> Result<bool, PathError>,
    ) -> Result<(), PathError> {
        // A directory is open at each level, so only one request at a time looks.
        let _walking = self.walking();
        visit(&self.dir("repositories"), take).map(drop)
    }
}

/// Says whether more are wanted.
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

/// The way down to the first names after another.
struct CatalogSearch<'a> {
    root: PathBuf,
    last: Option<&'a str>,
    limit: usize,
    found: Vec<String>,
}

impl CatalogSearch<'_> {
    /// Looks through what is below a repository, or a directory on the way to one.
    fn below(&mut self, name: &str) -> Result<(), PathError> {
        let dir = self.root.join(name);
        let path = |child: &str| if name.is_empty() { child.to_owned() } else { format!("{name}/{child}") };
        // Where the last one lies below here, what comes before the way to it was listed.
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
        // On the way to others, or left by what was cut off: no repository.
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
