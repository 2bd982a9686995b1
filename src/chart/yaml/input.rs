//! A decoded text as go-yaml's reader hands it to its scanner (readerc.go): character by character, and no more of it than
//! the scanner asks for, in pieces of 512 bytes.
//!
//! The pieces decide what is refused: Helm reads the first document of a file alone, and does not notice what is wrong in
//! a piece that it never gets to.

use super::decode::{Bad, Decoded};
use super::problem::YamlProblem;

/// How much go-yaml decodes at once (input_raw_buffer_size in yamlprivateh.go), in bytes.
const PIECE: usize = 512;

/// How many characters the scanner looks at, at most, before it goes past the first.
const PEEKED: usize = 4;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A place in a text.
#[derive(Clone, Copy)]
pub(super) struct TextPlace {
    /// In characters, from the beginning.
    pub(super) index: usize,
    /// From 0.
    pub(super) line: usize,
    /// In characters, from 0.
    pub(super) column: usize,
}

/// A text that is read character by character.
pub(super) struct Input<'a> {
    text: &'a str,
    bad: Option<Bad>,
    wide: bool,
    size: usize,
    /// Where it is read, in bytes of `text`.
    at: usize,
    index: usize,
    line: usize,
    column: usize,
    /// Where go-yaml's buffer of decoded characters begins, in bytes of `text`.
    begun: usize,
    /// Where that ends.
    decoded: usize,
    /// How many characters of it have not been read. Behind the last one there is a NUL for each time that more was wanted.
    unread: usize,
    /// How many bytes of the file have been decoded.
    taken: usize,
    /// How many have come.
    fetched: usize,
    /// Whether it is known that no more will come.
    ended: bool,
    /// How many characters and tokens it took: what the time that a text takes is measured by.
    pub(super) steps: u64,
}

impl<'a> Input<'a> {
    /// The beginning of a text.
    pub(super) fn new(decoded: &'a Decoded<'_, '_>) -> Self {
        let Decoded { text, bad, wide, mark, size, .. } = decoded;
        Self {
            text,
            bad: *bad,
            wide: *wide,
            size: *size,
            at: 0,
            index: 0,
            line: 0,
            column: 0,
            begun: 0,
            decoded: 0,
            unread: 0,
            taken: *mark,
            fetched: PIECE.min(*size),
            // A file of less than three bytes is read to its end for its byte order mark.
            ended: *size < 3,
            steps: 0,
        }
    }

    /// Sees to it that so many characters can be looked at, or the end of the text.
    pub(super) fn fill(&mut self, wanted: usize) -> Result<(), YamlProblem> {
        if self.unread >= wanted {
            return Ok(());
        }
        self.begun = self.at;
        let mut first = true;
        while self.unread < wanted {
            if !first || self.taken == self.fetched {
                self.ended |= self.fetched == self.size;
                self.fetched = self.size.min(self.taken + PIECE);
            }
            first = false;
            self.decode()?;
            if self.ended {
                self.unread += 1;
                break;
            }
        }
        Ok(())
    }

    /// Decodes what has come. A character of which a part is missing waits for the rest.
    fn decode(&mut self) -> Result<(), YamlProblem> {
        let come = self.fetched - self.taken;
        let rest = &self.text[self.decoded..];
        let (width, size, characters) = if self.wide {
            let sizes = rest.chars().scan(0, |size, character| {
                *size += 2 * character.len_utf16();
                (*size <= come).then_some((character.len_utf8(), *size))
            });
            sizes.fold((0, 0, 0), |(width, _, count), (more, size)| (width + more, size, count + 1))
        } else {
            let whole = (0..=come.min(rest.len())).rev().find(|end| rest.is_char_boundary(*end)).unwrap_or(0);
            (whole, whole, rest[..whole].chars().count())
        };
        self.taken += size;
        self.decoded += width;
        self.unread += characters;
        match self.bad {
            Some(bad) if self.decoded == self.text.len() && self.taken < self.fetched => {
                let seen = self.taken + bad.size <= self.fetched || self.ended;
                if seen { Err(self.problem(bad.what)) } else { Ok(()) }
            }
            _ => Ok(()),
        }
    }

    /// The problem, where the text is read.
    pub(super) fn problem(&self, what: &'static str) -> YamlProblem {
        YamlProblem { what, line: self.line + 1, column: self.column + 1 }
    }

    /// Where the text is read.
    pub(super) fn place(&self) -> TextPlace {
        TextPlace { index: self.index, line: self.line, column: self.column }
    }

