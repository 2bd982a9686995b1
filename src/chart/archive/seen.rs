//! What an archive has had so far: no path may be a file twice, or a file and a directory. Two readers would make two charts
//! of it. Paths that differ in case or in their Unicode form alone are two to every reader, and may be: a file system that
//! holds but one of them refuses the second when it is unpacked, because nothing is overwritten.
//!
//! With one exception, which Helm itself writes: a chart that has two versions of one dependency, told apart by aliases, has
//! both of them in one directory of its package, one behind the other (writeTarContents in pkg/chartutil/save.go). So a
//! subchart's directory may begin anew with its Chart.yaml, and then all that is below it may come again, once. Every Helm
//! takes the later file, and so does every program that unpacks the package.

use std::collections::BTreeSet;

use super::error::ArchiveError;
use super::paths::ArchivePaths;
use crate::limits::{Budget, HeldBudget};

/// All paths together, which are kept: ten thousand of the longest would be 10 MiB, more than once.
const MAX_PATHS: usize = 2 << 20;
/// What keeping a path takes beside its bytes.
const KEPT: usize = 64;

/// The paths that have come.
pub(super) struct SeenPaths<'a> {
    held: HeldBudget<'a>,
    bytes: usize,
    files: ArchivePaths,
    directories: ArchivePaths,
    /// The directory of the file before: what holds for it holds for the next one in it.
    directory: String,
    /// Subcharts that have begun anew.
    again: Vec<Again>,
}

/// A subchart that has begun anew.
struct Again {
    /// Its directory, with a slash behind it.
    below: String,
    /// What has come of it since.
    paths: BTreeSet<String>,
}

impl<'a> SeenPaths<'a> {
    /// Nothing yet. What is kept is taken from `budget`.
    pub(super) fn new(budget: &'a Budget) -> Result<Self, ArchiveError> {
        Ok(Self {
            held: budget.hold(0)?,
            bytes: 0,
            files: ArchivePaths::default(),
            directories: ArchivePaths::default(),
            directory: String::new(),
            again: Vec::new(),
        })
    }

    /// Whether any of them was a file.
    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Takes a file. Whether it comes again, with the subchart that it belongs to.
    pub(super) fn file(&mut self, path: &str) -> Result<bool, ArchiveError> {
        self.count(path)?;
        if self.is_file_and_directory(path) {
            return refuse(path);
        }
        let again = !self.files.insert(path.to_owned());
        if again && !self.begins_anew(path) {
            let innermost = self.again.iter().rfind(|again| path.starts_with(&again.below));
            if innermost.is_none_or(|again| again.paths.contains(path)) {
                return Err(ArchiveError::Duplicate(path.to_owned()));
            }
        }
        for index in 0..self.again.len() {
            if path.starts_with(&self.again[index].below) {
                self.count(path)?;
                self.again[index].paths.insert(path.to_owned());
            }
        }
        Ok(again)
    }

    /// Takes a directory, which may come as often as it likes.
    pub(super) fn directory(&mut self, path: &str) -> Result<(), ArchiveError> {
        if self.directories.contains(path) {
            return Ok(());
        }
        self.count(path)?;
        if self.files.contains(path) || self.is_in_file(path) {
            return refuse(path);
        }
        self.directories.insert(path.to_owned());
        Ok(())
    }

    fn count(&mut self, path: &str) -> Result<(), ArchiveError> {
        self.bytes += path.len();
        if self.bytes > MAX_PATHS {
            return super::error::limit("all paths together", "2 MiB");
        }
        Ok(self.held.grow((path.len() + KEPT) as u64)?)
    }

    /// Whether this file is the Chart.yaml of a subchart, which begins anew with it: `charts/a/charts/b/Chart.yaml`.
    fn begins_anew(&mut self, path: &str) -> bool {
        let Some(below) = path.strip_suffix("Chart.yaml") else { return false };
        let mut rest = below;
        while let Some((_, deeper)) = rest.strip_prefix("charts/").and_then(|name| name.split_once('/')) {
            rest = deeper;
        }
        if below.is_empty() || !rest.is_empty() {
            return false;
        }
        // With what is in it. The outer ones stand before the inner ones.
        self.again.retain(|again| !again.below.starts_with(below));
        self.again.push(Again { below: below.to_owned(), paths: BTreeSet::new() });
        true
    }

