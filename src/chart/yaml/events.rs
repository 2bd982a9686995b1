//! From tokens to events: what the nodes of a document are, one after the other (go-yaml's parserc.go).
//!
//! Helm reads the first document of a file and nothing behind it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::event::{Event, PREFIX, Scalar, Tag};
use super::input::Input;
use super::problem::Problem;
use super::scan::{Kind, Scanner, Token};

/// How many handles of tags there may be, all of which are remembered. Documents need a few at most.
const MAX_HANDLES: usize = 1000;

/// What may come next.
#[derive(Clone, Copy)]
enum State {
    Start,
    DocumentContent,
    BlockNode,
    BlockListEntry {
        first: bool,
    },
    /// Of a list in a map, below the same column as the key.
    IndentlessEntry,
    BlockMapKey {
        first: bool,
    },
    BlockMapValue,
    FlowListEntry {
        first: bool,
    },
    /// Of `a: b` in a list, which is a map of one entry.
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
    state: State,
    /// What comes behind the collections that are open.
    states: Vec<State>,
    /// What the handles of tags stand for.
    handles: BTreeMap<&'a str, Cow<'a, [u8]>>,
}

impl<'a> Events<'a> {
    pub(super) fn new(input: Input<'a>) -> Result<Self, Problem> {
        Ok(Self {
            scanner: Scanner::new(input)?,
            state: State::Start,
            states: Vec::new(),
            handles: BTreeMap::new(),
        })
    }

    /// How many characters and tokens it took so far.
    #[cfg(any(test, fuzzing))]
    pub(super) fn steps(&self) -> u64 {
        self.scanner.steps()
    }

    /// The problem, where the text is read.
    pub(super) fn problem(&self, what: &'static str) -> Problem {
        self.scanner.problem(what)
    }

