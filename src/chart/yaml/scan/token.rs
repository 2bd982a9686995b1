//! The tokens of a YAML text.

use std::borrow::Cow;

/// A token.
#[derive(Debug)]
pub(in crate::chart::yaml) enum YamlToken<'a> {
    /// `%YAML 1.1`, with its two numbers.
    Version(u8, u8),
    /// `%TAG`, with a handle and the prefix that it stands for.
    TagDirective(&'a str, Cow<'a, [u8]>),
    DocumentStart,
    DocumentEnd,
    End,
    BlockListStart,
    BlockMapStart,
    BlockEnd,
    FlowListStart,
    FlowListEnd,
    FlowMapStart,
    FlowMapEnd,
    /// The `-` of a block list's entry.
    BlockEntry,
    /// The `,` between entries of a flow collection.
    FlowEntry,
    /// The beginning of a key: a `?`, or nothing in front of a simple key.
    Key,
    /// The `:` in front of a value.
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// A tag, with its handle and the rest of it. `!<…>` and `!` have an empty handle.
    Tag(&'a str, Cow<'a, [u8]>),
    /// A scalar, and whether it is plain: without quotes, and not a block scalar.
    Scalar(Cow<'a, str>, bool),
}

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chart::yaml) enum YamlTokenKind {
    Directive,
    DocumentStart,
    DocumentEnd,
    End,
    BlockListStart,
    BlockMapStart,
    BlockEnd,
    FlowListStart,
    FlowListEnd,
    FlowMapStart,
    FlowMapEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias,
    Anchor,
    Tag,
    Scalar,
}

impl YamlToken<'_> {
    pub(super) fn kind(&self) -> YamlTokenKind {
        match self {
            YamlToken::Version(..) | YamlToken::TagDirective(..) => YamlTokenKind::Directive,
            YamlToken::DocumentStart => YamlTokenKind::DocumentStart,
            YamlToken::DocumentEnd => YamlTokenKind::DocumentEnd,
            YamlToken::End => YamlTokenKind::End,
            YamlToken::BlockListStart => YamlTokenKind::BlockListStart,
            YamlToken::BlockMapStart => YamlTokenKind::BlockMapStart,
            YamlToken::BlockEnd => YamlTokenKind::BlockEnd,
            YamlToken::FlowListStart => YamlTokenKind::FlowListStart,
            YamlToken::FlowListEnd => YamlTokenKind::FlowListEnd,
            YamlToken::FlowMapStart => YamlTokenKind::FlowMapStart,
            YamlToken::FlowMapEnd => YamlTokenKind::FlowMapEnd,
            YamlToken::BlockEntry => YamlTokenKind::BlockEntry,
            YamlToken::FlowEntry => YamlTokenKind::FlowEntry,
            YamlToken::Key => YamlTokenKind::Key,
            YamlToken::Value => YamlTokenKind::Value,
            YamlToken::Alias(_) => YamlTokenKind::Alias,
            YamlToken::Anchor(_) => YamlTokenKind::Anchor,
            YamlToken::Tag(..) => YamlTokenKind::Tag,
            YamlToken::Scalar(..) => YamlTokenKind::Scalar,
        }
    }
}
