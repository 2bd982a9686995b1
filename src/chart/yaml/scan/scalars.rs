//! Scans scalars: plain ones, quoted ones, and block scalars.

use std::borrow::Cow;
use std::ops::Range;

use super::scanner::Scanner;
use crate::chart::yaml::input::Input;
use crate::chart::yaml::problem::YamlProblem;

/// The text of a scalar. It borrows from the file if it is a part of that, as most scalars are.
struct Text<'a> {
    source: &'a str,
    /// The range of the part in the file.
    part: Range<usize>,
    /// The text, once it differs from the part.
    other: Option<String>,
}

impl<'a> Text<'a> {
    fn new(input: &Input<'a>) -> Self {
        Self { source: input.text(), part: input.at()..input.at(), other: None }
    }

    /// Appends a part of the file.
    fn add(&mut self, part: Range<usize>) {
        match &mut self.other {
            Some(other) => other.push_str(&self.source[part]),
            None if self.part.is_empty() => self.part = part,
            None if self.part.end == part.start => self.part.end = part.end,
            None => self.push(&self.source[part]),
        }
    }

    /// Appends a text that is not in the file at this place.
    fn push(&mut self, text: &str) {
        if !text.is_empty() {
            let part = self.part.clone();
            self.other.get_or_insert_with(|| self.source[part].to_owned()).push_str(text);
        }
    }

    fn finish(self) -> Cow<'a, str> {
        self.other.map_or(Cow::Borrowed(&self.source[self.part]), Cow::Owned)
    }
}

/// The line breaks between two parts of a scalar.
#[derive(Default)]
struct Gap<'a> {
    /// Whether there was a line break. If so, blanks before and after it are dropped.
    broken: bool,
    first: &'a str,
    others: String,
}

impl<'a> Gap<'a> {
    fn add(&mut self, text: &'a str) {
        if self.broken {
            self.others.push_str(text);
        } else {
            (self.broken, self.first) = (true, text);
        }
    }

    /// Appends what line breaks are in a scalar: one becomes a blank, and of several the first is dropped. Line breaks
    /// that came with Unicode are kept.
    fn fold(&mut self, text: &mut Text<'_>) {
        match self.first {
            "\n" if self.others.is_empty() => text.push(" "),
            "\n" => {}
            first => text.push(first),
        }
        text.push(&self.others);
        self.others.clear();
        (self.broken, self.first) = (false, "");
    }
}

/// Whether a byte has no meaning in any kind of scalar.
fn is_text(byte: u8) -> bool {
    !b":,?[]{}'\"\\".contains(&byte)
}

