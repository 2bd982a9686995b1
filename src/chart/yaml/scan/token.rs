//! What a text consists of.

use std::borrow::Cow;

/// The smallest part of a text that means something.
#[derive(Debug)]
pub(in crate::chart::yaml) enum YamlToken<'a> {
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
