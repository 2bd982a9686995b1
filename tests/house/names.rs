//! Whoever reads a type's name finds the one type: no name is given twice in the library.

use std::collections::BTreeMap;
use std::fs;

use super::layering::sources;

/// The type that a line at the margin declares: a struct, an enum, a trait or an alias.
fn declared(line: &str) -> Option<&str> {
    let words = match line.strip_prefix("pub") {
        None => line,
        Some(rest) => match rest.strip_prefix('(') {
            None => rest.strip_prefix(' ')?,
            Some(rest) => rest.split_once(") ")?.1,
        },
    };
    let (keyword, rest) = words.split_once(' ')?;
    let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
    matches!(keyword, "struct" | "enum" | "trait" | "type").then_some(name)
}

#[test]
fn no_name_is_given_to_two_types() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sources("src") {
        for line in fs::read_to_string(&file).unwrap().lines() {
            if let Some(name) = declared(line) {
                places.entry(name.to_owned()).or_default().push(file.display().to_string());
            }
        }
    }
    assert!(places.len() > 300, "{}", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn declarations_are_seen() {
    let seen = [
        "pub struct Digest {",
        "pub(super) enum Kind {",
        "trait Way<'a> {",
        "pub(in crate::http) type A<T> = B;",
    ];
    assert_eq!(seen.map(declared), [Some("Digest"), Some("Kind"), Some("Way"), Some("A")]);
    assert_eq!(["impl Digest {", "    struct Inner;", "// type of"].map(declared), [None; 3]);
}
