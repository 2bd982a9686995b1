//! Texts as Go reads them.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use zeroize::{Zeroize as _, Zeroizing};

/// JSON that Go would not read into what it was to be read into. Says nothing of the text, which may be a secret.
#[derive(Debug, thiserror::Error)]
#[error("not the JSON that was expected")]
pub struct Unexpected;

/// The fields `names` of the first JSON value in `json`, as a `json.Decoder` fills a struct of strings (encoding/json,
/// decode.go and fold.go, Go 1.24): a key need not have the letter case of its field, of several for one field the last
/// counts, `null` changes nothing, and what is unknown, or stands behind the value, is ignored.
pub fn strings<const N: usize>(json: &[u8], names: [&str; N]) -> Result<[Zeroizing<String>; N], Unexpected> {
    let text = readable(json);
    let mut values = std::array::from_fn(|_| Zeroizing::new(String::new()));
    let fields = ObjectFields { names: &names, values: &mut values };
    fields.deserialize(&mut serde_json::Deserializer::from_str(&text)).map_err(|_| Unexpected)?;
    Ok(values)
}

/// The first JSON value in `json`, as a `json.Decoder` fills a map of strings. A value that is `null` is empty.
pub fn string_map(json: &[u8]) -> Result<BTreeMap<String, String>, Unexpected> {
    let text = readable(json);
    let map = Option::<BTreeMap<String, Option<String>>>::deserialize(
        &mut serde_json::Deserializer::from_str(&text),
    );
    let map = map.map_err(|_| Unexpected)?.unwrap_or_default();
    Ok(map.into_iter().map(|(name, value)| (name, value.unwrap_or_default())).collect())
}

/// The same JSON with every member on a line of its own, as Go's `json.Indent` writes it with tabs. What is in texts and
/// numbers stays as it is.
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
        // What is empty stays on its line.
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

/// Whether a key of an object is meant for this field: letter case makes no difference, and neither do the two characters
/// outside of ASCII that fold into it (fold.go, `foldName`).
pub fn is_field(key: &str, name: &str) -> bool {
    let folded = |c: char| match c {
        '\u{212a}' => 'k',
        '\u{17f}' => 's',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(folded).eq(name.chars().map(folded))
}

/// The text without what Go replaces instead of refusing it: bytes that are no UTF-8, and halves of surrogate pairs.
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
    // A backslash stands in strings alone, or the text is no JSON at all.
    while let Some(found) = text.get(at..).and_then(|rest| rest.find('\\')) {
        at += found;
        let length = match (unit(at), unit(at + 6)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                halves.push(at);
                6
            }
            // The character behind it may be a backslash, too, or one of several bytes.
            _ => 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
        };
        at += length;
    }
    for at in halves {
        text.replace_range(at..at + 6, "\\ufffd");
    }
    text
}

/// Fills texts from an object.
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
