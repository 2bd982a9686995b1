//! JSON and numbers, letter for letter as Go writes them, and texts as Go reads them.
//!
//! Helm's config blob is `json.Marshal` of the chart's metadata, and its digest is part of every manifest. Equal digests
//! need equal bytes: Go escapes what HTML would take for markup, knows fewer short escapes than serde_json, and has its
//! own idea of when a number gets an exponent (encoding/json/encode.go and strconv/ftoa.go, Go 1.18).

mod members;

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use std::collections::BTreeMap;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::ser::{CharEscape, Formatter, Serializer};
use zeroize::{Zeroize as _, Zeroizing};

pub use self::members::{Members, field_of, key_of, members};

/// `value` as Go's `json.Marshal` writes it: compact, without a line end.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, GoFormatter))?;
    Ok(bytes)
}

/// The same, or an error where it is longer than so many bytes. No more than that is held meanwhile.
pub fn to_vec_within<T: Serialize + ?Sized>(value: &T, most: u64) -> Result<Vec<u8>, serde_json::Error> {
    // It is written twice, so that it never has to grow.
    let length = length_within(value, most)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    value.serialize(&mut Serializer::with_formatter(&mut bytes, GoFormatter))?;
    Ok(bytes)
}

/// Whether it is no longer than so many bytes.
pub fn is_within<T: Serialize + ?Sized>(value: &T, most: u64) -> bool {
    length_within(value, most).is_ok()
}

fn length_within<T: Serialize + ?Sized>(value: &T, most: u64) -> Result<u64, serde_json::Error> {
    let mut length = Length { bytes: 0, most };
    value.serialize(&mut Serializer::with_formatter(&mut length, GoFormatter))?;
    Ok(length.bytes)
}

/// Counts what is written.
struct Length {
    bytes: u64,
    most: u64,
}

impl Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        if self.bytes > self.most {
            return Err(io::Error::other(format!("it is longer than {} bytes", self.most)));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A float as the JSON number that it is once Go has written it: `1.0` is `1`, an integer. None for what is no number.
pub fn number(float: f64) -> Option<serde_json::Number> {
    serde_json::from_slice(&to_vec(&float).ok()?).ok()
}

/// The formatter behind [`to_vec`], for a `serde_json::Serializer` of one's own.
#[derive(Debug, Clone, Copy, Default)]
pub struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut plain = 0;
        for (at, character) in fragment.char_indices() {
            if matches!(character, '<' | '>' | '&' | '\u{2028}' | '\u{2029}') {
                writer.write_all(&fragment.as_bytes()[plain..at])?;
                write!(writer, "\\u{:04x}", u32::from(character))?;
                plain = at + character.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[plain..])
    }

    fn write_char_escape<W: Write + ?Sized>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"/"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            // Go learnt \b and \f in 1.22 only.
            CharEscape::Backspace => writer.write_all(b"\\u0008"),
            CharEscape::FormFeed => writer.write_all(b"\\u000c"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
        }
    }

    fn write_f32<W: Write + ?Sized>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        let plain = value == 0.0 || (1e-6..1e21).contains(&value.abs());
        writer.write_all(Decimal::shortest(value).for_json(plain).as_bytes())
    }

    fn write_f64<W: Write + ?Sized>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let plain = value == 0.0 || (1e-6..1e21).contains(&value.abs());
        writer.write_all(Decimal::shortest(value).for_json(plain).as_bytes())
    }
}

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
    let fields = Fields { names: &names, values: &mut values };
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
struct Fields<'a, const N: usize> {
    names: &'a [&'a str; N],
    values: &'a mut [Zeroizing<String>; N],
}

