//! Where packages come from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::error::MigrateError;
use super::package::PackageSpool;
use crate::chart_repository::{ChartRepository, ExpectedPackage, RepositoryAddress, RepositoryError};
use crate::digest::Digest;
use crate::disk::{self, AtPath as _};
use crate::http::{self, Sink as _};
use crate::limits::{MAX_CHART, MAX_PROVENANCE};
use crate::threads::locked;

/// What Artifactory writes before file names in the indexes of its local repositories.
const LOCAL: &str = "local://";

/// A classic repository, or a directory that has its files.
#[derive(Debug)]
pub enum ChartSource {
    /// Files below a URL, and wherever else the index says.
    Repository(Box<ChartRepository>),
    /// Files below a directory; what has a URL of its own is fetched from there, without any login.
    Directory(Box<PackageDirectory>),
}

/// A directory that has the files of a repository.
#[derive(Debug)]
pub struct PackageDirectory {
    path: PathBuf,
    /// The way to other places.
    options: http::HttpOptions,
    /// Those that were asked.
    others: Mutex<BTreeMap<String, Arc<ChartRepository>>>,
}

/// Where one URL of an index leads.
enum PackageWay<'a> {
    Repository(&'a ChartRepository, &'a str),
    Other(Arc<ChartRepository>, &'a str),
    File(PathBuf),
}

impl ChartSource {
    /// The files of a directory.
    pub fn directory(path: PathBuf, options: http::HttpOptions) -> Self {
        Self::Directory(Box::new(PackageDirectory { path, options, others: Mutex::default() }))
    }

    fn way<'a>(&'a self, url: &'a str) -> Result<PackageWay<'a>, MigrateError> {
        let url = url.trim();
        let url = url.strip_prefix(LOCAL).unwrap_or(url);
        let scheme = scheme(url);
        let is_fetched =
            scheme.is_none_or(|scheme| matches!(scheme.to_ascii_lowercase().as_str(), "http" | "https"));
        if let Some(scheme) = scheme.filter(|_| !is_fetched) {
            return Err(MigrateError::Scheme(format!("{scheme}://…")));
        }
        match self {
            Self::Repository(repository) => Ok(PackageWay::Repository(repository, url)),
            Self::Directory(directory) if scheme.is_none() && !url.starts_with("//") => {
                Ok(PackageWay::File(directory.path.join(below(url)?)))
            }
            Self::Directory(directory) => Ok(PackageWay::Other(directory.other(url)?, url)),
        }
    }

    /// Brings a package, of this digest if there is one.
    pub(super) fn package(
        &self,
        url: &str,
        expected: Option<&Digest>,
        into: &mut PackageSpool,
    ) -> Result<(), MigrateError> {
        let wanted = expected.map_or(ExpectedPackage::Anything, ExpectedPackage::Digest);
        match self.way(url)? {
            PackageWay::Repository(repository, url) => Ok(repository.package(url, wanted, into)?),
            PackageWay::Other(repository, url) => Ok(repository.package(url, wanted, into)?),
            PackageWay::File(path) => {
                let mut file = disk::open(&path).at("read", &path)?.take(MAX_CHART + 1);
                into.restart().map_err(MigrateError::Temporary)?;
                let mut buffer = vec![0; 64 << 10];
                while let read @ 1.. = disk::uninterrupted(|| file.read(&mut buffer)).at("read", &path)? {
                    into.write(&buffer[..read]).map_err(MigrateError::Temporary)?;
                }
                if into.size() > MAX_CHART {
                    let large = io::Error::other("it is larger than any chart");
                    return Err(large).at("read", &path).map_err(Into::into);
                }
                Ok(())
            }
        }
    }

    /// How many bytes a package has, as far as its server tells.
    pub(super) fn size(&self, url: &str) -> Result<Option<u64>, MigrateError> {
        match self.way(url)? {
            PackageWay::Repository(repository, url) => Ok(repository.package_size(url)?),
            PackageWay::Other(repository, url) => Ok(repository.package_size(url)?),
            PackageWay::File(path) => Ok(Some(std::fs::metadata(&path).at("read", &path)?.len())),
        }
    }

    /// What is beside a package to prove it.
    pub(super) fn provenance(&self, url: &str) -> Result<Option<Vec<u8>>, MigrateError> {
        match self.way(url)? {
            PackageWay::Repository(repository, url) => Ok(repository.provenance(url)?),
            PackageWay::Other(repository, url) => Ok(repository.provenance(url)?),
            PackageWay::File(path) => {
                let mut beside = path.into_os_string();
                beside.push(".prov");
                Ok(file(&PathBuf::from(beside))?)
            }
        }
    }
}

impl PackageDirectory {
    /// The server that a URL names.
    fn other(&self, url: &str) -> Result<Arc<ChartRepository>, MigrateError> {
        let address = RepositoryAddress::parse(root(url))?;
        let mut others = locked(&self.others);
        if let Some(known) = others.get(&address.origin()) {
            return Ok(Arc::clone(known));
        }
        let origin = address.origin();
        let other = Arc::new(ChartRepository::new(&self.options, address, None)?);
        others.insert(origin, Arc::clone(&other));
        Ok(other)
    }
}

/// A small file, if there is one.
fn file(path: &Path) -> Result<Option<Vec<u8>>, disk::PathError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.at("read", path)?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_PROVENANCE + 1).read_to_end(&mut bytes).at("read", path)?;
    if bytes.len() as u64 > MAX_PROVENANCE {
        return Err(io::Error::other("it is larger than any provenance file")).at("read", path);
    }
    Ok(Some(bytes))
}

/// `https` of `https://x`.
fn scheme(url: &str) -> Option<&str> {
    let (scheme, _) = url.split_once("://")?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    is_scheme.then_some(scheme)
}

/// `https://host` of `https://host/path`.
fn root(url: &str) -> &str {
    let begin = url.find("://").map_or(0, |at| at + 3);
    let end = url[begin..].find(['/', '?', '#']).map_or(url.len(), |at| begin + at);
    &url[..end]
}

/// A path below a directory, which a relative URL stands for. It leads out of it nowhere.
fn below(url: &str) -> Result<PathBuf, RepositoryError> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    let path = PathBuf::from(decoded);
    let leads_out = path.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir));
    match leads_out {
        true => Err(RepositoryError::Url {
            url: crate::terminal::printable(url, 256),
            source: http::RedirectRefusal::OtherHost,
        }),
        false => Ok(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_url_stays_in_its_directory() {
        for (url, path) in [
            ("a-1.0.0.tgz", Some("a-1.0.0.tgz")),
            ("./b/a-1.0.0%2B1.tgz?x", Some("./b/a-1.0.0+1.tgz")),
            ("../a.tgz", None),
            ("%2e%2e/a.tgz", None),
            ("/etc/passwd", None),
        ] {
            assert_eq!(below(url).ok(), path.map(PathBuf::from), "{url}");
        }
        assert_eq!((scheme("s3://b/x"), scheme("a/b://c"), scheme("x.tgz")), (Some("s3"), None, None));
        assert_eq!((root("https://h:1/x?y"), root("https://h")), ("https://h:1", "https://h"));
    }
}
