//! Scans directives and tags.

use std::borrow::Cow;

use super::scanner::Scanner;
use super::token::YamlToken;
use crate::chart::yaml::problem::YamlProblem;

impl<'a> Scanner<'a> {
    /// Scans a directive up to the end of its line: `%YAML 1.1` or `%TAG !e! tag:example.com,2000:`.
    pub(super) fn scan_directive(&mut self) -> Result<YamlToken<'a>, YamlProblem> {
        self.input.skip();
        self.input.fill(1)?;
        let from = self.input.at();
        while self.input.is_word() {
            self.input.skip();
            self.input.fill(1)?;
        }
        let name = self.input.since(from);
        if !self.input.is_space(0) {
            return Err(self.problem("could not find expected directive name"));
        }
        let token = match name {
            "YAML" => {
                self.input.fill(1)?;
                self.input.skip_blanks()?;
                let major = self.scan_version_number()?;
                if self.input.peek(0) != b'.' {
                    return Err(self.problem("did not find expected version number"));
                }
                self.input.skip();
                YamlToken::Version(major, self.scan_version_number()?)
            }
            "TAG" => self.scan_tag_directive()?,
            _ => return Err(self.problem("found unknown directive name")),
        };
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
        Ok(token)
    }

    fn scan_version_number(&mut self) -> Result<u8, YamlProblem> {
        self.input.fill(1)?;
        let mut number = None;
        let mut length = 0;
        while let digit @ b'0'..=b'9' = self.input.peek(0) {
            length += 1;
            if length > 2 {
                return Err(self.problem("found extremely long version number"));
            }
            number = Some(number.unwrap_or(0) * 10 + (digit - b'0'));
            self.input.skip();
            self.input.fill(1)?;
        }
        number.ok_or_else(|| self.problem("did not find expected version number"))
    }

    fn scan_tag_directive(&mut self) -> Result<YamlToken<'a>, YamlProblem> {
        self.input.fill(1)?;
        self.input.skip_blanks()?;
        let handle = self.scan_handle()?;
        if handle != "!" && !is_handle(handle) {
            return Err(self.problem("did not find expected '!'"));
        }
        self.input.fill(1)?;
        if !self.input.is_blank(0) {
            return Err(self.problem("did not find expected tag URI"));
        }
        self.input.skip_blanks()?;
        let prefix = self.scan_uri(self.input.at())?;
        if prefix.is_empty() {
            return Err(self.problem("did not find expected tag URI"));
        }
        self.input.fill(1)?;
        if !self.input.is_space(0) {
            return Err(self.problem("did not find expected whitespace or line break"));
        }
        Ok(YamlToken::TagDirective(handle, prefix))
    }

    /// Scans a tag: `!<tag:example.com,2000:x>`, `!x`, `!!x`, `!e!x` or `!`.
    pub(super) fn scan_tag(&mut self) -> Result<YamlToken<'a>, YamlProblem> {
        self.input.fill(2)?;
        let from = self.input.at();
        let tag = if self.input.peek(1) == b'<' {
            self.input.skip();
            self.input.skip();
            let tag = self.scan_uri(self.input.at())?;
            if tag.is_empty() || self.input.peek(0) != b'>' {
                return Err(self.problem("did not find the expected '>'"));
            }
            self.input.skip();
            YamlToken::Tag("", tag)
        } else {
            let handle = self.scan_handle()?;
            if is_handle(handle) {
                let rest = self.scan_uri(self.input.at())?;
                if rest.is_empty() {
                    return Err(self.problem("did not find expected tag URI"));
                }
                YamlToken::Tag(handle, rest)
            } else {
                // What looked like a handle is a part of the name.
                match self.scan_uri(from + 1)? {
                    rest if rest.is_empty() => YamlToken::Tag("", Cow::Borrowed(b"!")),
                    rest => YamlToken::Tag("!", rest),
                }
            }
        };
        self.input.fill(1)?;
        if !self.input.is_space(0) {
            return Err(self.problem("did not find expected whitespace or line break"));
        }
        Ok(tag)
    }

    /// Scans a handle, `!`, `!!` or `!e!`, or what looks like one and is the beginning of `!name`.
    fn scan_handle(&mut self) -> Result<&'a str, YamlProblem> {
        self.input.fill(1)?;
        let from = self.input.at();
        if self.input.peek(0) != b'!' {
            return Err(self.problem("did not find expected '!'"));
        }
        self.input.skip();
        self.input.fill(1)?;
        while self.input.is_word() {
            self.input.skip();
            self.input.fill(1)?;
        }
        if self.input.peek(0) == b'!' {
            self.input.skip();
        }
        Ok(self.input.since(from))
    }

    /// Scans the part of a tag that began at `from`, and decodes its escapes.
    fn scan_uri(&mut self, from: usize) -> Result<Cow<'a, [u8]>, YamlProblem> {
        self.input.fill(1)?;
        let mut from = from;
        let mut owned: Option<Vec<u8>> = None;
        loop {
            match self.input.peek(0) {
                b'%' => {
                    owned.get_or_insert_default().extend(self.input.since(from).as_bytes());
                    self.scan_uri_escape(owned.get_or_insert_default())?;
                    from = self.input.at();
                }
                byte if byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$,.!~*'()[]".contains(&byte) => {
                    self.input.skip();
                }
                _ => break,
            }
            self.input.fill(1)?;
        }
        let rest = self.input.since(from).as_bytes();
        Ok(match owned {
            None => Cow::Borrowed(rest),
            Some(mut owned) => {
                owned.extend(rest);
                Cow::Owned(owned)
            }
        })
    }

    /// Scans a character that is written as its UTF-8 bytes, such as `%c3%a9`.
    fn scan_uri_escape(&mut self, out: &mut Vec<u8>) -> Result<(), YamlProblem> {
        let mut left = None;
        while left != Some(0) {
            self.input.fill(3)?;
            let digit = |offset| char::from(self.input.peek(offset)).to_digit(16);
            let octet = match (self.input.peek(0), digit(1), digit(2)) {
                (b'%', Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(0),
                _ => return Err(self.problem("did not find URI escaped octet")),
            };
            left = match (left, octet) {
                (None, 0..0x80) => Some(0),
                (None, 0xc0..0xe0) => Some(1),
                (None, 0xe0..0xf0) => Some(2),
                (None, 0xf0..0xf8) => Some(3),
                (Some(left), 0x80..0xc0) => Some(left - 1),
                _ => return Err(self.problem("found an incorrect UTF-8 octet")),
            };
            out.push(octet);
            (0..3).for_each(|_| self.input.skip());
        }
        Ok(())
    }
}

/// Whether the text has a `!` at its end, besides the one at its beginning.
fn is_handle(text: &str) -> bool {
    text.len() > 1 && text.ends_with('!')
}
