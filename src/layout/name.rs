//! The names of the entries of a layout's index.

use std::collections::BTreeMap;

use crate::reference::{Reference, ReferenceError, Tag};

/// The annotation key of an entry's name, which is a reference or a tag (image spec, annotations.md). Helm 3.0 to 3.6
/// wrote references here.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The annotation key under which containerd, regctl and hauler write the full reference.
pub const IMAGE_NAME: &str = "io.containerd.image.name";
/// The annotation key under which `cosign save` writes what kind of thing an entry is (cosign, pkg/oci/layout).
pub const KIND: &str = "kind";

/// The name of an entry of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryName {
    /// The entry has a full reference, with a tag or a digest.
    Full(Reference),
    /// The entry has a tag alone.
    Tag(Tag),
    /// The entry has a name that is neither a reference nor a tag.
    Odd(String),
    /// The entry has no name.
    Nameless,
}

/// The name that an entry's annotations give it. If one of the two keys has a full reference, that counts, even if the
/// other one has a tag.
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

/// Reads a reference from a layout. In layouts of Helm 3.0 to 3.6 a tag may have the `+` of a version, which becomes
/// the `_` that registries have.
pub fn written_reference(name: &str) -> Result<Reference, ReferenceError> {
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => {
            format!("{repository}:{}", tag.replace('+', "_")).parse()
        }
        _ => name.parse(),
    }
}

/// Reads a reference that has a tag or a digest; None for other texts. If it has a tag, its digest is dropped.
fn full(name: &str) -> Option<Reference> {
    let reference = written_reference(name).ok()?;
    match (&reference.tag, &reference.digest) {
        (None, None) => None,
        // The digest is that of the entry anyway.
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
