//! What a text consists of.

use std::borrow::Cow;

/// The smallest part of a text that means something.
#[derive(Debug)]
pub(in crate::chart::yaml) enum Token<'a> {
    /// `%YAML 1.1`, with both numbers.
    Version(u8, u8),
    /// `%TAG`: a handle and what stands for it.
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
    /// `-`
    BlockEntry,
    /// `,`
    FlowEntry,
    /// `?`, or nothing before a simple key.
    Key,
    /// `:`
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    /// A handle and what follows it. There is none for `!<…>` and `!`.
    Tag(&'a str, Cow<'a, [u8]>),
    /// What it says, and whether it stands there without quotes and on no lines of its own.
    Scalar(Cow<'a, str>, bool),
}

/// What kind of token comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::chart::yaml) enum Kind {
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

impl Token<'_> {
    pub(super) fn kind(&self) -> Kind {
        match self {
            Token::Version(..) | Token::TagDirective(..) => Kind::Directive,
            Token::DocumentStart => Kind::DocumentStart,
            Token::DocumentEnd => Kind::DocumentEnd,
            Token::End => Kind::End,
            Token::BlockListStart => Kind::BlockListStart,
            Token::BlockMapStart => Kind::BlockMapStart,
            Token::BlockEnd => Kind::BlockEnd,
            Token::FlowListStart => Kind::FlowListStart,
            Token::FlowListEnd => Kind::FlowListEnd,
            Token::FlowMapStart => Kind::FlowMapStart,
            Token::FlowMapEnd => Kind::FlowMapEnd,
            Token::BlockEntry => Kind::BlockEntry,
            Token::FlowEntry => Kind::FlowEntry,
            Token::Key => Kind::Key,
            Token::Value => Kind::Value,
            Token::Alias(_) => Kind::Alias,
            Token::Anchor(_) => Kind::Anchor,
            Token::Tag(..) => Kind::Tag,
            Token::Scalar(..) => Kind::Scalar,
        }
    }
}
