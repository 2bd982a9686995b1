//! What an entry of a layout's index is called.

use std::collections::BTreeMap;

use crate::reference::{Reference, ReferenceError, Tag};

/// The key of an entry's name: a reference or a tag (image spec, annotations.md; Helm 3.0 to 3.6 wrote references).
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The key under which containerd, regctl and hauler have the full reference.
pub const IMAGE_NAME: &str = "io.containerd.image.name";
/// The key under which `cosign save` says what an entry is (cosign, pkg/oci/layout).
pub const KIND: &str = "kind";

/// The name of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryName {
    /// A full reference, with a tag or a digest.
    Full(Reference),
    /// A tag alone.
    Tag(Tag),
    /// A name that no registry can have.
    Odd(String),
    /// None.
    Nameless,
}

/// The name that the annotations of an entry give it. A full reference counts before a tag, whichever key it stands under.
pub fn entry_name(annotations: &BTreeMap<String, String>) -> EntryName {
    let names = || [REF_NAME, IMAGE_NAME].into_iter().filter_map(|key| annotations.get(key));
    if let Some(reference) = names().find_map(|name| full(name)) {
        return EntryName::Full(reference);
    }
    match names().next() {
        None => EntryName::Nameless,
        Some(name) => name.replace('+', "_").parse().map_or(EntryName::Odd(name.clone()), EntryName::Tag),
    }
}

/// The reference that is written in a layout. In those that Helm 3.0 to 3.6 wrote, tags may have the `+` of a version, which is
/// `_` in a registry.
pub fn written_reference(name: &str) -> Result<Reference, ReferenceError> {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => {
            format!("{repository}:{}", tag.replace('+', "_")).parse()
        }
        _ => name.parse(),
    }
}

/// A reference with a tag or a digest.
fn full(name: &str) -> Option<Reference> {
    let reference = written_reference(name).ok()?;
    match (&reference.tag, &reference.digest) {
        (None, None) => None,
        // The digest is the entry's own.
        (Some(_), _) => Some(Reference { digest: None, ..reference }),
        (None, Some(_)) => Some(reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(annotations: &[(&str, &str)]) -> EntryName {
        entry_name(&annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_full_reference_counts_before_a_tag() {
        let full = |text: &str| EntryName::Full(text.parse().unwrap());
        for (given, expected) in [
            (&[(REF_NAME, "a.b/c:1.0.0+x")][..], full("a.b/c:1.0.0_x")),
            (&[(REF_NAME, "1"), (IMAGE_NAME, "a.b/c:1")], full("a.b/c:1")),
            (&[(REF_NAME, "a.b/c:1"), (IMAGE_NAME, "1")], full("a.b/c:1")),
            (&[(REF_NAME, "1.0.0+x")], EntryName::Tag("1.0.0_x".parse().unwrap())),
            (&[(REF_NAME, "w2/x y:1")], EntryName::Odd("w2/x y:1".to_owned())),
            (&[(REF_NAME, "a.b/c")], EntryName::Odd("a.b/c".to_owned())),
            (&[("kind", "x")], EntryName::Nameless),
            (&[], EntryName::Nameless),
        ] {
            assert_eq!(name(given), expected, "{given:?}");
        }
        let digest = crate::digest::Digest::of(b"x");
        assert_eq!(name(&[(REF_NAME, &format!("a.b/c:1@{digest}"))]), full("a.b/c:1"));
        let by_digest = format!("a.b/c@{digest}");
        assert_eq!(name(&[(REF_NAME, &by_digest)]), full(&by_digest));
    }
}
