//! Gives a decoded text to the scanner as go-yaml's reader does (readerc.go): character by character, decoded in pieces
//! of 512 bytes, and only as far as the scanner asks.
//!
//! The pieces decide which errors are noticed: Helm reads only the first document of a file, and does not notice an
//! error in a piece that it never decodes.

use super::decode::{Bad, Decoded};
use super::problem::YamlProblem;

/// How many bytes go-yaml decodes at once (input_raw_buffer_size in yamlprivateh.go).
const PIECE: usize = 512;

/// How many characters the scanner looks ahead, at most.
const PEEKED: usize = 4;

const BYTE_ORDER_MARK: char = '\u{feff}';

/// A place in a text.
#[derive(Clone, Copy)]
pub(super) struct TextPlace {
    /// The number of characters before it.
    pub(super) index: usize,
    /// The number of its line, from 0.
    pub(super) line: usize,
    /// The number of characters before it on its line.
    pub(super) column: usize,
}

/// A text that is read character by character.
pub(super) struct Input<'a> {
    text: &'a str,
    bad: Option<Bad>,
    wide: bool,
    size: usize,
    /// The place of the next character, in bytes of `text`.
    at: usize,
    index: usize,
    line: usize,
    column: usize,
    /// Where go-yaml's buffer of decoded characters begins, in bytes of `text`.
    begun: usize,
    /// Where that buffer ends, in bytes of `text`.
    decoded: usize,
    /// How many characters of the buffer were not read yet. After the last character of the file this counts a NUL for
    /// each further request.
    unread: usize,
    /// How many bytes of the file were decoded.
    taken: usize,
    /// How many bytes of the file go-yaml has read so far.
    fetched: usize,
    /// Whether go-yaml knows that the file has ended.
    ended: bool,
    /// How many characters and tokens were read. Tests use this instead of time.
    pub(super) steps: u64,
}

impl<'a> Input<'a> {
    /// Starts at the beginning of a text.
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
            // For its byte order mark, a file of less than three bytes is read to its end.
            ended: *size < 3,
            steps: 0,
        }
    }

    /// Decodes until this many characters can be looked at, or the text has ended.
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

    /// Decodes the bytes that were read. A character that is not complete waits for its other bytes.
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

    /// Makes a problem with the current place in the text.
    pub(super) fn problem(&self, what: &'static str) -> YamlProblem {
        YamlProblem { what, line: self.line + 1, column: self.column + 1 }
    }

    /// The current place in the text.
    pub(super) fn place(&self) -> TextPlace {
        TextPlace { index: self.index, line: self.line, column: self.column }
    }

    /// How many characters precede the current place on its line.
    pub(super) fn column(&self) -> usize {
        self.column
    }

    /// The current place, for [`Self::since`].
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The text from `at`, a result of [`Self::at`], to the current place.
    pub(super) fn since(&self, at: usize) -> &'a str {
        &self.text[at..self.at]
    }

    /// The whole text, in which results of [`Self::at`] are offsets.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The byte at this offset from the next character; 0 beyond the end.
    pub(super) fn peek(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(self.at + offset).copied().unwrap_or(0)
    }

    /// Whether the text ends at this offset, in bytes from the next character.
    pub(super) fn is_end(&self, offset: usize) -> bool {
        self.at + offset >= self.text.len()
    }

    /// Whether a blank or a tab is at this offset.
    pub(super) fn is_blank(&self, offset: usize) -> bool {
        matches!(self.peek(offset), b' ' | b'\t')
    }

    /// Whether one of YAML 1.1's line breaks is at this offset.
    pub(super) fn is_break(&self, offset: usize) -> bool {
        match self.peek(offset) {
            b'\n' | b'\r' => true,
            0xc2 => self.peek(offset + 1) == 0x85,
            0xe2 => self.peek(offset + 1) == 0x80 && matches!(self.peek(offset + 2), 0xa8 | 0xa9),
            _ => false,
        }
    }

    /// Whether a line break or the end is at this offset.
    pub(super) fn is_line_end(&self, offset: usize) -> bool {
        self.is_break(offset) || self.is_end(offset)
    }

    /// Whether a blank, a tab, a line break or the end is at this offset.
    pub(super) fn is_space(&self, offset: usize) -> bool {
        self.is_blank(offset) || self.is_line_end(offset)
    }

    /// Whether the next character may be part of the name of an anchor, of a directive, or of the handle of a tag.
    pub(super) fn is_word(&self) -> bool {
        self.peek(0).is_ascii_alphanumeric() || matches!(self.peek(0), b'_' | b'-')
    }

    /// Whether the line begins with this character three times, followed by white space: `---` or `...`.
    pub(super) fn is_marker(&self, character: u8) -> bool {
        self.column == 0 && (0..3).all(|offset| self.peek(offset) == character) && self.is_space(3)
    }

    /// Whether go-yaml takes the next character for a byte order mark. It looks at the first character of its buffer, even
    /// if the next one is further on (is_bom in yamlprivateh.go).
    pub(super) fn is_mark(&self) -> bool {
        self.text[self.begun..self.decoded].starts_with(BYTE_ORDER_MARK)
    }

    /// Skips a character that is not a line break.
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

    /// Skips ASCII characters that mean nothing to the scanner, as far as they are decoded.
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

    /// Skips a line break. Returns the text that it adds to a scalar.
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

    /// Skips blanks and tabs.
    pub(super) fn skip_blanks(&mut self) -> Result<(), YamlProblem> {
        while self.is_blank(0) {
            self.skip();
            self.fill(1)?;
        }
        Ok(())
    }

    /// Skips a comment, if there is one.
    pub(super) fn skip_comment(&mut self) -> Result<(), YamlProblem> {
        if self.peek(0) == b'#' {
            self.skip_line()?;
        }
        Ok(())
    }

    /// Skips to the end of the line.
    pub(super) fn skip_line(&mut self) -> Result<(), YamlProblem> {
        while !self.is_line_end(0) {
            self.skip();
            self.skip_run(|_| true);
            self.fill(1)?;
        }
        Ok(())
    }

    /// Goes to a new line, unless the place is at the beginning of one: so go-yaml treats the end of the text.
    pub(super) fn end_line(&mut self) {
        if self.column != 0 {
            self.column = 0;
            self.line += 1;
        }
    }
}
