//! Selects the charts in the cache that `list` prints.

use super::failure::CommandFailure;
use super::given::reference;
use crate::digest::Digest;
use crate::reference::{Prefix, Reference, ReferenceError, Repository};

/// The argument of `list`: a registry, a part of it, a repository, or one reference.
#[derive(Debug, PartialEq, Eq)]
pub enum Filter {
    /// `host[:port][/path]`: this repository, and everything below.
    Below(Prefix),
    /// A repository with a tag, a digest, or both.
    One(Reference),
    /// The end of a repository's name, without a registry: `web`, as docker accepts it.
    Ending(Repository),
}

impl Filter {
    /// Parses the argument.
    pub fn of(text: &str) -> Result<Self, CommandFailure> {
        match text.parse::<Prefix>() {
            Ok(prefix) => Ok(Self::Below(prefix)),
            Err(ReferenceError::Prefix(_)) => reference(text).map(Self::One),
            Err(error @ ReferenceError::NoHost(_)) => {
                let bare = text.trim_end_matches('/').parse().map(Self::Ending);
                bare.map_err(|_| CommandFailure::called_wrongly(&error))
            }
            Err(error) => Err(CommandFailure::called_wrongly(&error)),
        }
    }

    /// Whether an entry of the cache matches: by its reference, and the digest of its manifest if that is known.
    pub fn fits(&self, reference: &Reference, manifest: Option<&Digest>) -> bool {
        let repository = reference.repository.as_str();
        match self {
            Self::Below(Prefix { host, path }) => {
                let below = |path: &Repository| {
                    let rest = repository.strip_prefix(path.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                };
                reference.host == *host && path.as_ref().is_none_or(below)
            }
            Self::One(one) => {
                let digest = reference.digest.as_ref().or(manifest);
                reference.name() == one.name()
                    && (one.tag.is_none() || reference.tag == one.tag)
                    && (one.digest.is_none() || digest == one.digest.as_ref())
            }
            Self::Ending(path) => {
                let rest = repository.strip_suffix(path.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            }
        }
    }

    /// Whether an entry whose reference begins with `beginning` may match.
    pub fn may_fit_below(&self, beginning: &str) -> bool {
        let name = match self {
            Self::Below(prefix) => prefix.to_string(),
            Self::One(one) => one.name(),
            Self::Ending(_) => return true,
        };
        let [name, beginning] = [name.as_str(), beginning].map(|text| text.trim_start_matches("oci://"));
        name.starts_with(beginning) || beginning.starts_with(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_told_from_what_is_not() {
        let digest = Digest::of(b"x");
        let pinned = format!("a.b/c@{digest}");
        for (filter, reference, fits) in [
            ("a.b", "a.b/c:1", true),
            ("a.b/", "a.b/c:1", true),
            ("oci://a.b/c", "a.b/c:1", true),
            ("a.b/c/", "a.b/c/d:1", true),
            ("a.b/c", "a.b/cd:1", false),
            ("a.b/c/d", "a.b/c:1", false),
            ("a.c", "a.b/c:1", false),
            ("a.b/c:1", "a.b/c:1", true),
            ("a.b/c:1", "a.b/c:2", false),
            ("a.b/c:1", "a.b/c/d:1", false),
            (&pinned, "a.b/c:1", true),
            (&pinned, &pinned, true),
            (&pinned, "a.b/d:1", false),
            ("c", "a.b/c:1", true),
            ("c", "a.b/d/c:1", true),
            ("d/c", "a.b/d/c:1", true),
            ("c", "a.b/cc:1", false),
            ("c", "a.b/c/d:1", false),
        ] {
            let reference: Reference = reference.parse().unwrap();
            assert_eq!(Filter::of(filter).unwrap().fits(&reference, Some(&digest)), fits, "{filter}");
        }
        let other = Digest::of(b"y");
        assert!(!Filter::of(&pinned).unwrap().fits(&"a.b/c:1".parse().unwrap(), Some(&other)));
        for wrong in ["", "https://a.b/c", "a.b/C", "*", "a.b/c:"] {
            assert!(Filter::of(wrong).is_err(), "{wrong}");
        }
    }
}
