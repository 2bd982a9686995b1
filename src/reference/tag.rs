//! A tag.

use std::fmt;
use std::str::FromStr;

use super::error::ReferenceError;

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Tag {
    /// As it stands in the registry.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag of a chart version. Tags have no `+`, so Helm writes `_` for it (pkg/registry/util.go).
    pub fn of_version(version: &str) -> Result<Self, ReferenceError> {
        version.replace('+', "_").parse()
    }

    /// The version that this tag stands for: [`Tag::of_version`] backwards.
    pub fn to_version(&self) -> String {
        self.0.replace('_', "+")
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let valid = text.len() <= 128
            && text.bytes().next().is_some_and(word)
            && text.bytes().all(|b| word(b) || matches!(b, b'.' | b'-'));
        if valid { Ok(Self(text.into())) } else { Err(ReferenceError::Tag(text.to_owned())) }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
