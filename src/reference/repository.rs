//! The name of a repository.

use std::fmt;
use std::str::FromStr;

use super::error::ReferenceError;

/// The name of a repository within a registry, such as `myrepo/mychart`: the distribution spec's `<name>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository(Box<str>);

impl Repository {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.split('/').all(is_component) {
            return Ok(Self(text.into()));
        }
        if text.to_ascii_lowercase().split('/').all(is_component) {
            return Err(ReferenceError::UpperCase(text.to_owned()));
        }
        Err(ReferenceError::Repository(text.to_owned()))
    }
}

/// Whether this is one component of a name: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*` (distribution spec, "Pulling
/// manifests").
fn is_component(component: &str) -> bool {
    let mut rest = component;
    loop {
        let word = rest.bytes().take_while(|b| b.is_ascii_lowercase() || b.is_ascii_digit()).count();
        if word == 0 {
            return false;
        }
        rest = &rest[word..];
        if rest.is_empty() {
            return true;
        }
        let gap = rest.bytes().take_while(|b| matches!(b, b'.' | b'_' | b'-')).count();
        let (separator, after) = rest.split_at(gap);
        rest = after;
        let dashes = !separator.is_empty() && separator.bytes().all(|b| b == b'-');
        if !dashes && !matches!(separator, "." | "_" | "__") {
            return false;
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