    /// In characters, from 0.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// A position for [`Self::since`].
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// What has been read since a position.
    pub(super) fn since(&self, at: usize) -> &'a str {
        &self.text[at..self.at]
    }

    /// All of the text, for what positions in it stand for.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The byte so many behind the next character; 0 behind the end.
    pub(super) fn peek(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(self.at + offset).copied().unwrap_or(0)
    }

    /// Whether the end is there, so many bytes on.
    pub(super) fn is_end(&self, offset: usize) -> bool {
        self.at + offset >= self.text.len()
    }

    /// A blank or a tab.
    pub(super) fn is_blank(&self, offset: usize) -> bool {
        matches!(self.peek(offset), b' ' | b'\t')
    }

    /// One of YAML 1.1's line breaks.
    pub(super) fn is_break(&self, offset: usize) -> bool {
        match self.peek(offset) {
            b'\n' | b'\r' => true,
            0xc2 => self.peek(offset + 1) == 0x85,
            0xe2 => self.peek(offset + 1) == 0x80 && matches!(self.peek(offset + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    /// A line break or the end.
    pub(super) fn is_line_end(&self, offset: usize) -> bool {
        self.is_break(offset) || self.is_end(offset)
    }

    /// A blank, a tab, a line break or the end.
    pub(super) fn is_space(&self, offset: usize) -> bool {
        self.is_blank(offset) || self.is_line_end(offset)
    }

    /// What may be in the name of an anchor, of a directive or of the handle of a tag.
    pub(super) fn is_word(&self) -> bool {
        self.peek(0).is_ascii_alphanumeric() || matches!(self.peek(0), b'_' | b'-')
    }

    /// Three times this character at the beginning of a line, and a space: `---` or `...`.
    pub(super) fn is_marker(&self, character: u8) -> bool {
        self.column == 0 && (0..3).all(|offset| self.peek(offset) == character) && self.is_space(3)
    }

    /// Whether go-yaml takes the next character for a byte order mark. It looks at the first character of its buffer, even
    /// if the next one is further on (is_bom in yamlprivateh.go).
    pub(super) fn is_mark(&self) -> bool {
        self.text[self.begun..self.decoded].starts_with(BYTE_ORDER_MARK)
    }

    /// Goes past a character that is no line break.
    pub(super) fn skip(&mut self) {
        let width = match self.peek(0) {
            _ if self.is_end(0) => 0,
            ..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            _ => 4,
        };
        self.at += width;
        self.index += 1;
        self.column += 1;
        self.unread = self.unread.saturating_sub(1);
        self.steps += 1;
    }

    /// Goes past ASCII characters that mean nothing, as far as they can be looked at without decoding more.
    pub(super) fn skip_run(&mut self, means_nothing: fn(u8) -> bool) {
        let most = self.unread.saturating_sub(PEEKED);
        let rest = &self.text.as_bytes()[self.at..self.decoded];
        let run = rest
            .iter()
            .take(most)
            .take_while(|byte| byte.is_ascii_graphic() && means_nothing(**byte))
            .count();
        self.at += run;
        self.index += run;
        self.column += run;
        self.unread -= run;
        self.steps += run as u64;
    }

    /// Goes past a line break, and says what a scalar has in its place.
    pub(super) fn skip_break(&mut self) -> &'a str {
        let (width, characters, text) = match (self.peek(0), self.peek(1)) {
            (b'\r', b'\n') => (2, 2, "\n"),
            (b'\r' | b'\n', _) => (1, 1, "\n"),
            (0xc2, _) => (2, 1, "\n"),
            _ => (3, 1, &self.text[self.at..self.at + 3]),
        };
        self.at += width;
        self.index += characters;
        self.unread = self.unread.saturating_sub(characters);
        self.column = 0;
        self.line += 1;
        self.steps += 1;
        text
    }

    /// Goes past blanks and tabs.
    pub(super) fn skip_blanks(&mut self) -> Result<(), YamlProblem> {
        while self.is_blank(0) {
            self.skip();
            self.fill(1)?;
        }
        Ok(())
    }

    /// Goes past a comment, if there is one.
    pub(super) fn skip_comment(&mut self) -> Result<(), YamlProblem> {
        if self.peek(0) == b'#' {
            self.skip_line()?;
        }
        Ok(())
    }

    /// Goes to the end of the line.
    pub(super) fn skip_line(&mut self) -> Result<(), YamlProblem> {
        while !self.is_line_end(0) {
            self.skip();
            self.skip_run(|_| true);
            self.fill(1)?;
        }
        Ok(())
    }

    /// The end of the text counts as a line of its own.
    pub(super) fn end_line(&mut self) {
        if self.column != 0 {
            self.column = 0;
            self.line += 1;
        }
    }
}
