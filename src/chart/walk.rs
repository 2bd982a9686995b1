//! The walk through a chart's directory that `helm package` makes, but for symbolic links that leave the chart.
//!
//! It goes level by level: what all directories of a level hold is found out on all cores at once, and then judged in
//! the order of their names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ChartError;
use super::archive;
use super::ignore::Rules;
use super::rules;
use crate::disk::{At as _, Directory, Named, PathError, Status, on_all_cores};

/// So many files, and directories of one level, are looked at. How many a package may have is decided later.
const MOST: usize = 50_000;

/// A file of a chart.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path below the chart's directory, separated by `/`.
    pub(super) relative: String,
    pub(super) path: PathBuf,
    pub(super) size: u64,
}

/// The files of the chart at `path` that are not ignored.
pub(super) fn files(path: &Path) -> Result<Vec<Found>, ChartError> {
    let root = Arc::new(Real { path: fs::canonicalize(path).at("open", path)?, above: None });
    let mut walk = Walk { root: root.path.clone(), rules: ignore_rules(path)?, total: 0, found: Vec::new() };
    let mut level = vec![Place { path: path.to_path_buf(), relative: String::new(), real: root }];
    while !level.is_empty() {
        let mut next = Vec::new();
        for (place, inside) in level.iter().zip(on_all_cores(&level, |place| look_into(&place.path))) {
            walk.directory(place, inside?, &mut next)?;
        }
        level = next;
    }
    Ok(walk.found)
}

/// A directory on the way.
struct Place {
    path: PathBuf,
    relative: String,
    real: Arc<Real>,
}

/// Where a directory really is, and those that led to it.
struct Real {
    path: PathBuf,
    above: Option<Arc<Self>>,
}

impl Real {
    /// Whether the way has come through `path`.
    fn came_through(&self, path: &Path) -> bool {
        std::iter::successors(Some(self), |real| real.above.as_deref()).any(|real| real.path == path)
    }
}

struct Walk {
    root: PathBuf,
    rules: Rules,
    total: u64,
    found: Vec<Found>,
}

impl Walk {
    /// Takes the files of a directory, and puts the directories in it to `next`.
    fn directory(&mut self, place: &Place, inside: Inside, next: &mut Vec<Place>) -> Result<(), ChartError> {
        for (child, status) in inside {
            let path = place.path.join(&child.name);
            let Some(name) = child.name.to_str() else {
                return Err(ChartError::FileName { path, reason: "it is not UTF-8" });
            };
            let relative = match place.relative.as_str() {
                "" => name.to_owned(),
                above => format!("{above}/{name}"),
            };
            if self.rules.ignores(&relative, status.as_ref().is_ok_and(|status| status.is_directory)) {
                continue;
            }
            let status = status.at(if child.is_link { "follow the symbolic link" } else { "read" }, &path)?;
            let behind = if child.is_link { Some(self.follow(&path)?) } else { None };
            if let Err(reason) = archive::check_path(&relative) {
                return Err(ChartError::FileName { path, reason });
            }
            if status.is_directory {
                let real = behind.unwrap_or_else(|| place.real.path.join(name));
                if place.real.came_through(&real) {
                    return Err(ChartError::LinkLoop(path));
                }
                let real = Arc::new(Real { path: real, above: Some(Arc::clone(&place.real)) });
                next.push(Place { path, relative, real });
                // Links may lead to the same directory on ever more ways.
                if next.len() > MOST {
                    return Ok(archive::limit("the number of directories", MOST.to_string())?);
                }
            } else if status.is_file {
                rules::check_size(&relative, status.size)?;
                self.total += status.size;
                rules::check_total(self.total)?;
                self.found.push(Found { relative, path, size: status.size });
                if self.found.len() > MOST {
                    return Ok(archive::limit("the number of files", MOST.to_string())?);
                }
            } else {
                return Err(ChartError::Irregular(path));
            }
        }
        Ok(())
    }

    /// What a symbolic link leads to.
    fn follow(&self, link: &Path) -> Result<PathBuf, ChartError> {
        let real = fs::canonicalize(link).at("follow the symbolic link", link)?;
        if !real.starts_with(&self.root) {
            return Err(ChartError::LinkLeaves { path: link.to_path_buf(), target: real });
        }
        Ok(real)
    }
}

/// What is in a directory, by name.
type Inside = Vec<(Named, io::Result<Status>)>;

fn look_into(path: &Path) -> Result<Inside, PathError> {
    let mut directory = Directory::open_existing(path.to_path_buf())?;
    let mut names = directory.names()?;
    names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    let with_status = |named: Named| {
        let status = directory.status(&named.name);
        (named, status)
    };
    Ok(names.into_iter().map(with_status).collect())
}

fn ignore_rules(root: &Path) -> Result<Rules, ChartError> {
    let path = root.join(".helmignore");
    // A directory of that name is walked like any other, and what is none, or a link to elsewhere, is refused on the way:
    // reading a fifo or a device would not end.
    let inside = fs::canonicalize(root).at("open", root)?;
    match fs::canonicalize(&path) {
        Ok(real) if real.starts_with(inside) && real.is_file() => {}
        _ => return Ok(Rules::empty()),
    }
    let size = fs::metadata(&path).at("read", &path)?.len();
    rules::check_size(".helmignore", size)?;
    let bytes = fs::read(&path).at("read", &path)?;
    Rules::parse(&String::from_utf8_lossy(&bytes)).map_err(|source| ChartError::Ignore { path, source })
}