    /// The next event; none behind the document, and none where there is no document.
    pub(super) fn next(&mut self) -> Result<Option<Event<'a>>, Problem> {
        if matches!(self.state, State::Start) {
            self.start()?;
        }
        let event = match self.state {
            State::DocumentContent => match self.scanner.peek()? {
                Kind::Directive | Kind::DocumentStart | Kind::DocumentEnd | Kind::End => {
                    self.empty(State::End)
                }
                _ => self.node(true, false, State::End),
            },
            State::Start | State::BlockNode => self.node(true, false, State::End),
            State::BlockListEntry { first } => self.block_list_entry(first),
            State::IndentlessEntry => self.indentless_entry(),
            State::BlockMapKey { first } => self.block_map_key(first),
            State::BlockMapValue => self.block_map_value(),
            State::FlowListEntry { first } => self.flow_list_entry(first),
            State::PairKey => self.pair_key(),
            State::PairValue => self.pair_value(),
            State::PairEnd => {
                self.scanner.peek()?;
                self.state = State::FlowListEntry { first: false };
                Ok(Event::End)
            }
            State::FlowMapKey { first } => self.flow_map_key(first),
            State::FlowMapValue { empty } => self.flow_map_value(empty),
            State::End => {
                // What comes next ends the document, whatever it is; but it has to be a token.
                self.scanner.peek()?;
                return Ok(None);
            }
        };
        event.map(Some)
    }

    /// Reads what comes before the first node.
    fn start(&mut self) -> Result<(), Problem> {
        let mut version = false;
        match self.scanner.peek()? {
            Kind::End => self.state = State::End,
            Kind::Directive | Kind::DocumentStart => {
                while self.scanner.peek()? == Kind::Directive {
                    match self.scanner.take()? {
                        Token::Version(1, 1) if !version => version = true,
                        Token::Version(..) => {
                            return Err(
                                self.problem("found incompatible YAML document: Helm reads YAML 1.1 alone")
                            );
                        }
                        Token::TagDirective(..) if self.handles.len() == MAX_HANDLES => {
                            return Err(self.problem("found more than 1000 %TAG directives"));
                        }
                        Token::TagDirective(handle, _) if self.handles.contains_key(handle) => {
                            return Err(self.problem("found duplicate %TAG directive"));
                        }
                        Token::TagDirective(handle, prefix) => {
                            self.handles.insert(handle, prefix);
                        }
                        _ => {}
                    }
                }
                if self.scanner.peek()? != Kind::DocumentStart {
                    return Err(self.problem("did not find expected <document start>"));
                }
                self.scanner.take()?;
                self.state = State::DocumentContent;
            }
            _ => {}
        }
        if matches!(self.state, State::Start) {
            self.state = State::BlockNode;
        }
        self.handles.entry("!").or_insert(Cow::Borrowed(b"!"));
        self.handles.entry("!!").or_insert(Cow::Borrowed(PREFIX));
        Ok(())
    }

    /// Nothing where a node may be.
    fn empty(&mut self, then: State) -> Result<Event<'a>, Problem> {
        self.state = then;
        Ok(Event::Scalar(Scalar { text: Cow::Borrowed(""), plain: true, tag: Tag::None }, None))
    }

    /// The state behind a node or a collection.
    fn leave(&mut self) {
        self.state = self.states.pop().unwrap_or(State::End);
    }

    /// The end of a collection, told by a token.
    fn end(&mut self) -> Result<Event<'a>, Problem> {
        self.scanner.take()?;
        self.leave();
        Ok(Event::End)
    }

    /// A node, and what comes behind it.
    fn node(&mut self, block: bool, indentless: bool, then: State) -> Result<Event<'a>, Problem> {
        self.states.push(then);
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.scanner.peek()? {
                Kind::Alias if anchor.is_none() && tag.is_none() => {
                    self.leave();
                    let Token::Alias(name) = self.scanner.take()? else { continue };
                    return Ok(Event::Alias(name));
                }
                Kind::Anchor if anchor.is_none() => {
                    if let Token::Anchor(name) = self.scanner.take()? {
                        anchor = Some(name);
                    }
                }
                Kind::Tag if tag.is_none() => {
                    if let Token::Tag(handle, rest) = self.scanner.take()? {
                        tag = Some((handle, rest));
                    }
                }
                _ => break,
            }
        }
        let tag = match tag {
            None => Tag::None,
            Some(("", tag)) => Tag::new(b"", &tag),
            Some((handle, rest)) => match self.handles.get(handle) {
                Some(prefix) => Tag::new(prefix, &rest),
                None => return Err(self.problem("found undefined tag handle")),
            },
        };
        match self.scanner.peek()? {
            Kind::BlockEntry if indentless => {
                self.state = State::IndentlessEntry;
                Ok(Event::List(anchor))
            }
            Kind::Scalar => {
                self.leave();
                let Token::Scalar(text, plain) = self.scanner.take()? else { return self.empty(self.state) };
                let plain = (tag == Tag::None && plain) || tag == Tag::Unspecific;
                Ok(Event::Scalar(Scalar { text, plain, tag }, anchor))
            }
            Kind::FlowListStart => {
                self.state = State::FlowListEntry { first: true };
                Ok(Event::List(anchor))
            }
            Kind::FlowMapStart => {
                self.state = State::FlowMapKey { first: true };
                Ok(Event::Map(anchor))
            }
            Kind::BlockListStart if block => {
                self.state = State::BlockListEntry { first: true };
                Ok(Event::List(anchor))
            }
            Kind::BlockMapStart if block => {
                self.state = State::BlockMapKey { first: true };
                Ok(Event::Map(anchor))
            }
            _ if anchor.is_some() || tag != Tag::None => {
                self.leave();
                let plain = tag == Tag::None;
                Ok(Event::Scalar(Scalar { text: Cow::Borrowed(""), plain, tag }, anchor))
            }
            _ => Err(self.problem("did not find expected node content")),
        }
    }

    fn block_list_entry(&mut self, first: bool) -> Result<Event<'a>, Problem> {
        const THEN: State = State::BlockListEntry { first: false };
        if first {
            self.scanner.take()?;
        }
        match self.scanner.peek()? {
            Kind::BlockEntry => {
                self.scanner.take()?;
                match self.scanner.peek()? {
                    Kind::BlockEntry | Kind::BlockEnd => self.empty(THEN),
                    _ => self.node(true, false, THEN),
                }
            }
            Kind::BlockEnd => self.end(),
            _ => Err(self.problem("did not find expected '-' indicator")),
        }
    }

    fn indentless_entry(&mut self) -> Result<Event<'a>, Problem> {
        if self.scanner.peek()? != Kind::BlockEntry {
            self.leave();
            return Ok(Event::End);
        }
        self.scanner.take()?;
        match self.scanner.peek()? {
            Kind::BlockEntry | Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(State::IndentlessEntry),
            _ => self.node(true, false, State::IndentlessEntry),
        }
    }

    fn block_map_key(&mut self, first: bool) -> Result<Event<'a>, Problem> {
        if first {
            self.scanner.take()?;
        }
        match self.scanner.peek()? {
            Kind::Key => {
                self.scanner.take()?;
                match self.scanner.peek()? {
                    Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(State::BlockMapValue),
                    _ => self.node(true, true, State::BlockMapValue),
                }
            }
            Kind::BlockEnd => self.end(),
            _ => Err(self.problem("did not find expected key")),
        }
    }

    fn block_map_value(&mut self) -> Result<Event<'a>, Problem> {
        const THEN: State = State::BlockMapKey { first: false };
        if self.scanner.peek()? != Kind::Value {
            return self.empty(THEN);
        }
        self.scanner.take()?;
        match self.scanner.peek()? {
            Kind::Key | Kind::Value | Kind::BlockEnd => self.empty(THEN),
            _ => self.node(true, true, THEN),
        }
    }

    /// Goes past the `,` before an entry that is not the first.
    fn separated(&mut self, first: bool, end: Kind, what: &'static str) -> Result<Kind, Problem> {
        if first {
            self.scanner.take()?;
        }
        let kind = self.scanner.peek()?;
        if first || kind == end {
            return Ok(kind);
        }
        if kind != Kind::FlowEntry {
            return Err(self.problem(what));
        }
        self.scanner.take()?;
        self.scanner.peek()
    }

    fn flow_list_entry(&mut self, first: bool) -> Result<Event<'a>, Problem> {
        let what = "did not find expected ',' or ']'";
        match self.separated(first, Kind::FlowListEnd, what)? {
            Kind::Key => {
                self.scanner.take()?;
                self.state = State::PairKey;
                Ok(Event::Map(None))
            }
            Kind::FlowListEnd => self.end(),
            _ => self.node(false, false, State::FlowListEntry { first: false }),
        }
    }

    fn pair_key(&mut self) -> Result<Event<'a>, Problem> {
        match self.scanner.peek()? {
            Kind::Value | Kind::FlowEntry | Kind::FlowListEnd => {
                // go-yaml goes past the token that it has looked at.
                self.scanner.take()?;
                self.empty(State::PairValue)
            }
            _ => self.node(false, false, State::PairValue),
        }
    }

    fn pair_value(&mut self) -> Result<Event<'a>, Problem> {
        if self.scanner.peek()? == Kind::Value {
            self.scanner.take()?;
            if !matches!(self.scanner.peek()?, Kind::FlowEntry | Kind::FlowListEnd) {
                return self.node(false, false, State::PairEnd);
            }
        }
        self.empty(State::PairEnd)
    }

    fn flow_map_key(&mut self, first: bool) -> Result<Event<'a>, Problem> {
        let what = "did not find expected ',' or '}'";
        match self.separated(first, Kind::FlowMapEnd, what)? {
            Kind::Key => {
                self.scanner.take()?;
                match self.scanner.peek()? {
                    Kind::Value | Kind::FlowEntry | Kind::FlowMapEnd => {
                        self.empty(State::FlowMapValue { empty: false })
                    }
                    _ => self.node(false, false, State::FlowMapValue { empty: false }),
                }
            }
            Kind::FlowMapEnd => self.end(),
            _ => self.node(false, false, State::FlowMapValue { empty: true }),
        }
    }

    fn flow_map_value(&mut self, empty: bool) -> Result<Event<'a>, Problem> {
        const THEN: State = State::FlowMapKey { first: false };
        let kind = self.scanner.peek()?;
        if !empty && kind == Kind::Value {
            self.scanner.take()?;
            if !matches!(self.scanner.peek()?, Kind::FlowEntry | Kind::FlowMapEnd) {
                return self.node(false, false, THEN);
            }
        }
        self.empty(THEN)
    }
}
