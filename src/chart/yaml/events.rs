//! Turns tokens into events, the nodes of a document (go-yaml's parserc.go).
//!
//! Only the first document of a file is read, as Helm does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::event::{Event, PREFIX, Scalar, ScalarTag};
use super::input::Input;
use super::problem::YamlProblem;
use super::scan::{Scanner, YamlToken, YamlTokenKind};

/// How many handles of tags a document may declare; all of them are remembered. Documents need a few at most.
const MAX_HANDLES: usize = 1000;

/// What is expected next.
#[derive(Clone, Copy)]
enum EventState {
    Start,
    DocumentContent,
    BlockNode,
    BlockListEntry {
        first: bool,
    },
    /// An entry of a list in a map whose `-` has the same column as the map's keys.
    IndentlessEntry,
    BlockMapKey {
        first: bool,
    },
    BlockMapValue,
    FlowListEntry {
        first: bool,
    },
    /// The key of `a: b` in a flow list, which is a map of one entry.
    PairKey,
    PairValue,
    PairEnd,
    FlowMapKey {
        first: bool,
    },
    FlowMapValue {
        empty: bool,
    },
    End,
}

/// The events of the first document of a text.
pub(super) struct Events<'a> {
    scanner: Scanner<'a>,
    state: EventState,
    /// The states after the end of each open collection.
    states: Vec<EventState>,
    /// The prefixes that the handles of tags stand for.
    handles: BTreeMap<&'a str, Cow<'a, [u8]>>,
}

impl<'a> Events<'a> {
    pub(super) fn new(input: Input<'a>) -> Result<Self, YamlProblem> {
        Ok(Self {
            scanner: Scanner::new(input)?,
            state: EventState::Start,
            states: Vec::new(),
            handles: BTreeMap::new(),
        })
    }

    /// How many characters and tokens were read so far.
    #[cfg(any(test, fuzzing))]
    pub(super) fn steps(&self) -> u64 {
        self.scanner.steps()
    }

    /// Whether the text ends where the document does, once all of its events were taken. Else something follows that go-yaml does
    /// not look at.
    pub(super) fn is_at_end(&mut self) -> Result<bool, YamlProblem> {
        Ok(self.scanner.peek()? == YamlTokenKind::End)
    }

    /// Makes a problem with the current place in the text.
    pub(super) fn problem(&self, what: &'static str) -> YamlProblem {
        self.scanner.problem(what)
    }

    /// The next event. None after the document, and if there is no document.
    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>, YamlProblem> {
        if matches!(self.state, EventState::Start) {
            self.start()?;
        }
        let event = match self.state {
            EventState::DocumentContent => match self.scanner.peek()? {
                YamlTokenKind::Directive
                | YamlTokenKind::DocumentStart
                | YamlTokenKind::DocumentEnd
                | YamlTokenKind::End => self.empty(EventState::End),
                _ => self.node(true, false, EventState::End),
            },
            EventState::Start | EventState::BlockNode => self.node(true, false, EventState::End),
            EventState::BlockListEntry { first } => self.block_list_entry(first),
            EventState::IndentlessEntry => self.indentless_entry(),
            EventState::BlockMapKey { first } => self.block_map_key(first),
            EventState::BlockMapValue => self.block_map_value(),
            EventState::FlowListEntry { first } => self.flow_list_entry(first),
            EventState::PairKey => self.pair_key(),
            EventState::PairValue => self.pair_value(),
            EventState::PairEnd => {
                self.scanner.peek()?;
                self.state = EventState::FlowListEntry { first: false };
                Ok(Event::End)
            }
            EventState::FlowMapKey { first } => self.flow_map_key(first),
            EventState::FlowMapValue { empty } => self.flow_map_value(empty),
            EventState::End => {
                // Any token ends the document, but there must be one.
                self.scanner.peek()?;
                return Ok(None);
            }
        };
        event.map(Some)
    }

    /// Reads what precedes the first node.
    fn start(&mut self) -> Result<(), YamlProblem> {
        let mut version = false;
        match self.scanner.peek()? {
            YamlTokenKind::End => self.state = EventState::End,
            YamlTokenKind::Directive | YamlTokenKind::DocumentStart => {
                while self.scanner.peek()? == YamlTokenKind::Directive {
                    match self.scanner.take()? {
                        YamlToken::Version(1, 1) if !version => version = true,
                        YamlToken::Version(..) => {
                            return Err(
                                self.problem("found incompatible YAML document: Helm reads YAML 1.1 alone")
                            );
                        }
                        YamlToken::TagDirective(..) if self.handles.len() == MAX_HANDLES => {
                            return Err(self.problem("found more than 1000 %TAG directives"));
                        }
                        YamlToken::TagDirective(handle, _) if self.handles.contains_key(handle) => {
                            return Err(self.problem("found duplicate %TAG directive"));
                        }
                        YamlToken::TagDirective(handle, prefix) => {
                            self.handles.insert(handle, prefix);
                        }
                        _ => {}
                    }
                }
                if self.scanner.peek()? != YamlTokenKind::DocumentStart {
                    return Err(self.problem("did not find expected <document start>"));
                }
                self.scanner.take()?;
                self.state = EventState::DocumentContent;
            }
            _ => {}
        }
        if matches!(self.state, EventState::Start) {
            self.state = EventState::BlockNode;
        }
        self.handles.entry("!").or_insert(Cow::Borrowed(b"!"));
        self.handles.entry("!!").or_insert(Cow::Borrowed(PREFIX));
        Ok(())
    }

