//! Writes YAML by rules of our own. The Chart.yaml of a chart layer is part of its digest, so the update of a library
//! must not change the text.
//!
//! The text is in block style with two spaces of indentation. A string is plain if every YAML reader takes it for a
//! string; otherwise it stands in JSON's double quotes, which YAML reads too.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json};

/// The YAML document of this value, with a line end. In a map at the top, and in maps that are its list's items, the
/// keys `ref` and `name` come first.
pub fn document(value: &Json) -> String {
    let mut out = String::new();
    match value {
        Json::Object(map) if !map.is_empty() => {
            names_first(map).for_each(|(key, value)| entry(&mut out, 0, key, value));
        }
        Json::Array(list) if !list.is_empty() => list.iter().for_each(|value| item(&mut out, 0, value)),
        value => {
            out.push_str(&flat(value));
            out.push('\n');
        }
    }
    out
}

/// Appends `key: value` to `out`, in block style, indented by this many spaces.
pub fn entry(out: &mut String, indent: usize, key: &str, value: &Json) {
    let _ = write!(out, "{:indent$}{}:", "", scalar(key));
    nested(out, indent, value);
}

/// Appends the line `key:` alone. The caller appends the list or map that follows.
pub fn key(out: &mut String, indent: usize, key: &str) {
    let _ = writeln!(out, "{:indent$}{}:", "", scalar(key));
}

/// Appends the value of an entry whose `key:` is written already.
fn nested(out: &mut String, indent: usize, value: &Json) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            out.push('\n');
            map.iter().for_each(|(key, value)| entry(out, indent + 2, key, value));
        }
        Json::Array(list) if !list.is_empty() => {
            out.push('\n');
            list.iter().for_each(|value| item(out, indent, value));
        }
        value => {
            out.push(' ');
            out.push_str(&flat(value));
            out.push('\n');
        }
    }
}

/// The entries of a map in the order in which they are printed: `ref` and `name` first, then the others.
fn names_first(map: &Map<String, Json>) -> impl Iterator<Item = (&str, &Json)> {
    const NAMES: [&str; 2] = ["ref", "name"];
    let names = NAMES.into_iter().filter_map(|name| Some((name, map.get(name)?)));
    names.chain(map.iter().map(|(key, value)| (key.as_str(), value)).filter(|(key, _)| !NAMES.contains(key)))
}

/// Appends one item of a list, `- …`, in block style, indented by this many spaces.
pub fn item(out: &mut String, indent: usize, value: &Json) {
    match value {
        Json::Object(map) if !map.is_empty() => {
            let mut text = String::new();
            names_first(map).for_each(|(key, value)| entry(&mut text, indent + 2, key, value));
            // The first key stands on the line of the dash.
            let _ = write!(out, "{:indent$}- {}", "", &text[indent + 2..]);
        }
        // A list inside a list is rare, and written on one line.
        value => {
            let _ = writeln!(out, "{:indent$}- {}", "", flat(value));
        }
    }
}

fn flat(value: &Json) -> String {
    match value {
        Json::String(string) => scalar(string),
        Json::Array(list) => format!("[{}]", list.iter().map(flat).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => flat_map(map),
        // JSON's null, booleans and numbers are YAML's.
        other => other.to_string(),
    }
}

fn flat_map(map: &Map<String, Json>) -> String {
    let entries: Vec<_> =
        map.iter().map(|(key, value)| format!("{}: {}", quoted(key), flat(value))).collect();
    format!("{{{}}}", entries.join(", "))
}

/// A string as it is written: plain if no reader can take that for anything but a string, here or inside `[…]`; else
/// quoted.
fn scalar(text: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric() || matches!(c, ' ' | '.' | '_' | '/' | '-' | '+' | '@' | '(' | ')')
    };
    let safe = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && is_plain_with_colons(text, plain)
        && !is_word_of_another_type(text);
    if safe || is_plain_version(text) { text.to_owned() } else { quoted(text) }
}

/// Whether a text consists of `plain` characters and colons that no white space follows: `https://example.com`.
fn is_plain_with_colons(text: &str, plain: impl Fn(char) -> bool) -> bool {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == ':' {
            if !chars.peek().is_some_and(|c| *c == '/' || c.is_ascii_alphanumeric()) {
                return false;
            }
        } else if !plain(c) {
            return false;
        }
    }
    true
}

/// Whether a text has the form `1.2.3`. With two dots it cannot be read as a number.
fn is_plain_version(text: &str) -> bool {
    let mut parts = text.split('.');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    parts.clone().count() == 3 && parts.all(digits)
}

fn is_word_of_another_type(text: &str) -> bool {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The text in double quotes with JSON's escapes. YAML takes all other characters as they are, except for a few that it
/// treats as line breaks or as not printable, which are escaped too (YAML 1.1, 4.1 and 5.4).
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}'
            | '\u{7f}'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
