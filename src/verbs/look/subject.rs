//! How a user names a chart to read.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::reference::Reference;

/// A chart as it is named on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The path of a directory or a package.
    Path(PathBuf),
    /// The reference of a chart in the cache or in a registry.
    Reference(Reference),
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Reference(reference) => write!(f, "{reference}"),
        }
    }
}

/// Whether a word is the path of a chart: the path exists, or the word looks like one and is not a reference.
pub fn is_path(word: &str) -> bool {
    if word.starts_with("oci://") {
        return false;
    }
    let looks_like = word.starts_with(['.', '/']) || word.ends_with(".tgz");
    match word.parse::<Reference>() {
        // A directory may be named like a registry, and a chart in it like a repository.
        Ok(reference) => reference.tag.is_none() && reference.digest.is_none() && Path::new(word).exists(),
        Err(_) => looks_like || Path::new(word).exists(),
    }
}
