//! The paths that an archive has had so far. No path may be a file twice, or a file and a directory, because two
//! readers would see two charts. Paths that differ only in case or Unicode form are different for every reader, and are
//! accepted. A file system that takes them for one refuses the second when the chart is unpacked, as nothing is
//! overwritten.
//!
//! Helm itself writes one exception: if a chart has two versions of one dependency, told apart by aliases, both are in
//! the same directory of the package, one after the other (writeTarContents in pkg/chartutil/save.go). So the
//! Chart.yaml of a subchart may come again, and after it each path in that subchart once more. All versions of Helm
//! take the later file, and so do all programs that unpack.

use std::collections::BTreeSet;

use super::error::ArchiveError;
use super::paths::ArchivePaths;
use crate::limits::{Budget, HeldBudget};

/// The limit on the length of all paths together, in bytes. Ten thousand of the longest would be 10 MiB, and are kept
/// more than once.
const MAX_PATHS: usize = 2 << 20;
/// How many bytes of memory it takes to remember a path, besides the path itself.
const KEPT: usize = 64;

/// The paths that an archive has had so far.
pub(super) struct SeenPaths<'a> {
    held: HeldBudget<'a>,
    bytes: usize,
    files: ArchivePaths,
    directories: ArchivePaths,
    /// The directory of the file before. Checks that hold for it hold for the next file in it.
    directory: String,
    /// The subcharts that have begun again.
    again: Vec<Again>,
}

/// A subchart that has begun again with its Chart.yaml.
struct Again {
    /// Its directory, with a slash at the end.
    below: String,
    /// The paths in it that have come since.
    paths: BTreeSet<String>,
}

impl<'a> SeenPaths<'a> {
    /// An empty set. Memory is taken from `budget`.
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

    /// Whether there was any file.
    pub(super) fn has_files(&self) -> bool {
        !self.files.is_empty()
    }

    /// Adds the path of a file. Returns whether it has come before, in another version of its subchart. An error if it
    /// may not come.
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

    /// Adds the path of a directory, which may come any number of times.
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

    /// Whether this is the Chart.yaml of a subchart, such as `charts/a/charts/b/Chart.yaml`. If so, the subchart begins
    /// again.
    fn begins_anew(&mut self, path: &str) -> bool {
        let Some(below) = path.strip_suffix("Chart.yaml") else { return false };
        let mut rest = below;
        while let Some((_, deeper)) = rest.strip_prefix("charts/").and_then(|name| name.split_once('/')) {
            rest = deeper;
        }
        if below.is_empty() || !rest.is_empty() {
            return false;
        }
        // The subcharts in it begin again as well. Outer ones stay in front of inner ones.
        self.again.retain(|again| !again.below.starts_with(below));
        self.again.push(Again { below: below.to_owned(), paths: BTreeSet::new() });
        true
    }

    /// Whether the path of this file is a directory of another entry, or a directory of this path is a file.
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

    /// Whether a directory on this path is a file.
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

    /// Adds files, and directories, which end with a slash. Returns how many have come before, or the error.
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
        // Once after each Chart.yaml.
        assert!(take(&[&p, q, &q[1..]].concat()).is_err());
        assert!(take(&[&p[..], &p, &p[1..2]].concat()).is_err());
        assert!(take(&[&p[..], &p, q, &p[1..2]].concat()).is_err());
    }
}
