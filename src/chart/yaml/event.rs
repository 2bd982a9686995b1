//! The events of a document: its nodes in the order of the text.

use std::borrow::Cow;

/// An event: a node, or the beginning or end of one.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// A scalar, with its anchor.
    Scalar(Scalar<'a>, Option<&'a str>),
    /// An alias: the node is that with this anchor.
    Alias(&'a str),
    /// The beginning of a list, with its anchor.
    List(Option<&'a str>),
    /// The beginning of a map, with its anchor. Its keys and values follow in turns.
    Map(Option<&'a str>),
    /// The end of the innermost list or map.
    End,
}

/// A scalar as it is spelled.
#[derive(Debug)]
pub(super) struct Scalar<'a> {
    pub(super) text: Cow<'a, str>,
    /// Whether its spelling decides its type, if there is no tag. Otherwise it is a string.
    pub(super) plain: bool,
    pub(super) tag: ScalarTag,
}

/// The tag of a scalar. go-yaml ignores the tags of lists and maps.
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
    /// The tag `!`.
    Unspecific,
    /// A tag that go-yaml does not know.
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
    /// The tag that consists of these two parts. They are compared without being joined: a prefix may be long, and a
    /// short handle may stand for it many times.
    pub(super) fn new(prefix: &[u8], rest: &[u8]) -> Self {
        let is = |wanted: &[&[u8]]| prefix.iter().chain(rest).eq(wanted.iter().copied().flatten());
        if is(&[b"!"]) {
            return Self::Unspecific;
        }
        NAMES.iter().find(|(name, _)| is(&[PREFIX, name])).map_or(Self::Other, |(_, tag)| *tag)
    }
}
