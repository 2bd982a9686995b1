//! Decodes a file into characters: UTF-8, or UTF-16 with a byte order mark. Characters that YAML does not allow are
//! errors.

use std::borrow::Cow;

use crate::limits::{Budget, HeldBudget, OverBudget};

/// A text, decoded up to the first error.
pub(super) struct Decoded<'a, 'b> {
    pub(super) text: Cow<'a, str>,
    /// The error after the end of `text`; None if all could be decoded.
    pub(super) bad: Option<Bad>,
    /// Whether the file is UTF-16, in which characters have other lengths than in `text`.
    pub(super) wide: bool,
    /// The length in bytes of the byte order mark at the beginning.
    pub(super) mark: usize,
    /// The length of the file in bytes.
    pub(super) size: usize,
    /// The memory of a text that was copied.
    _held: HeldBudget<'b>,
}

/// Bytes that are not a character, or a character that YAML does not allow.
#[derive(Clone, Copy)]
pub(super) struct Bad {
    /// How many bytes must have come before go-yaml notices it.
    pub(super) size: usize,
    pub(super) what: &'static str,
}

impl<'a, 'b> Decoded<'a, 'b> {
    /// Decodes a file. Only UTF-16 is copied, and the memory for that is taken from `budget`.
    pub(super) fn new(bytes: &'a [u8], budget: &'b Budget) -> Result<Self, OverBudget> {
        let mut held = budget.hold(0)?;
        let size = bytes.len();
        let little =
            bytes.strip_prefix(b"\xff\xfe").map(|rest| (rest, u16::from_le_bytes as fn([u8; 2]) -> u16));
        let big =
            bytes.strip_prefix(b"\xfe\xff").map(|rest| (rest, u16::from_be_bytes as fn([u8; 2]) -> u16));
        if let Some((rest, unit)) = little.or(big) {
            // Two bytes of UTF-16 are at most three of UTF-8.
            held.grow(rest.len() as u64 / 2 * 3)?;
            let (text, bad) = from_utf16(rest, unit);
            return Ok(Self { text: Cow::Owned(text), bad, wide: true, mark: 2, size, _held: held });
        }
        let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let (text, bad) = from_utf8(rest);
        Ok(Self { text: Cow::Borrowed(text), bad, wide: false, mark: size - rest.len(), size, _held: held })
    }
}

/// Whether YAML 1.1 ("Character Set") allows the character. go-yaml refuses the others in any place.
fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fffd}' | '\u{10000}'..)
}

const CONTROL: &str = "control characters are not allowed";

fn from_utf8(bytes: &[u8]) -> (&str, Option<Bad>) {
    let (text, mut bad) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => {
            let (valid, rest) = bytes.split_at(error.valid_up_to());
            let size = match rest.first() {
                Some(0xc0..0xe0) => 2,
                Some(0xe0..0xf0) => 3,
                Some(0xf0..0xf8) => 4,
                _ => 1,
            };
            (
                std::str::from_utf8(valid).unwrap_or_default(),
                Some(Bad { size, what: "found what is not UTF-8" }),
            )
        }
    };
    match text.char_indices().find(|(_, character)| !is_allowed(*character)) {
        Some((at, character)) => {
            bad = Some(Bad { size: character.len_utf8(), what: CONTROL });
            (&text[..at], bad)
        }
        None => (text, bad),
    }
}

fn from_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> (String, Option<Bad>) {
    let mut text = String::with_capacity(bytes.len() / 2 * 3);
    let (pairs, rest) = bytes.as_chunks::<2>();
    for character in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        match character {
            Ok(character) if is_allowed(character) => text.push(character),
            Ok(character) => return (text, Some(Bad { size: 2 * character.len_utf16(), what: CONTROL })),
            Err(half) => {
                // After the first half of a surrogate pair, go-yaml waits for the second one.
                let size = if half.unpaired_surrogate() < 0xdc00 { 4 } else { 2 };
                return (text, Some(Bad { size, what: "found what is not UTF-16" }));
            }
        }
    }
    let bad = (!rest.is_empty()).then_some(Bad { size: 2, what: "found what is not UTF-16" });
    (text, bad)
}
