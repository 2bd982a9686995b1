//! A directory of packages without an index, such as one that was synced from a bucket: what its files say is the index.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::MigrateError;
use crate::causes::chain;
use crate::chart;
use crate::chart_index::{IndexEntry, IndexItem, InvalidEntry};
use crate::digest::HashingReader;
use crate::disk::{AtPath as _, Directory, FileKind};
use crate::limits::Budget;

/// So deep are directories in one another that are looked into.
const DEEPEST: usize = 64;

/// Tells `take` of every package below the directory, in the order of their names. No symbolic link is followed.
pub fn read_directory(
    path: &Path,
    budget: &Budget,
    take: &mut dyn FnMut(IndexItem) -> Result<(), MigrateError>,
) -> Result<(), MigrateError> {
    walk(&mut Directory::open_existing(path.to_path_buf())?, &PathBuf::new(), budget, take)
}

fn walk(
    directory: &mut Directory,
    path: &Path,
    budget: &Budget,
    take: &mut dyn FnMut(IndexItem) -> Result<(), MigrateError>,
) -> Result<(), MigrateError> {
    let mut names = directory.names()?;
    names.sort_by(|a, b| a.name.cmp(&b.name));
    for named in names {
        let at = path.join(&named.name);
        let invalid =
            |why: String| IndexItem::Invalid(InvalidEntry { chart: at.display().to_string(), line: 0, why });
        if named.kind == FileKind::Directory {
            if path.components().count() >= DEEPEST {
                take(invalid("it is nested too deeply".to_owned()))?;
                continue;
            }
            match directory.below(&named.name) {
                Ok(Some(mut below)) => walk(&mut below, &at, budget, take)?,
                Ok(None) => {}
                // One directory that cannot be read hides no other.
                Err(error) => take(invalid(chain(&error)))?,
            }
            continue;
        }
        if at.extension().is_none_or(|extension| extension != "tgz") {
            continue;
        }
        let Some(url) = at.to_str() else {
            take(invalid("its name is not UTF-8".to_owned()))?;
            continue;
        };
        let item = match directory.file(&named.name) {
            Ok(Some((file, _))) => match read(file, &directory.path().join(&named.name), url, budget) {
                Ok(entry) => IndexItem::Entry(entry),
                Err(error) => invalid(chain(&error)),
            },
            Ok(None) => continue,
            Err(error) => invalid(chain(&error)),
        };
        take(item)?;
    }
    Ok(())
}

fn read(file: File, path: &Path, url: &str, budget: &Budget) -> Result<IndexEntry, MigrateError> {
    let mut package = HashingReader::new(file);
    let metadata = chart::inspect(&mut package, budget)?;
    let digest = package.finish().at("read", path)?;
    Ok(IndexEntry {
        chart: metadata.name.clone(),
        name: metadata.name,
        version: metadata.version,
        app_version: metadata.app_version,
        digest: Some(digest),
        urls: vec![percent_encoding::utf8_percent_encode(url, percent_encoding::CONTROLS).to_string()],
        created: String::new(),
        deprecated: metadata.deprecated,
        removed: false,
        line: 0,
    })
}