impl<'de, const N: usize> DeserializeSeed<'de> for Fields<'_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Fields<'_, N> {
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

/// Go's `strconv.FormatFloat(value, 'g', -1, 32)`.
///
/// sigs.k8s.io/yaml turns a YAML float into the text of a string field so (yaml.go, `convertToJSONableObject`): through
/// 32 bits, which is why `appVersion: 1.10` is `1.1` and `appVersion: 16777217.5` is `1.6777218e+07` to Helm.
pub fn format_g32(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let decimal = Decimal::shortest(value);
    // 6 stands for the precision where the shortest is asked for; 21 is the limit of fmt's %v, not of strconv's 'g'.
    if (-4..6).contains(&decimal.exponent) { decimal.plain() } else { decimal.scientific(2) }
}

/// The shortest decimal that reads back as one and the same float.
struct Decimal {
    sign: &'static str,
    /// Without a point, which belongs after the first.
    digits: String,
    exponent: i32,
}

impl Decimal {
    fn shortest<T: Copy + fmt::LowerExp + FromStr + PartialEq>(value: T) -> Self {
        let shortest = format!("{value:e}");
        let (mantissa, _) = split_exponent(&shortest);
        // Between two that are equally near, as 0.2 and 0.3 are to 0.25, Rust takes the upper and Go the even one.
        // Asked for a number of digits, Rust takes the even one too; but then the result need not read back.
        let decimals = mantissa.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        let even = format!("{value:.decimals$e}");
        let chosen = if even.parse().is_ok_and(|parsed: T| parsed == value) { even } else { shortest };

        let (mantissa, exponent) = split_exponent(&chosen);
        let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
        Self { sign, digits: mantissa.replace('.', ""), exponent }
    }

    fn for_json(&self, plain: bool) -> String {
        if plain { self.plain() } else { self.scientific(1) }
    }

    /// Go's `f`: `1200`, `0.012`.
    fn plain(&self) -> String {
        let Self { sign, digits, exponent } = self;
        let Ok(whole) = usize::try_from(exponent + 1) else {
            let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
            return format!("{sign}0.{zeros}{digits}");
        };
        match digits.split_at_checked(whole) {
            Some((whole, decimals)) if !whole.is_empty() && !decimals.is_empty() => {
                format!("{sign}{whole}.{decimals}")
            }
            Some(("", decimals)) => format!("{sign}0.{decimals}"),
            _ => format!("{sign}{digits:0<whole$}"),
        }
    }

