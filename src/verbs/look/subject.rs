//! What is to be looked at.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::reference::Reference;

/// A chart, as a command line names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A directory or a package.
    Path(PathBuf),
    /// A chart of the cache or of a registry.
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

/// Whether a word is the path of a chart: it is there, or looks like one and like no reference.
pub fn is_path(word: &str) -> bool {
    if word.starts_with("oci://") {
        return false;
    }
    let looks_like = word.starts_with(['.', '/']) || word.ends_with(".tgz");
    match word.parse::<Reference>() {
        // A directory called like a registry, with a chart in it called like a repository.
        Ok(reference) => reference.tag.is_none() && reference.digest.is_none() && Path::new(word).exists(),
        Err(_) => looks_like || Path::new(word).exists(),
    }
}
