//! What a document consists of.

use std::borrow::Cow;

/// What begins or ends at a place of a document.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// A scalar.
    Scalar(Scalar<'a>, Option<&'a str>),
    /// What has this anchor.
    Alias(&'a str),
    /// A list, with its anchor.
    List(Option<&'a str>),
    /// A map, with its anchor. Keys and values come by turns.
    Map(Option<&'a str>),
    /// The end of the list or map.
    End,
}

/// A scalar as it is written.
#[derive(Debug)]
pub(super) struct Scalar<'a> {
    pub(super) text: Cow<'a, str>,
    /// Without a tag it is what it looks like. Else it is a string.
    pub(super) plain: bool,
    pub(super) tag: ScalarTag,
}

/// What a tag says of a scalar. Of lists and maps go-yaml ignores it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScalarTag {
    None,
    Null,
    Bool,
    Int,
    Float,
    Str,
    Timestamp,
    Binary,
    Merge,
    /// `!`
    Unspecific,
    /// Any that go-yaml does not know.
    Other,
}

pub(super) const PREFIX: &[u8] = b"tag:yaml.org,2002:";

const NAMES: [(&[u8], ScalarTag); 8] = [
    (b"null", ScalarTag::Null),
    (b"bool", ScalarTag::Bool),
    (b"int", ScalarTag::Int),
    (b"float", ScalarTag::Float),
    (b"str", ScalarTag::Str),
    (b"timestamp", ScalarTag::Timestamp),
    (b"binary", ScalarTag::Binary),
    (b"merge", ScalarTag::Merge),
];

impl ScalarTag {
    /// The tag that both parts make together. What they say is looked at and not put together: a prefix may be long, and
    /// stand for a short handle many times.
    pub(super) fn new(prefix: &[u8], rest: &[u8]) -> Self {
        let is = |wanted: &[&[u8]]| prefix.iter().chain(rest).eq(wanted.iter().copied().flatten());
        if is(&[b"!"]) {
            return Self::Unspecific;
        }
        NAMES.iter().find(|(name, _)| is(&[PREFIX, name])).map_or(Self::Other, |(_, tag)| *tag)
    }
}
