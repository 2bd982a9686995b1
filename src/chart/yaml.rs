//! YAML as Helm reads it: go-yaml's types (YAML 1.1), the first document only, the last of duplicate keys.
//!
//! The parser is libyaml's, as go-yaml's is, so that both refuse the same input. What differs is which type a plain
//! scalar gets: `yes`, `on` or `0777` are strings to YAML 1.2. Serde does not say whether a string was quoted, but a
//! borrowed one lies in the input, and the byte before it does.

use std::cell::Cell;
use std::fmt;

use serde::de::{self, DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use crate::go_json::format_g32;

/// libyaml's scanner takes quadratic time in the depth of flow collections: 200 KB of `[` cost 20 seconds. Real files
/// stay below ten.
const MAX_OPEN_FLOWS: usize = 1000;

/// As many values as a file may hold, aliases counted as what they stand for. The parser keeps some 200 bytes for each,
/// so that 5 MiB of `[x,x,…` cost it 500 MiB, and it takes hours over a few KB of aliases of aliases. The largest of 282
/// real charts has 1486, and 51 where there are dependencies.
const MAX_VALUES: usize = 30_000;
/// The same for the files that become metadata, which is kept several times over.
const MAX_METADATA: usize = 10_000;

/// A YAML value with the type that Go gives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// `null`, `~`, or nothing.
    Null,
    /// `true`, `yes`, `on` and their opposites.
    Bool(bool),
    /// An integer within i64 or u64.
    Int(i128),
    /// Any other number.
    Float(f64),
    /// Everything else, and everything quoted.
    String(String),
    /// A plain `<<`: as the key of a map it takes in another map.
    Merge,
    /// A list.
    List(Vec<Self>),
    /// A map; keys as Go's JSON conversion spells them, each once, the last one's value.
    Map(Vec<(String, Self)>),
}

/// Why a text is not YAML that Helm reads.
#[derive(Debug, thiserror::Error)]
pub enum YamlError {
    /// Not YAML.
    #[error("{0}")]
    Syntax(String),
    /// Nested beyond reason.
    #[error("more than {MAX_OPEN_FLOWS} brackets are open at once")]
    Depth,
    /// More values than any chart needs, or aliases that stand for so many.
    #[error("it holds more than {0} values")]
    Values(usize),
    /// A number that JSON, which Helm turns YAML into, does not have.
    #[error("{0} is not a number that a chart can hold")]
    NotFinite(f64),
}

impl Value {
    /// Reads the first document of `text`, which is metadata. A byte order mark is accepted, an empty text is null.
    pub(super) fn parse(text: &str) -> Result<Self, YamlError> {
        Self::parse_within(text, MAX_METADATA)
    }

    /// The same for values.yaml, which may be larger.
    pub(super) fn parse_values(text: &str) -> Result<Self, YamlError> {
        Self::parse_within(text, MAX_VALUES)
    }

    fn parse_within(text: &str, most: usize) -> Result<Self, YamlError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        check_flow_depth(text)?;
        if most_values(text) > most {
            return Err(YamlError::Values(most));
        }
        let Some(document) = serde_yaml::Deserializer::from_str(text).next() else { return Ok(Self::Null) };
        let left = Cell::new(Some(most));
        let value = Seed { text, left: &left }.deserialize(document).map_err(|e| match left.get() {
            None => YamlError::Values(most),
            Some(_) => YamlError::Syntax(e.to_string()),
        })?;
        value.check_finite()?;
        Ok(value)
    }

    /// What the value is called in a message.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Float(_) => "a number",
            Self::String(_) | Self::Merge => "a string",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }

    /// The text that this scalar becomes in a field of type string (sigs.k8s.io/yaml, convertToJSONableObject).
    pub(super) fn scalar_text(&self) -> Option<String> {
        Some(match self {
            Self::Bool(bool) => bool.to_string(),
            Self::Int(int) => int.to_string(),
            Self::Float(float) => format_g32(*float),
            Self::String(string) => string.clone(),
            Self::Merge => "<<".to_owned(),
            Self::Null | Self::List(_) | Self::Map(_) => return None,
        })
    }

    /// The same as JSON, its maps sorted.
    pub(super) fn to_json(&self) -> serde_json::Value {
        use serde_json::{Number, Value as Json};
        match self {
            Self::Null => Json::Null,
            Self::Bool(bool) => Json::Bool(*bool),
            Self::Int(int) => Number::from_i128(*int).map_or(Json::Null, Json::Number),
            Self::Float(float) => Number::from_f64(*float).map_or(Json::Null, Json::Number),
            Self::String(string) => Json::String(string.clone()),
            Self::Merge => Json::String("<<".to_owned()),
            Self::List(list) => list.iter().map(Self::to_json).collect(),
            Self::Map(map) => {
                let mut object = serde_json::Map::new();
                object.extend(map.iter().map(|(key, value)| (key.clone(), value.to_json())));
                Json::Object(object)
            }
        }
    }

    fn check_finite(&self) -> Result<(), YamlError> {
        match self {
            Self::Float(float) if !float.is_finite() => Err(YamlError::NotFinite(*float)),
            Self::List(list) => list.iter().try_for_each(Self::check_finite),
            Self::Map(map) => map.iter().try_for_each(|(_, value)| value.check_finite()),
            _ => Ok(()),
        }
    }

    /// The type that go-yaml gives a plain scalar which YAML 1.2 calls a string (resolve.go).
    fn of_plain(text: &str) -> Self {
        match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Self::Bool(true),
            "<<" => return Self::Merge,
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Self::Bool(false),
            _ => {}
        }
        if text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) {
            let digits = text.replace('_', "");
            if let Some(int) = go_int(&digits) {
                return Self::Int(int);
            }
            let float_like = digits.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b))
                && digits
                    .trim_start_matches(['+', '-'])
                    .starts_with(|c: char| c.is_ascii_digit() || c == '.');
            if float_like && let Ok(float) = digits.parse() {
                return Self::Float(float);
            }
        }
        Self::String(text.to_owned())
    }
}