    /// Go's `e`: `1.2e+21`. The exponent has a sign and so many digits at least.
    fn scientific(&self, width: usize) -> String {
        let Self { sign, digits, exponent } = self;
        let (first, decimals) = digits.split_at(1);
        let point = if decimals.is_empty() { "" } else { "." };
        let direction = if *exponent < 0 { '-' } else { '+' };
        format!("{sign}{first}{point}{decimals}e{direction}{:0width$}", exponent.unsigned_abs())
    }
}

/// Splits Rust's `1.5e-7`.
fn split_exponent(number: &str) -> (&str, i32) {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    (mantissa, exponent.parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json<T: Serialize + ?Sized>(value: &T) -> String {
        String::from_utf8(to_vec(value).unwrap()).unwrap()
    }

    #[test]
    fn escapes_as_go_does() {
        let table = [
            ("plain", r#""plain""#),
            ("<a href=\"x\">&</a>", r#""\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e""#),
            ("a\u{2028}b\u{2029}c\u{2027}\u{202a}", "\"a\\u2028b\\u2029c\u{2027}\u{202a}\""),
            ("\n\r\t", r#""\n\r\t""#),
            ("\0\u{1}\u{8}\u{b}\u{c}\u{1f}\u{7f}", "\"\\u0000\\u0001\\u0008\\u000b\\u000c\\u001f\u{7f}\""),
            ("\\ / '", r#""\\ / '""#),
            ("é☺😀\u{fffd}", "\"é☺😀\u{fffd}\""),
        ];
        for (text, expected) in table {
            assert_eq!(json(text), expected, "{text:?}");
        }
        let map = BTreeMap::from([("<k>", vec![1, 2])]);
        assert_eq!(json(&map), r#"{"\u003ck\u003e":[1,2]}"#);
    }

    #[test]
    fn texts_are_read_as_go_reads_them() {
        // A json.Decoder of Go 1.24 into struct{ ServerURL, Username, Secret string }; `!` where it fails.
        for (json, expected) in [
            (r#"{"ServerURL":"h","Username":"me","Secret":"s"}"#, "h|me|s"),
            (r#"{"serverurl":"h","USERNAME":"me","sEcReT":"s"}"#, "h|me|s"),
            ("{\"\u{17f}ecret\":\"s\"}", "||s"),
            (r#"{"Secret":"s","Secret":"t"}"#, "||t"),
            (r#"{"Secret":"s","secret":"t"}"#, "||t"),
            (r#"{"secret":"t","Secret":"s"}"#, "||s"),
            (r#"{"Secret":"s","Secret":null}"#, "||s"),
            (r#"{"Secret":null,"Username":null}"#, "||"),
            (r#"{"Extra":{"Secret":["x",{}]},"Secret":"s","More":1e999}"#, "||s"),
            (r#"{"Secret":"s"} trailing"#, "||s"),
            ("\r\n {\"Secret\":\"s\"}\r\n", "||s"),
            ("null", "||"),
            ("{}", "||"),
            (r#"{"Secret":"\ud800"}"#, "||\u{fffd}"),
            (r#"{"Secret":"\ud83d\ude00\udc00x"}"#, "||\u{1f600}\u{fffd}x"),
            (r#"{"Secret":"\ud800\ud83d\ude00"}"#, "||\u{fffd}\u{1f600}"),
            (r#"{"Secret":"\\ud800"}"#, r"||\ud800"),
            (r#"{"Secret":"\\\ud800"}"#, "||\\\u{fffd}"),
            (r#"{"Secret":7}"#, "!"),
            (r#"{"Secret":["s"]}"#, "!"),
            (r#"{"Secret":true,"Username":"me"}"#, "!"),
            (r#"["Secret"]"#, "!"),
            (r#""Secret""#, "!"),
            (r#"{"Secret":"s""#, "!"),
            ("{\"Secret\":\"a\nb\"}", "!"),
            (r#"{"Secret":"\ud8"}"#, "!"),
            ("\u{feff}{}", "!"),
            ("", "!"),
        ] {
            let read = strings(json.as_bytes(), ["ServerURL", "Username", "Secret"]);
            let read = read.map(|values| values.map(|value| value.to_string()).join("|"));
            assert_eq!(read.unwrap_or("!".into()), expected, "{json}");
        }
        let read = strings(b"{\"a\":\"x\xff\xe2\x82y\"}", ["a"]).unwrap();
        assert_eq!(*read[0], "x\u{fffd}\u{fffd}\u{fffd}y");
        for (json, expected) in [
            (r#"{"a":"1","b":null,"a":"2","A":"3"}"#, Some("A3 a2 b")),
            ("null", Some("")),
            (r#"{"a":1}"#, None),
            ("[]", None),
            ("", None),
        ] {
            let read = string_map(json.as_bytes()).ok();
            let read =
                read.map(|map| map.iter().map(|(k, v)| format!("{k}{v}")).collect::<Vec<_>>().join(" "));
            assert_eq!(read.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn writes_numbers_as_go_does() {
        // encoding/json.Marshal of Go 1.19.
        let table = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (1.10, "1.1"),
            (-12.5, "-12.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (0.000001, "0.000001"),
            (0.0000012, "0.0000012"),
            (0.00000015, "1.5e-7"),
            (1e-300, "1e-300"),
            (1234567.0, "1234567"),
            (f64::from_bits(0x42ef_cd92_df65_b774), "279742342966715.62"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::from_bits(1), "5e-324"),
        ];
        for (value, expected) in table {
            assert_eq!(json(&value), expected, "{value:e}");
        }
        assert_eq!(json(&0.1f32), "0.1");
        assert_eq!(json(&1e21f32), "1e+21");
        assert_eq!(json(&16_777_216f32), "16777216");
    }

    #[test]
    fn turns_floats_into_text_as_helm_does() {
        // `helm show chart` of Helm 3.10.1 with this `appVersion`.
        let table = [
            (1.10, "1.1"),
            (6.0, "6"),
            (0.1, "0.1"),
            (1e5, "100000"),
            (12e3, "12000"),
            (100000.5, "100000.5"),
            (123456.7, "123456.7"),
            (999999.5, "999999.5"),
            (1e6, "1e+06"),
            (1234567.0, "1.234567e+06"),
            (16777217.5, "1.6777218e+07"),
            (1.123456789, "1.1234568"),
            (1e21, "1e+21"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (360549.625, "360549.62"),
            (1377248.25, "1.3772482e+06"),
            (-0.0, "-0"),
            (1e-46, "0"),
            (1e39, "+Inf"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ];
        for (value, expected) in table {
            assert_eq!(format_g32(value), expected, "{value:e}");
        }
    }
}
