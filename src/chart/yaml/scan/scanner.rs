//! The scanner, which splits a text into tokens.

use std::collections::VecDeque;

use super::token::{YamlToken, YamlTokenKind};
use crate::chart::yaml::input::{Input, TextPlace};
use crate::chart::yaml::problem::YamlProblem;

/// How many levels of brackets there may be, and of indentation (max_flow_level and max_indents).
pub(super) const MAX_DEPTH: usize = 10_000;

/// How many characters a key may have without a `?` in front (YAML 1.2, 7.4).
const MAX_KEY: usize = 1024;

/// A token in the queue.
pub(super) struct WaitingToken<'a> {
    token: YamlToken<'a>,
    /// If the token may turn out to begin a key: the level of brackets that it is on.
    pub(super) may_be_key: Option<usize>,
    /// Whether a Key token must be handed out before this one.
    pub(super) key: bool,
    /// Whether a BlockMapStart token must be handed out before that: the key is the first of its map.
    map: bool,
}

/// A place where a key may have begun.
pub(super) struct SimpleKey {
    pub(super) possible: bool,
    /// Whether it must be a key, because nothing else is allowed there.
    pub(super) required: bool,
    /// The number of its first token.
    pub(super) token: usize,
    pub(super) place: TextPlace,
}

/// Where the token that begins a new collection belongs.
pub(super) enum CollectionAt {
    /// At the end of the queue.
    Here,
    /// Before the token of this number.
    Before(usize),
}