    /// Whether another entry needs this file's path for a directory, or this one the path of another.
    fn is_file_and_directory(&mut self, path: &str) -> bool {
        if self.files.has_below(path) || self.directories.contains(path) || self.directories.has_below(path) {
            return true;
        }
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        if directory != self.directory {
            if self.is_in_file(path) {
                return true;
            }
            directory.clone_into(&mut self.directory);
        }
        false
    }

    /// Whether a directory on the way to this path is a file.
    fn is_in_file(&self, path: &str) -> bool {
        path.match_indices('/').any(|(at, _)| self.files.contains(&path[..at]))
    }
}

fn refuse<T>(path: &str) -> Result<T, ArchiveError> {
    Err(ArchiveError::Path { path: path.to_owned(), reason: "it is a file and a directory" })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes files, and directories that end with a slash. How many came again, or why not.
    fn take(paths: &[&str]) -> Result<usize, String> {
        let budget = Budget::default();
        let mut seen = SeenPaths::new(&budget).unwrap();
        let mut again = 0;
        for path in paths {
            let taken = match path.strip_suffix('/') {
                Some(directory) => seen.directory(directory).map(|()| false),
                None => seen.file(path),
            };
            again += usize::from(taken.map_err(|error| error.to_string())?);
        }
        Ok(again)
    }

    #[test]
    fn no_file_comes_twice_and_none_is_a_directory() {
        for paths in [
            &["a", "a/b"][..],
            &["a/b", "a"],
            &["a/", "a"],
            &["a", "a/"],
            &["a/b/", "a"],
            &["a", "a/b/"],
            &["a", "a"],
            &["a/b", "c", "a/b"],
            &["charts/p/a", "charts/p/a"],
            &["Chart.yaml", "Chart.yaml"],
            &["x/Chart.yaml", "x/Chart.yaml"],
            &["charts/Chart.yaml", "charts/Chart.yaml"],
            &["charts/p/x/Chart.yaml", "charts/p/x/Chart.yaml"],
            &["charts/p/Chart.yaml", "charts/p/a", "charts/p/Chart.yaml", "charts/p/a", "charts/p/a"],
            &["charts/p/Chart.yaml", "charts/q/a", "charts/p/Chart.yaml", "charts/q/a"],
            &["charts/p/Chart.yaml", "charts/p/a", "charts/p/Chart.yaml", "charts/p/a/b"],
        ] {
            assert!(take(paths).is_err(), "{paths:?}");
        }
        assert_eq!(take(&["a/", "a/b/", "a/b/c", "a/", "a/b/", "a.b", "a-b/c", "A"]), Ok(0));
    }

    #[test]
    fn a_subchart_may_begin_anew() {
        let p = ["charts/p/Chart.yaml", "charts/p/a", "charts/p/charts/q/Chart.yaml", "charts/p/charts/q/b"];
        let other =
            ["charts/p/Chart.yaml", "charts/p/charts/q/Chart.yaml", "charts/p/charts/q/b", "charts/p/c"];
        assert_eq!(take(&p), Ok(0));
        assert_eq!(take(&[p, p].concat()), Ok(4));
        assert_eq!(take(&[p, other].concat()), Ok(3));
        assert_eq!(take(&[p, other, p, other].concat()), Ok(11));
        let q = &p[2..];
        assert_eq!(take(&[&p, q].concat()), Ok(2));
        assert_eq!(take(&[&p, q, &p, q].concat()), Ok(8));
        // Once each time.
        assert!(take(&[&p, q, &q[1..]].concat()).is_err());
        assert!(take(&[&p[..], &p, &p[1..2]].concat()).is_err());
        assert!(take(&[&p[..], &p, q, &p[1..2]].concat()).is_err());
    }
}
