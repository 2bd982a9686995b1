//! Decides how a scalar is written (yaml_emitter_analyze_scalar and yaml_emitter_select_scalar_style in emitterc.go).

use std::borrow::Cow;

use crate::chart::yaml::event::{Scalar, ScalarTag};
use crate::chart::yaml::value::YamlValue;
use crate::chart::yaml::{resolve, timestamp};

/// The style of a scalar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// The styles in which a text can be written, and whether it has line breaks.
#[derive(Default)]
struct Looks {
    breaks: bool,
    plain: bool,
    single: bool,
    literal: bool,
}

/// Whether go-yaml writes the character without an escape.
pub(super) fn is_printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && character != '\u{feff}'
}

pub(super) fn is_break(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn analyze(text: &str) -> Looks {
    if text.is_empty() {
        return Looks { plain: true, single: true, ..Looks::default() };
    }
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let (mut special, mut breaks, mut break_space, mut space_break) = (false, false, false, false);
    let (mut after_space, mut after_break, mut after_blank) = (false, false, true);
    let mut characters = text.chars().peekable();
    let mut is_first = true;
    while let Some(character) = characters.next() {
        let before_blank = characters.peek().is_none_or(|next| matches!(next, ' ' | '\t'));
        indicators |= match character {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`'
                if is_first =>
            {
                true
            }
            '?' | '-' if is_first => before_blank,
            ':' => before_blank,
            '#' => after_blank,
            _ => false,
        };
        special |= !is_printable(character);
        let (space, line) = (character == ' ', is_break(character));
        break_space |= space && after_break;
        space_break |= line && after_space;
        breaks |= line;
        (after_space, after_break) = (space, line);
        after_blank = line || matches!(character, ' ' | '\t');
        is_first = false;
    }
    let at_an_end = |is: fn(char) -> bool| text.starts_with(is) || text.ends_with(is);
    let edges = at_an_end(|c| c == ' ') || at_an_end(is_break);
    let odd = space_break || special;
    Looks {
        breaks,
        plain: !(indicators || edges || break_space || breaks || odd),
        single: !(break_space || odd),
        literal: !(text.ends_with(' ') || odd),
    }
}

/// Whether a reader takes the text for a string if it has no quotes (stringv in encode.go).
fn is_string(text: &str) -> bool {
    let scalar = Scalar { text: Cow::Borrowed(text), plain: true, tag: ScalarTag::None };
    let is_string = matches!(resolve::resolve(scalar), Ok(YamlValue::String(_)));
    // Some readers take these for dates or numbers to the base of 60.
    is_string && !timestamp::is_timestamp(text) && !is_sexagesimal(text)
}

/// Whether this is a number to the base of 60 in YAML 1.1, such as `12:30:45.5`.
fn is_sexagesimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let mut parts = unsigned.split(':');
    let first = parts.next().unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_digit()) || !digits(first) {
        return false;
    }
    let rest: Vec<_> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let sixty = |part: &str| {
        matches!(part.as_bytes(), [d] if d.is_ascii_digit())
            || matches!(part.as_bytes(), [b'0'..=b'5', d] if d.is_ascii_digit())
    };
    let (whole, fraction) = last.split_once('.').unwrap_or((last, ""));
    middle.iter().all(|part| sixty(part)) && sixty(whole) && digits(fraction)
}

/// The style in which go-yaml writes a text. `is_key` is for keys on the same line as their colon.
pub(super) fn style(text: &str, is_key: bool) -> Style {
    let looks = analyze(text);
    let wanted = match text {
        _ if is_key && looks.breaks => Style::Double,
        _ if text.contains('\n') => Style::Literal,
        _ if is_string(text) => Style::Plain,
        _ => Style::Double,
    };
    match wanted {
        Style::Plain if looks.plain && !(text.is_empty() && is_key) => Style::Plain,
        Style::Plain if looks.single => Style::Single,
        Style::Literal if looks.literal && !is_key => Style::Literal,
        _ => Style::Double,
    }
}

/// Whether a key can be on the same line as its colon.
pub(super) fn is_simple_key(text: &str) -> bool {
    text.len() <= 128 && !text.chars().any(is_break)
}