/// Reads a text token by token.
pub(crate) struct Scanner<'a> {
    pub(super) input: Input<'a>,
    pub(super) waiting: VecDeque<WaitingToken<'a>>,
    /// How many tokens were handed out.
    pub(super) taken: usize,
    /// The column of the innermost block collection; -1 outside of all.
    pub(super) indent: isize,
    /// The columns of the block collections around it.
    indents: Vec<isize>,
    /// The possible key of each open bracket, and that outside of all brackets.
    pub(super) keys: Vec<SimpleKey>,
    /// Whether a key may begin at this place.
    pub(super) key_allowed: bool,
    /// Whether the next token may begin a key.
    begins_key: bool,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(mut input: Input<'a>) -> Result<Self, YamlProblem> {
        input.fill(1)?;
        let key = SimpleKey { possible: false, required: false, token: 0, place: input.place() };
        Ok(Self {
            input,
            waiting: VecDeque::new(),
            taken: 0,
            indent: -1,
            indents: Vec::new(),
            keys: vec![key],
            key_allowed: true,
            begins_key: false,
        })
    }

    /// How many characters and tokens were read so far.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn steps(&self) -> u64 {
        self.input.steps
    }

    /// Makes a problem with the current place in the text.
    pub(crate) fn problem(&self, what: &'static str) -> YamlProblem {
        self.input.problem(what)
    }

    /// The kind of the next token, which stays in the queue.
    pub(crate) fn peek(&mut self) -> Result<YamlTokenKind, YamlProblem> {
        while !self.is_decided()? {
            self.fetch()?;
        }
        Ok(match self.waiting.front() {
            Some(WaitingToken { map: true, .. }) => YamlTokenKind::BlockMapStart,
            Some(WaitingToken { key: true, .. }) => YamlTokenKind::Key,
            Some(WaitingToken { token, .. }) => token.kind(),
            None => YamlTokenKind::End,
        })
    }

    /// Hands out the next token.
    pub(crate) fn take(&mut self) -> Result<YamlToken<'a>, YamlProblem> {
        self.peek()?;
        if let Some(first) = self.waiting.front_mut() {
            if std::mem::take(&mut first.map) {
                return Ok(YamlToken::BlockMapStart);
            }
            if std::mem::take(&mut first.key) {
                return Ok(YamlToken::Key);
            }
        }
        let Some(first) = self.waiting.pop_front() else { return Ok(YamlToken::End) };
        self.taken += 1;
        Ok(first.token)
    }

    /// Whether the first token in the queue can be handed out: it does not depend on what follows it.
    fn is_decided(&mut self) -> Result<bool, YamlProblem> {
        match self.waiting.front() {
            None => Ok(false),
            Some(
                WaitingToken { key: true, .. }
                | WaitingToken { map: true, .. }
                | WaitingToken { may_be_key: None, .. },
            ) => Ok(true),
            Some(WaitingToken { may_be_key: Some(level), .. }) => Ok(!self.is_possible(*level)?),
        }
    }

    pub(super) fn push(&mut self, token: YamlToken<'a>) {
        self.input.steps += 1;
        let may_be_key = std::mem::take(&mut self.begins_key).then(|| self.keys.len() - 1);
        self.waiting.push_back(WaitingToken { token, may_be_key, key: false, map: false });
    }

    /// Skips this many characters, and adds their token to the queue.
    pub(super) fn push_indicator(&mut self, token: YamlToken<'a>, length: usize) {
        for _ in 0..length {
            self.input.skip();
        }
        self.push(token);
    }

    /// The token of this number, if it is in the queue.
    pub(super) fn queued(&mut self, token: usize) -> Option<&mut WaitingToken<'a>> {
        self.waiting.get_mut(token.checked_sub(self.taken)?)
    }

    pub(super) fn in_brackets(&self) -> bool {
        self.keys.len() > 1
    }

    pub(super) fn column(&self) -> isize {
        // No text is that long.
        isize::try_from(self.input.column()).unwrap_or(isize::MAX)
    }

    /// Skips blanks, comments and line breaks.
    pub(super) fn skip_to_token(&mut self) -> Result<(), YamlProblem> {
        loop {
            self.input.fill(1)?;
            if self.input.column() == 0 && self.input.is_mark() {
                self.input.skip();
            }
            self.input.fill(1)?;
            // Where a key may begin, a tab would be indentation, which is an error.
            let tabs = self.in_brackets() || !self.key_allowed;
            while self.input.peek(0) == b' ' || (tabs && self.input.peek(0) == b'\t') {
                self.input.skip();
                self.input.fill(1)?;
            }
            self.input.skip_comment()?;
            if !self.input.is_break(0) {
                return Ok(());
            }
            self.input.fill(2)?;
            self.input.skip_break();
            if !self.in_brackets() {
                self.key_allowed = true;
            }
        }
    }

    /// Whether the possible key on this level can still be one: it must be on one line, and not too long. An error if
    /// it had to be one.
    pub(super) fn is_possible(&mut self, level: usize) -> Result<bool, YamlProblem> {
        let now = self.input.place();
        let Some(key) = self.keys.get_mut(level) else { return Ok(false) };
        if key.possible && (key.place.line < now.line || key.place.index + MAX_KEY < now.index) {
            if key.required {
                return Err(self.input.problem("could not find expected ':'"));
            }
            key.possible = false;
        }
        Ok(key.possible)
    }

    /// Notes that a key may begin at the next token.
    pub(super) fn note_key(&mut self) -> Result<(), YamlProblem> {
        if self.key_allowed {
            self.forget_key()?;
            let required = !self.in_brackets() && self.indent == self.column();
            let token = self.taken + self.waiting.len();
            let place = self.input.place();
            if let Some(key) = self.keys.last_mut() {
                *key = SimpleKey { possible: true, required, token, place };
            }
            self.begins_key = true;
        }
        Ok(())
    }

    /// Drops the possible key of this level. An error if it had to be one.
    pub(super) fn forget_key(&mut self) -> Result<(), YamlProblem> {
        let Some(key) = self.keys.last_mut() else { return Ok(()) };
        if std::mem::take(&mut key.possible) {
            if key.required {
                return Err(self.input.problem("could not find expected ':'"));
            }
            let token = key.token;
            self.release(token);
        }
        Ok(())
    }

    /// Lets a token be handed out that was waiting for a `:`.
    pub(super) fn release(&mut self, token: usize) {
        if let Some(waiting) = self.queued(token) {
            waiting.may_be_key = None;
        }
    }

    /// Begins a block collection at a column, unless there is one at that column.
    pub(super) fn roll(&mut self, column: isize, at: &CollectionAt, map: bool) -> Result<(), YamlProblem> {
        if self.in_brackets() || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            return Err(self.problem("exceeded max depth of 10000"));
        }
        let before = match at {
            CollectionAt::Here => None,
            CollectionAt::Before(token) => self.queued(*token),
        };
        match before {
            Some(waiting) => waiting.map = map,
            None => self.push(if map { YamlToken::BlockMapStart } else { YamlToken::BlockListStart }),
        }
        Ok(())
    }

    /// Ends the block collections beyond a column.
    pub(super) fn unroll(&mut self, column: isize) {
        while !self.in_brackets() && self.indent > column {
            self.push(YamlToken::BlockEnd);
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