/// Go's `strconv.ParseInt(s, 0, 64)`, or ParseUint: the base is read from the prefix, and a mere `0` is octal.
fn go_int(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let int = i128::from_str_radix(digits, radix).ok().map(|int| if negative { -int } else { int })?;
    (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&int).then_some(int)
}

/// One pass that bounds how many `[` and `{` are open at once. It counts those inside strings too: a bound of a
/// thousand leaves room for that.
fn check_flow_depth(text: &str) -> Result<(), YamlError> {
    let mut open = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > MAX_OPEN_FLOWS {
            return Err(YamlError::Depth);
        }
    }
    Ok(())
}

/// The most values that a text can have without aliases: each but the first is behind one of these characters. Strings
/// have them too, so this may be more than there are.
fn most_values(text: &str) -> usize {
    let bytes = text.as_bytes();
    let indicates = |(at, byte): (usize, &u8)| {
        let before_space = || bytes.get(at + 1).is_none_or(u8::is_ascii_whitespace);
        match byte {
            b'[' | b'{' | b',' => true,
            b'-' | b'?' => before_space(),
            // Inside of brackets it may stand right between a quoted key and its value.
            b':' => {
                before_space()
                    || at.checked_sub(1).is_some_and(|at| matches!(bytes[at], b'"' | b'\'' | b']' | b'}'))
            }
            _ => false,
        }
    };
    1 + bytes.iter().enumerate().filter(|at| indicates(*at)).count()
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    text: &'a str,
    /// How many values there may still be; none once there were too many.
    left: &'a Cell<Option<usize>>,
}

