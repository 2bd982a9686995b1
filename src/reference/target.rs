//! The part of a reference that names a manifest within its repository.

use std::fmt;

use super::tag::Tag;
use crate::digest::Digest;

/// The `<reference>` of the distribution spec ("Pulling manifests"): a tag, or a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The manifest that the registry has under this tag.
    Tag(&'a Tag),
    /// The manifest with this digest.
    Digest(&'a Digest),
}

impl<'a> Target<'a> {
    /// The digest of the manifest, if it is named by that; None for a tag.
    pub fn digest(self) -> Option<&'a Digest> {
        match self {
            Self::Digest(digest) => Some(digest),
            Self::Tag(_) => None,
        }
    }
}

impl<'a> From<&'a Tag> for Target<'a> {
    fn from(tag: &'a Tag) -> Self {
        Self::Tag(tag)
    }
}

impl<'a> From<&'a Digest> for Target<'a> {
    fn from(digest: &'a Digest) -> Self {
        Self::Digest(digest)
    }
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}