impl<'a> Scanner<'a> {
    /// Scans a block scalar, which begins with `|` or `>`.
    pub(super) fn scan_block_scalar(&mut self, literal: bool) -> Result<Cow<'a, str>, YamlProblem> {
        self.input.skip();
        let (keep, increment) = self.scan_block_header()?;
        let outer = usize::try_from(self.indent).unwrap_or(0);
        let mut text = Text::new(&self.input);
        // The line break after the last line, and those of empty lines after that.
        let (mut first, mut others) = ("", String::new());
        let mut was_indented = false;
        let indent = self.skip_indentation(increment.map(|increment| outer + increment), &mut others)?;
        self.input.fill(1)?;
        while self.input.column() == indent && !self.input.is_end(0) {
            let indented = self.input.is_blank(0);
            let folds = !literal && !was_indented && !indented && first == "\n";
            match folds {
                true if others.is_empty() => text.push(" "),
                true => {}
                false => text.push(first),
            }
            text.push(&others);
            others.clear();
            was_indented = indented;
            let from = self.input.at();
            self.input.skip_line()?;
            text.add(from..self.input.at());
            self.input.fill(2)?;
            first = if self.input.is_break(0) { self.input.skip_break() } else { "" };
            self.skip_indentation(Some(indent), &mut others)?;
        }
        if keep != Some(false) {
            text.push(first);
        }
        if keep == Some(true) {
            text.push(&others);
        }
        Ok(text.finish())
    }

    /// Scans the rest of the line after `|` or `>`. Returns whether line breaks at the end are kept (`+`) or dropped
    /// (`-`), and how much more than its surroundings the scalar is indented, if these are given.
    fn scan_block_header(&mut self) -> Result<(Option<bool>, Option<usize>), YamlProblem> {
        let (mut keep, mut increment) = (None, None);
        self.input.fill(1)?;
        for turn in 0..2 {
            match self.input.peek(0) {
                sign @ (b'+' | b'-') if keep.is_none() => keep = Some(sign == b'+'),
                b'0' if increment.is_none() => {
                    return Err(self.problem("found an indentation indicator equal to 0"));
                }
                digit @ b'1'..=b'9' if increment.is_none() => increment = Some(usize::from(digit - b'0')),
                _ => break,
            }
            self.input.skip();
            if turn == 0 {
                self.input.fill(1)?;
            }
        }
        self.input.fill(1)?;
        self.input.skip_blanks()?;
        self.input.skip_comment()?;
        if !self.input.is_line_end(0) {
            return Err(self.problem("did not find expected comment or line break"));
        }
        if self.input.is_break(0) {
            self.input.fill(2)?;
            self.input.skip_break();
        }
        Ok((keep, increment))
    }

    /// Skips empty lines, whose line breaks are appended to `breaks`, and the indentation of the next line. Returns the
    /// indentation of the scalar. If it is not given, that is the one of the first line that is not empty, or of the
    /// longest empty line before that.
    fn skip_indentation(&mut self, indent: Option<usize>, breaks: &mut String) -> Result<usize, YamlProblem> {
        let mut longest = 0;
        loop {
            self.input.fill(1)?;
            let outside = |column| indent.is_none_or(|indent| column < indent);
            while outside(self.input.column()) && self.input.peek(0) == b' ' {
                self.input.skip();
                self.input.fill(1)?;
            }
            longest = longest.max(self.input.column());
            if outside(self.input.column()) && self.input.peek(0) == b'\t' {
                return Err(self.problem("found a tab character where an indentation space is expected"));
            }
            if !self.input.is_break(0) {
                break;
            }
            self.input.fill(2)?;
            breaks.push_str(self.input.skip_break());
        }
        let outer = usize::try_from(self.indent + 1).unwrap_or(0);
        Ok(indent.unwrap_or(longest.max(outer).max(1)))
    }

    /// Scans a scalar in quotes.
    pub(super) fn scan_quoted(&mut self, single: bool) -> Result<Cow<'a, str>, YamlProblem> {
        let quote = if single { b'\'' } else { b'"' };
        self.input.skip();
        let (mut text, mut gap) = (Text::new(&self.input), Gap::default());
        loop {
            self.input.fill(4)?;
            if self.input.is_marker(b'-') || self.input.is_marker(b'.') {
                return Err(self.problem("found unexpected document indicator"));
            }
            if self.input.is_end(0) {
                return Err(self.problem("found unexpected end of stream"));
            }
            self.scan_quoted_word(single, &mut text, &mut gap)?;
            self.input.fill(1)?;
            if self.input.peek(0) == quote {
                break;
            }
            let from = self.input.at();
            while self.input.is_blank(0) || self.input.is_break(0) {
                if self.input.is_blank(0) {
                    self.input.skip();
                } else {
                    self.input.fill(2)?;
                    gap.add(self.input.skip_break());
                }
                self.input.fill(1)?;
            }
            match gap.broken {
                true => gap.fold(&mut text),
                false => text.add(from..self.input.at()),
            }
        }
        self.input.skip();
        Ok(text.finish())
    }

    /// Scans a part of a quoted scalar, up to the next blank, line break or quote.
    fn scan_quoted_word(
        &mut self,
        single: bool,
        text: &mut Text<'a>,
        gap: &mut Gap<'a>,
    ) -> Result<(), YamlProblem> {
        let mut from = self.input.at();
        while !self.input.is_space(0) {
            match (self.input.peek(0), self.input.peek(1)) {
                (b'\'', b'\'') if single => {
                    self.input.skip();
                    text.add(from..self.input.at());
                    self.input.skip();
                    from = self.input.at();
                }
                (b'\'', _) if single => break,
                (b'"', _) if !single => break,
                (b'\\', _) if !single => {
                    text.add(from..self.input.at());
                    if self.input.is_break(1) {
                        self.input.fill(3)?;
                        self.input.skip();
                        self.input.skip_break();
                        // As after a line break, except that nothing is put in its place.
                        gap.broken = true;
                        return Ok(());
                    }
                    self.scan_escape(text)?;
                    from = self.input.at();
                }
                _ => {
                    self.input.skip();
                    self.input.skip_run(is_text);
                }
            }
            self.input.fill(2)?;
        }
        text.add(from..self.input.at());
        Ok(())
    }

    /// Scans a backslash in double quotes and what follows. `\/` is an error: it came with YAML 1.2.
    fn scan_escape(&mut self, text: &mut Text<'_>) -> Result<(), YamlProblem> {
        let mut digits = 0;
        let escaped = match self.input.peek(1) {
            b'0' => "\0",
            b'a' => "\u{7}",
            b'b' => "\u{8}",
            b't' | b'\t' => "\t",
            b'n' => "\n",
            b'v' => "\u{b}",
            b'f' => "\u{c}",
            b'r' => "\r",
            b'e' => "\u{1b}",
            b' ' => " ",
            b'"' => "\"",
            b'\'' => "'",
            b'\\' => "\\",
            b'N' => "\u{85}",
            b'_' => "\u{a0}",
            b'L' => "\u{2028}",
            b'P' => "\u{2029}",
            letter @ (b'x' | b'u' | b'U') => {
                digits = match letter {
                    b'x' => 2,
                    b'u' => 4,
                    _ => 8,
                };
                ""
            }
            _ => return Err(self.problem("found unknown escape character")),
        };
        text.push(escaped);
        self.input.skip();
        self.input.skip();
        if digits == 0 {
            return Ok(());
        }
        self.input.fill(digits)?;
        let mut value = 0_u32;
        for offset in 0..digits {
            let Some(digit) = char::from(self.input.peek(offset)).to_digit(16) else {
                return Err(self.problem("did not find expected hexadecimal number"));
            };
            value = (value << 4) | digit;
        }
        let Some(character) = char::from_u32(value) else {
            return Err(self.problem("found invalid Unicode character escape code"));
        };
        text.push(character.encode_utf8(&mut [0; 4]));
        for _ in 0..digits {
            self.input.skip();
        }
        Ok(())
    }

    /// Scans a scalar without quotes.
    pub(super) fn scan_plain(&mut self) -> Result<Cow<'a, str>, YamlProblem> {
        let indent = usize::try_from(self.indent + 1).unwrap_or(0);
        let (mut text, mut gap) = (Text::new(&self.input), Gap::default());
        // The place where the blanks before the next part begin.
        let mut blanks = self.input.at();
        loop {
            self.input.fill(4)?;
            if self.input.is_marker(b'-') || self.input.is_marker(b'.') || self.input.peek(0) == b'#' {
                break;
            }
            let from = self.input.at();
            while !self.input.is_space(0) && !self.ends_plain() {
                self.input.skip();
                self.input.skip_run(is_text);
                self.input.fill(2)?;
            }
            if self.input.at() > from {
                match gap.broken {
                    true => gap.fold(&mut text),
                    false => text.add(blanks..from),
                }
                text.add(from..self.input.at());
            }
            if !self.input.is_blank(0) && !self.input.is_break(0) {
                break;
            }
            self.input.fill(1)?;
            blanks = self.input.at();
            while self.input.is_blank(0) || self.input.is_break(0) {
                if self.input.is_break(0) {
                    self.input.fill(2)?;
                    gap.add(self.input.skip_break());
                } else if gap.broken && self.input.column() < indent && self.input.peek(0) == b'\t' {
                    return Err(self.problem("found a tab character where an indentation space is expected"));
                } else {
                    self.input.skip();
                }
                self.input.fill(1)?;
            }
            if !self.in_brackets() && self.input.column() < indent {
                break;
            }
        }
        if gap.broken {
            self.key_allowed = true;
        }
        Ok(text.finish())
    }

    /// Whether the next character ends a scalar without quotes.
    fn ends_plain(&self) -> bool {
        match self.input.peek(0) {
            b':' => self.input.is_space(1),
            b',' | b'?' | b'[' | b']' | b'{' | b'}' => self.in_brackets(),
            _ => false,
        }
    }
}
