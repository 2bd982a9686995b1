//! Finds the files in a chart's directory as `helm package` does, except that symbolic links may not leave the chart.
//!
//! The directories are read level by level. Those of one level are read on all cores at once, and their files are taken
//! in the order of the names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::ChartError;
use super::ignore::Rules;
use super::{archive, sizes};
use crate::disk::{AtPath as _, Directory, FileKind};
use crate::threads::on_all_cores;

/// The most files, and the most directories of one level, that are looked at. The limit of a package is checked later.
const MOST: usize = 50_000;

/// A file of a chart that was found.
#[derive(Debug)]
pub(super) struct FoundFile {
    /// Its path relative to the chart's directory, separated by `/`.
    pub(super) path: String,
    pub(super) size: u64,
}

/// How many directories are held in memory at once, with the names in them.
const AT_ONCE: usize = 1024;

/// Finds the files of the chart in the directory `path` that are not ignored.
pub(super) fn files(path: &Path) -> Result<Vec<FoundFile>, ChartError> {
    let root = Arc::new(Real { path: fs::canonicalize(path).at("open", path)?, above: None });
    let (ignore, rules) = (path.join(".helmignore"), ignore_rules(path)?);
    let walk = DirectoryWalk { root: root.path.clone(), ignore, rules };
    let mut level =
        vec![DirectoryPlace { relative: String::new(), at: path.to_path_buf(), is_utf8: true, real: root }];
    let (mut found, mut total) = (Vec::new(), 0);
    while !level.is_empty() {
        let mut next = Vec::new();
        for places in level.chunks(AT_ONCE) {
            for inside in on_all_cores(places, |place| walk.look_into(place)) {
                let Inside { files, directories } = inside?;
                total += files.iter().map(|file| file.size).sum::<u64>();
                sizes::check_total(total)?;
                found.extend(files);
                if found.len() > MOST {
                    return Ok(archive::limit("the number of files", MOST.to_string())?);
                }
                // Links may lead to the same directory in more and more ways.
                next.extend(directories);
                if next.len() > MOST {
                    return Ok(archive::limit("the number of directories", MOST.to_string())?);
                }
            }
        }
        level = next;
    }
    Ok(found)
}

/// A directory that is to be read.
struct DirectoryPlace {
    /// Its path relative to the chart's directory; empty for that itself. Bytes that are not UTF-8 are replaced, as in
    /// .helmignore.
    relative: String,
    /// Its path with that of the chart in front, byte for byte.
    at: PathBuf,
    /// Whether all of `relative` is UTF-8, so that nothing was replaced.
    is_utf8: bool,
    real: Arc<Real>,
}

/// The path of a directory with all links resolved, and those of the directories above it on the way.
struct Real {
    path: PathBuf,
    above: Option<Arc<Self>>,
}

impl Real {
    /// Whether the way to this directory has come through `path`.
    fn came_through(&self, path: &Path) -> bool {
        std::iter::successors(Some(self), |real| real.above.as_deref()).any(|real| real.path == path)
    }
}

/// What of a directory belongs to the chart, in the order of the names.
#[derive(Default)]
struct Inside {
    files: Vec<FoundFile>,
    directories: Vec<DirectoryPlace>,
}

struct DirectoryWalk {
    /// The path of the chart's directory with all links resolved.
    root: PathBuf,
    /// The path of the .helmignore, for messages.
    ignore: PathBuf,
    rules: Rules,
}

impl DirectoryWalk {
    fn look_into(&self, place: &DirectoryPlace) -> Result<Inside, ChartError> {
        let mut directory = Directory::open_existing(place.at.clone())?;
        let mut names = directory.names()?;
        names.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut inside = Inside::default();
        for child in names {
            let path = || directory.path().join(&child.name);
            let name = child.name.to_string_lossy();
            let is_utf8 = place.is_utf8 && child.name.to_str().is_some();
            let relative = match place.relative.as_str() {
                "" => name.into_owned(),
                above => [above, "/", &name].concat(),
            };
            let status = directory.status(&child.name);
            let is_directory = status.as_ref().is_ok_and(|status| status.is_directory);
            let ignores = self.rules.ignores(&relative, is_directory);
            if ignores.map_err(|source| ChartError::Ignore { path: self.ignore.clone(), source })? {
                continue;
            }
            let status = status.or_else(|error| {
                Err(error).at(
                    if child.kind == FileKind::Link { "follow the symbolic link" } else { "read" },
                    &path(),
                )
            })?;
            let behind = if child.kind == FileKind::Link { Some(self.follow(&path())?) } else { None };
            if status.is_directory {
                let real = behind.unwrap_or_else(|| place.real.path.join(&child.name));
                if place.real.came_through(&real) {
                    return Err(ChartError::LinkLoop(path()));
                }
                let real = Arc::new(Real { path: real, above: Some(Arc::clone(&place.real)) });
                inside.directories.push(DirectoryPlace { relative, at: path(), is_utf8, real });
            } else if status.is_file {
                // A directory is not an entry of a package; only the paths of files count.
                let checked = if is_utf8 { archive::check_path(&relative) } else { Err("it is not UTF-8") };
                if let Err(reason) = checked {
                    return Err(ChartError::FileName { path: path(), reason });
                }
                sizes::check_size(&relative, status.size)?;
                inside.files.push(FoundFile { path: relative, size: status.size });
            } else {
                return Err(ChartError::Irregular(path()));
            }
        }
        Ok(inside)
    }

    /// The path that a symbolic link leads to. An error if it is outside of the chart.
    fn follow(&self, link: &Path) -> Result<PathBuf, ChartError> {
        let real = fs::canonicalize(link).at("follow the symbolic link", link)?;
        if !real.starts_with(&self.root) {
            return Err(ChartError::LinkLeaves { path: link.to_path_buf(), target: real });
        }
        Ok(real)
    }
}

fn ignore_rules(root: &Path) -> Result<Rules, ChartError> {
    let path = root.join(".helmignore");
    // A directory called .helmignore is read like any other. Anything else that is not a file, or is a link that leaves
    // the chart, is refused when it is found: reading a fifo or a device might not end.
    let inside = fs::canonicalize(root).at("open", root)?;
    match fs::canonicalize(&path) {
        Ok(real) if real.starts_with(inside) && real.is_file() => {}
        _ => return Ok(Rules::empty()),
    }
    let size = fs::metadata(&path).at("read", &path)?.len();
    sizes::check_size(".helmignore", size)?;
    let bytes = fs::read(&path).at("read", &path)?;
    Rules::parse(&String::from_utf8_lossy(&bytes)).map_err(|source| ChartError::Ignore { path, source })
}
