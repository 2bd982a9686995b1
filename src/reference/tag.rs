//! The tags of manifests.

use std::fmt;
use std::str::FromStr;

use super::error::ReferenceError;

/// A tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}` (distribution spec, "Pulling manifests").
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(Box<str>);

impl Tag {
    /// The tag as text, as the registry has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag of a chart's version, with `_` in place of `+`, which tags cannot hold (Helm's pkg/registry/util.go). An
    /// error if the result is not a tag.
    pub fn of_version(version: &str) -> Result<Self, ReferenceError> {
        version.replace('+', "_").parse()
    }

    /// The version that this tag stands for, with `+` in place of `_`: the inverse of [`Tag::of_version`].
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
