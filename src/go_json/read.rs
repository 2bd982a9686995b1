//! Reads JSON of strings as Go reads it.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use zeroize::{Zeroize as _, Zeroizing};

/// The error of a text that is not JSON of the form that was expected. It does not show the text, which may hold a
/// secret.
#[derive(Debug, thiserror::Error)]
#[error("not the JSON that was expected")]
pub struct Unexpected;

/// The fields `names` of the first JSON value in `json`, as a `json.Decoder` fills a struct of strings (encoding/json,
/// decode.go and fold.go, Go 1.24). The letter case of a key does not matter. If several keys are for one field, the
/// last one counts. `null` leaves a field as it is. Unknown keys, and the text after the value, are ignored.
pub fn strings<const N: usize>(json: &[u8], names: [&str; N]) -> Result<[Zeroizing<String>; N], Unexpected> {
    let text = readable(json);
    let mut values = std::array::from_fn(|_| Zeroizing::new(String::new()));
    let fields = ObjectFields { names: &names, values: &mut values };
    fields.deserialize(&mut serde_json::Deserializer::from_str(&text)).map_err(|_| Unexpected)?;
    Ok(values)
}

/// The first JSON value in `json`, as a `json.Decoder` fills a map of strings: `null` as a member's value is the empty
/// string, and `null` alone is an empty map.
pub fn string_map(json: &[u8]) -> Result<BTreeMap<String, String>, Unexpected> {
    let text = readable(json);
    let map = Option::<BTreeMap<String, Option<String>>>::deserialize(
        &mut serde_json::Deserializer::from_str(&text),
    );
    let map = map.map_err(|_| Unexpected)?.unwrap_or_default();
    Ok(map.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect())
}

/// The same JSON with each member of an object and each item of a list on a line of its own, indented with tabs, as
/// Go's `json.Indent` does. Strings and numbers keep their spelling.
pub fn indented(json: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(json.len() * 2));
    let (mut depth, mut in_text, mut escaped, mut opened) = (0, false, false, false);
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        (0..depth).for_each(|_| out.push('\t'));
    };
    for c in json.chars() {
        if in_text {
            out.push(c);
            (in_text, escaped) = (escaped || c != '"', c == '\\' && !escaped);
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        if closes {
            depth -= usize::from(depth > 0);
        }
        // An empty object or list stays on one line.
        if opened != closes {
            line(&mut out, depth);
        }
        opened = matches!(c, '{' | '[');
        depth += usize::from(opened);
        out.push(c);
        match c {
            '"' => in_text = true,
            ':' => out.push(' '),
            _ => {}
        }
        if c == ',' {
            line(&mut out, depth);
        }
    }
    out
}

/// Whether Go takes this key of an object for the field `name`. It ignores letter case in ASCII, and takes U+212A for
/// `k` and U+017F for `s` (fold.go, `foldName`).
pub fn is_field(key: &str, name: &str) -> bool {
    let folded = |c: char| match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(folded).eq(name.chars().map(folded))
}

/// The text as Go would read it: bytes that are not UTF-8, and escapes that are one half of a surrogate pair, become
/// U+FFFD.
pub fn readable(json: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(json.len()));
    for chunk in json.utf8_chunks() {
        text.push_str(chunk.valid());
        (0..chunk.invalid().len()).for_each(|_| text.push('\u{fffd}'));
    }
    let bytes = text.as_bytes();
    let unit = |at: usize| {
        let escape = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(escape).ok()?, 16).ok()
    };
    let (mut halves, mut at) = (Vec::new(), 0);
    // In valid JSON a backslash stands in strings only.
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        let length = match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                halves.push(at);
                6
            }
            // The character after it may be a backslash too, or one of several bytes.
            _ => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        at += length;
    }
    for at in halves {
        text.replace_range(at..at + 6, "\\ufffd");
    }
    text
}

/// Reads a JSON object and puts the values of the fields `names` into `values`, in the same order.
struct ObjectFields<'a, const N: usize> {
    names: &'a [&'a str; N],
    values: &'a mut [Zeroizing<String>; N],
}

impl<'de, const N: usize> DeserializeSeed<'de> for ObjectFields<'_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for ObjectFields<'_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let exact = self.names.iter().position(|name| *name == key);
            match exact.or_else(|| self.names.iter().position(|name| is_field(&key, name))) {
                None => drop(map.next_value::<IgnoredAny>()?),
                Some(index) => {
                    if let Some(text) = map.next_value::<Option<String>>()? {
                        self.values[index].zeroize();
                        self.values[index] = Zeroizing::new(text);
                    }
                }
            }
        }
        Ok(())
    }
}
