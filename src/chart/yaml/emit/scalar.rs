//! Writes scalars as go-yaml's emitter does, folded after column 80.

use super::looks::{Style, is_break, is_printable};

/// After this many columns a space becomes a line break.
const WIDTH: usize = 80;

/// The text so far, and the column of the next character.
#[derive(Default)]
pub(super) struct YamlPage {
    pub(super) text: String,
    column: usize,
}

impl YamlPage {
    pub(super) fn push(&mut self, character: char) {
        self.text.push(character);
        self.column = if is_break(character) { 0 } else { self.column + 1 };
    }

    pub(super) fn push_str(&mut self, text: &str) {
        text.chars().for_each(|character| self.push(character));
    }

    /// Begins a new line, unless the place is at the beginning of one, and writes this many spaces.
    fn line(&mut self, indent: usize) {
        if self.column > 0 {
            self.push('\n');
        }
        (0..indent).for_each(|_| self.push(' '));
    }

    /// Writes a scalar. Its further lines begin with `indent` spaces. Lines are only folded if `folds` is true.
    pub(super) fn scalar(&mut self, text: &str, style: Style, indent: usize, folds: bool) {
        let characters: Vec<char> = text.chars().collect();
        match style {
            Style::Plain => self.flowing(&characters, indent, folds, false),
            Style::Single => {
                self.push('\'');
                self.flowing(&characters, indent, folds, true);
                self.push('\'');
            }
            Style::Double => self.double(&characters, indent, folds),
            Style::Literal => self.literal(&characters, indent),
        }
    }

    fn flowing(&mut self, text: &[char], indent: usize, folds: bool, quoted: bool) {
        let (mut spaces, mut breaks) = (false, false);
        for (at, character) in text.iter().copied().enumerate() {
            if character == ' ' {
                let inside = !quoted || (at > 0 && at + 1 < text.len());
                let alone = !spaces && text.get(at + 1) != Some(&' ');
                if folds && inside && alone && self.column > WIDTH {
                    self.line(indent);
                } else {
                    self.push(' ');
                }
                spaces = true;
            } else if is_break(character) {
                if !breaks && character == '\n' {
                    self.push('\n');
                }
                self.push(character);
                breaks = true;
            } else {
                if breaks {
                    self.line(indent);
                }
                if quoted && character == '\'' {
                    self.push('\'');
                }
                self.push(character);
                (spaces, breaks) = (false, false);
            }
        }
    }

    fn double(&mut self, text: &[char], indent: usize, folds: bool) {
        self.push('"');
        let mut spaces = false;
        for (at, character) in text.iter().copied().enumerate() {
            if !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                self.escape(character);
                spaces = false;
            } else if character == ' ' {
                if folds && !spaces && self.column > WIDTH && at > 0 && at + 1 < text.len() {
                    self.line(indent);
                    if text.get(at + 1) == Some(&' ') {
                        self.push('\\');
                    }
                } else {
                    self.push(' ');
                }
                spaces = true;
            } else {
                self.push(character);
                spaces = false;
            }
        }
        self.push('"');
    }

    fn escape(&mut self, character: char) {
        let name = match character {
            '\0' => "0",
            '\u{7}' => "a",
            '\u{8}' => "b",
            '\t' => "t",
            '\n' => "n",
            '\u{b}' => "v",
            '\u{c}' => "f",
            '\r' => "r",
            '\u{1b}' => "e",
            '"' => "\"",
            '\\' => "\\",
            '\u{85}' => "N",
            '\u{a0}' => "_",
            '\u{2028}' => "L",
            '\u{2029}' => "P",
            _ => "",
        };
        self.push('\\');
        match u32::from(character) {
            _ if !name.is_empty() => self.push_str(name),
            code @ 0..=0xff => self.push_str(&format!("x{code:02X}")),
            code @ 0x100..=0xffff => self.push_str(&format!("u{code:04X}")),
            code => self.push_str(&format!("U{code:08X}")),
        }
    }

    fn literal(&mut self, text: &[char], indent: usize) {
        self.push('|');
        if text.first().is_some_and(|first| *first == ' ' || is_break(*first)) {
            self.push('2');
        }
        match text {
            [.., a, b] if is_break(*a) && is_break(*b) => self.push('+'),
            [only] if is_break(*only) => self.push('+'),
            [.., last] if is_break(*last) => {}
            _ => self.push('-'),
        }
        self.push('\n');
        let mut breaks = true;
        for character in text.iter().copied() {
            if is_break(character) {
                self.push(character);
                breaks = true;
            } else {
                if breaks {
                    self.line(indent);
                }
                self.push(character);
                breaks = false;
            }
        }
    }
}