    /// An empty scalar, where a node is expected and none is there.
    fn empty(&mut self, then: EventState) -> Result<Event<'a>, YamlProblem> {
        self.state = then;
        Ok(Event::Scalar(Scalar { text: Cow::Borrowed(""), plain: true, tag: ScalarTag::None }, None))
    }

    /// Goes to the state after the current node or collection.
    fn leave(&mut self) {
        self.state = self.states.pop().unwrap_or(EventState::End);
    }

    /// Takes the token that ends a collection.
    fn end(&mut self) -> Result<Event<'a>, YamlProblem> {
        self.scanner.take()?;
        self.leave();
        Ok(Event::End)
    }

    /// Reads a node, or the beginning of one. `then` is the state after it.
    fn node(&mut self, block: bool, indentless: bool, then: EventState) -> Result<Event<'a>, YamlProblem> {
        self.states.push(then);
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.scanner.peek()? {
                YamlTokenKind::Alias if anchor.is_none() && tag.is_none() => {
                    self.leave();
                    let YamlToken::Alias(name) = self.scanner.take()? else { continue };
                    return Ok(Event::Alias(name));
                }
                YamlTokenKind::Anchor if anchor.is_none() => {
                    if let YamlToken::Anchor(name) = self.scanner.take()? {
                        anchor = Some(name);
                    }
                }
                YamlTokenKind::Tag if tag.is_none() => {
                    if let YamlToken::Tag(handle, rest) = self.scanner.take()? {
                        tag = Some((handle, rest));
                    }
                }
                _ => break,
            }
        }
        let tag = match tag {
            None => ScalarTag::None,
            Some(("", tag)) => ScalarTag::new(b"", &tag),
            Some((handle, rest)) => match self.handles.get(handle) {
                Some(prefix) => ScalarTag::new(prefix, &rest),
                None => return Err(self.problem("found undefined tag handle")),
            },
        };
        match self.scanner.peek()? {
            YamlTokenKind::BlockEntry if indentless => {
                self.state = EventState::IndentlessEntry;
                Ok(Event::List(anchor))
            }
            YamlTokenKind::Scalar => {
                self.leave();
                let YamlToken::Scalar(text, plain) = self.scanner.take()? else {
                    return self.empty(self.state);
                };
                let plain = (tag == ScalarTag::None && plain) || tag == ScalarTag::Unspecific;
                Ok(Event::Scalar(Scalar { text, plain, tag }, anchor))
            }
            YamlTokenKind::FlowListStart => {
                self.state = EventState::FlowListEntry { first: true };
                Ok(Event::List(anchor))
            }
            YamlTokenKind::FlowMapStart => {
                self.state = EventState::FlowMapKey { first: true };
                Ok(Event::Map(anchor))
            }
            YamlTokenKind::BlockListStart if block => {
                self.state = EventState::BlockListEntry { first: true };
                Ok(Event::List(anchor))
            }
            YamlTokenKind::BlockMapStart if block => {
                self.state = EventState::BlockMapKey { first: true };
                Ok(Event::Map(anchor))
            }
            _ if anchor.is_some() || tag != ScalarTag::None => {
                self.leave();
                let plain = tag == ScalarTag::None;
                Ok(Event::Scalar(Scalar { text: Cow::Borrowed(""), plain, tag }, anchor))
            }
            _ => Err(self.problem("did not find expected node content")),
        }
    }

    fn block_list_entry(&mut self, first: bool) -> Result<Event<'a>, YamlProblem> {
        const THEN: EventState = EventState::BlockListEntry { first: false };
        if first {
            self.scanner.take()?;
        }
        match self.scanner.peek()? {
            YamlTokenKind::BlockEntry => {
                self.scanner.take()?;
                match self.scanner.peek()? {
                    YamlTokenKind::BlockEntry | YamlTokenKind::BlockEnd => self.empty(THEN),
                    _ => self.node(true, false, THEN),
                }
            }
            YamlTokenKind::BlockEnd => self.end(),
            _ => Err(self.problem("did not find expected '-' indicator")),
        }
    }

    fn indentless_entry(&mut self) -> Result<Event<'a>, YamlProblem> {
        if self.scanner.peek()? != YamlTokenKind::BlockEntry {
            self.leave();
            return Ok(Event::End);
        }
        self.scanner.take()?;
        match self.scanner.peek()? {
            YamlTokenKind::BlockEntry
            | YamlTokenKind::Key
            | YamlTokenKind::Value
            | YamlTokenKind::BlockEnd => self.empty(EventState::IndentlessEntry),
            _ => self.node(true, false, EventState::IndentlessEntry),
        }
    }

    fn block_map_key(&mut self, first: bool) -> Result<Event<'a>, YamlProblem> {
        if first {
            self.scanner.take()?;
        }
        match self.scanner.peek()? {
            YamlTokenKind::Key => {
                self.scanner.take()?;
                match self.scanner.peek()? {
                    YamlTokenKind::Key | YamlTokenKind::Value | YamlTokenKind::BlockEnd => {
                        self.empty(EventState::BlockMapValue)
                    }
                    _ => self.node(true, true, EventState::BlockMapValue),
                }
            }
            YamlTokenKind::BlockEnd => self.end(),
            _ => Err(self.problem("did not find expected key")),
        }
    }

    fn block_map_value(&mut self) -> Result<Event<'a>, YamlProblem> {
        const THEN: EventState = EventState::BlockMapKey { first: false };
        if self.scanner.peek()? != YamlTokenKind::Value {
            return self.empty(THEN);
        }
        self.scanner.take()?;
        match self.scanner.peek()? {
            YamlTokenKind::Key | YamlTokenKind::Value | YamlTokenKind::BlockEnd => self.empty(THEN),
            _ => self.node(true, true, THEN),
        }
    }

    /// Takes the `,` before an entry, unless that is the first one. Returns the kind of the next token.
    fn separated(
        &mut self,
        first: bool,
        end: YamlTokenKind,
        what: &'static str,
    ) -> Result<YamlTokenKind, YamlProblem> {
        if first {
            self.scanner.take()?;
        }
        let kind = self.scanner.peek()?;
        if first || kind == end {
            return Ok(kind);
        }
        if kind != YamlTokenKind::FlowEntry {
            return Err(self.problem(what));
        }
        self.scanner.take()?;
        self.scanner.peek()
    }

    fn flow_list_entry(&mut self, first: bool) -> Result<Event<'a>, YamlProblem> {
        let what = "did not find expected ',' or ']'";
        match self.separated(first, YamlTokenKind::FlowListEnd, what)? {
            YamlTokenKind::Key => {
                self.scanner.take()?;
                self.state = EventState::PairKey;
                Ok(Event::Map(None))
            }
            YamlTokenKind::FlowListEnd => self.end(),
            _ => self.node(false, false, EventState::FlowListEntry { first: false }),
        }
    }

    fn pair_key(&mut self) -> Result<Event<'a>, YamlProblem> {
        match self.scanner.peek()? {
            YamlTokenKind::Value | YamlTokenKind::FlowEntry | YamlTokenKind::FlowListEnd => {
                // go-yaml takes the token that it has looked at.
                self.scanner.take()?;
                self.empty(EventState::PairValue)
            }
            _ => self.node(false, false, EventState::PairValue),
        }
    }

    fn pair_value(&mut self) -> Result<Event<'a>, YamlProblem> {
        if self.scanner.peek()? == YamlTokenKind::Value {
            self.scanner.take()?;
            if !matches!(self.scanner.peek()?, YamlTokenKind::FlowEntry | YamlTokenKind::FlowListEnd) {
                return self.node(false, false, EventState::PairEnd);
            }
        }
        self.empty(EventState::PairEnd)
    }

    fn flow_map_key(&mut self, first: bool) -> Result<Event<'a>, YamlProblem> {
        let what = "did not find expected ',' or '}'";
        match self.separated(first, YamlTokenKind::FlowMapEnd, what)? {
            YamlTokenKind::Key => {
                self.scanner.take()?;
                match self.scanner.peek()? {
                    YamlTokenKind::Value | YamlTokenKind::FlowEntry | YamlTokenKind::FlowMapEnd => {
                        self.empty(EventState::FlowMapValue { empty: false })
                    }
                    _ => self.node(false, false, EventState::FlowMapValue { empty: false }),
                }
            }
            YamlTokenKind::FlowMapEnd => self.end(),
            _ => self.node(false, false, EventState::FlowMapValue { empty: true }),
        }
    }

    fn flow_map_value(&mut self, empty: bool) -> Result<Event<'a>, YamlProblem> {
        const THEN: EventState = EventState::FlowMapKey { first: false };
        let kind = self.scanner.peek()?;
        if !empty && kind == YamlTokenKind::Value {
            self.scanner.take()?;
            if !matches!(self.scanner.peek()?, YamlTokenKind::FlowEntry | YamlTokenKind::FlowMapEnd) {
                return self.node(false, false, THEN);
            }
        }
        self.empty(THEN)
    }
}