impl Seed<'_> {
    /// Whether `part`, a slice of the text, stands there without quotes.
    fn is_plain(self, part: &str) -> bool {
        let start = (part.as_ptr() as usize).checked_sub(self.text.as_ptr() as usize);
        let before = start.and_then(|start| start.checked_sub(1)).and_then(|at| self.text.as_bytes().get(at));
        !matches!(before, Some(b'"' | b'\''))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        self.left.set(self.left.get().and_then(|left| left.checked_sub(1)));
        if self.left.get().is_none() {
            return Err(de::Error::custom("too many values"));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Value, E> {
        Ok(Value::Bool(bool))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Value, E> {
        Ok(Value::Int(int.into()))
    }

    fn visit_u64<E>(self, int: u64) -> Result<Value, E> {
        Ok(Value::Int(int.into()))
    }

    // Go falls back to a float where an integer does not fit into 64 bits.
    fn visit_i128<E>(self, int: i128) -> Result<Value, E> {
        Ok(Value::Float(int as f64))
    }

    fn visit_u128<E>(self, int: u128) -> Result<Value, E> {
        Ok(Value::Float(int as f64))
    }

    fn visit_f64<E>(self, float: f64) -> Result<Value, E> {
        Ok(Value::Float(float))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value, E> {
        Ok(if self.is_plain(text) { Value::of_plain(text) } else { Value::String(text.to_owned()) })
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(self)? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = std::collections::BTreeMap::new();
        let mut merged = Vec::new();
        while let Some(key) = access.next_key_seed(self)? {
            let value = access.next_value_seed(self)?;
            if key == Value::Merge {
                merged.push(value);
                continue;
            }
            let Some(key) = key.scalar_text() else {
                return Err(de::Error::custom(format_args!("{} cannot be the key of a map", key.kind())));
            };
            map.insert(key, value);
        }
        for value in merged.into_iter().flat_map(|value| match value {
            Value::List(list) => list,
            value => vec![value],
        }) {
            let Value::Map(entries) = value else {
                return Err(de::Error::custom("`<<` merges maps, and this is none"));
            };
            for (key, value) in entries {
                map.entry(key).or_insert(value);
            }
        }
        Ok(Value::Map(map.into_iter().collect()))
    }

    /// A value with a tag of its own (`!x`), which go-yaml reads as if it had none.
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let (_tag, variant) = access.variant::<de::IgnoredAny>()?;
        variant.newtype_variant_seed(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_become_the_strings_that_helm_makes_of_them() {
        for (text, expected) in [
            ("1.10", "1.1"),
            ("6.0", "6"),
            ("1e5", "100000"),
            ("16777217.5", "1.6777218e+07"),
            ("1.123456789", "1.1234568"),
            ("0777", "511"),
            ("08", "8"),
            ("1_000", "1000"),
            ("0x1F", "31"),
            ("yes", "true"),
            ("y", "true"),
            ("N", "false"),
            ("0b11", "3"),
            ("0o17", "15"),
            ("+5", "5"),
            (".5", "0.5"),
            ("1.", "1"),
            ("1_0.5", "10.5"),
            ("-0", "0"),
            ("18446744073709551616", "1.8446744e+19"),
            ("1:30", "1:30"),
            ("on", "true"),
            ("Off", "false"),
            ("true", "true"),
            ("\"yes\"", "yes"),
            ("'1.10'", "1.10"),
            ("\"0777\"", "0777"),
            ("1.2.3", "1.2.3"),
            ("v1", "v1"),
            ("2019-01-01", "2019-01-01"),
        ] {
            let text = format!("a: {text}\n");
            let Value::Map(map) = Value::parse(&text).unwrap() else { panic!("{text}") };
            assert_eq!(map[0].1.scalar_text().as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn reads_what_libyaml_reads() {
        let map = |entries: &[(&str, Value)]| {
            Value::Map(entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect())
        };
        let string = |s: &str| Value::String(s.to_owned());
        assert_eq!(Value::parse("").unwrap(), Value::Null);
        assert_eq!(Value::parse("\u{feff}a: b").unwrap(), map(&[("a", string("b"))]));
        assert_eq!(Value::parse("a: b\n---\nc: d").unwrap(), map(&[("a", string("b"))]));
        assert_eq!(Value::parse("a: b\na: c").unwrap(), map(&[("a", string("c"))]));
        assert_eq!(Value::parse("a: !x b").unwrap(), map(&[("a", string("b"))]));
        assert_eq!(Value::parse("1: a\ntrue: b").unwrap(), map(&[("1", string("a")), ("true", string("b"))]));
        assert_eq!(
            Value::parse("a: &a {x: u}\nb: {<<: *a, z: w}").unwrap(),
            map(&[("a", map(&[("x", string("u"))])), ("b", map(&[("x", string("u")), ("z", string("w"))]))])
        );
        for text in ["a: b: c", "a: [", "[a]: b", "a: .inf", "\ta: b"] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn is_not_taken_in_by_bombs() {
        assert!(matches!(Value::parse(&"[".repeat(200_000)), Err(YamlError::Depth)));
        assert!(Value::parse(&"[".repeat(900)).is_err());
        let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (letter, before) in ('b'..='i').zip('a'..) {
            bomb += &format!("{letter}: &{letter} [{}]\n", [format!("*{before}").as_str(); 9].join(","));
        }
        assert!(matches!(Value::parse(&bomb), Err(YamlError::Values(_))));
        // Few values, and each of them large.
        let wide = format!("a: &a [{}]\nb: [{}]\n", "x,".repeat(1000), "*a,".repeat(5000));
        assert!(matches!(Value::parse(&wide), Err(YamlError::Values(_))));
        let merges = format!("a: &a {{{}}}\nb: [{}]\n", "k: x,".repeat(1000), "{<<: *a},".repeat(900));
        assert!(matches!(Value::parse(&merges), Err(YamlError::Values(_))));
        for many in ["x,", "[],", "\"k\":x,", "k: x,"] {
            let text = format!("a: [{}]", many.repeat(MAX_VALUES));
            assert!(matches!(Value::parse_values(&text), Err(YamlError::Values(_))), "{many}");
        }
        for many in ["- x\n", "-\n", "- - -\n", "k: x\n", "k:\n", "?\n", "? k\n: x\n"] {
            let text = many.repeat(MAX_VALUES);
            assert!(matches!(Value::parse_values(&text), Err(YamlError::Values(_))), "{many}");
        }
        let text = format!("a: [{}]", "x,".repeat(MAX_VALUES - 10));
        assert!(Value::parse_values(&text).is_ok());
    }
}
