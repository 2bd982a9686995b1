//! Decides the type of a scalar as go-yaml does (resolve.go): null, a boolean, a number or a string, with `yes` and
//! `0777` of YAML 1.1, and numbers as Go reads them.

use std::borrow::Cow;

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

use super::event::{Scalar, ScalarTag};
use super::timestamp;
use super::value::YamlValue;

/// Base64 as Go's `base64.StdEncoding` decodes it: padding is needed, and surplus bits are ignored.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The value of a scalar, or why go-yaml refuses it.
pub(super) fn resolve(scalar: Scalar<'_>) -> Result<YamlValue, &'static str> {
    let Scalar { text, plain, tag } = scalar;
    match tag {
        ScalarTag::None if !plain => Ok(YamlValue::String(text.into_owned())),
        ScalarTag::None => Ok(untagged(text)),
        ScalarTag::Str | ScalarTag::Unspecific | ScalarTag::Merge | ScalarTag::Other => {
            Ok(YamlValue::String(text.into_owned()))
        }
        ScalarTag::Binary => {
            binary(&text).map(YamlValue::String).ok_or("!!binary value contains invalid base64 data")
        }
        // A timestamp stays the text that it is.
        ScalarTag::Timestamp if timestamp::is_timestamp(&text) => Ok(YamlValue::String(text.into_owned())),
        ScalarTag::Timestamp => Err("cannot decode this as a !!timestamp"),
        ScalarTag::Null => match untagged(text) {
            YamlValue::Null => Ok(YamlValue::Null),
            _ => Err("cannot decode this as a !!null"),
        },
        ScalarTag::Bool => match untagged(text) {
            bool @ YamlValue::Bool(_) => Ok(bool),
            _ => Err("cannot decode this as a !!bool"),
        },
        ScalarTag::Int => match untagged(text) {
            int @ (YamlValue::Int(_) | YamlValue::Uint(_)) => Ok(int),
            _ => Err("cannot decode this as an !!int"),
        },
        ScalarTag::Float => match untagged(text) {
            float @ YamlValue::Float(_) => Ok(float),
            YamlValue::Int(int) => Ok(YamlValue::Float(int as f64)),
            _ => Err("cannot decode this as a !!float"),
        },
    }
}

/// The value of a scalar without quotes and tag. The first character decides which types are tried.
fn untagged(text: Cow<'_, str>) -> YamlValue {
    let value = match text.as_bytes().first() {
        None | Some(b'~' | b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O') => {
            word(&text)
        }
        Some(b'.') => word(&text).or_else(|| point(&text)),
        Some(b'+' | b'-' | b'0'..=b'9') => word(&text).or_else(|| number(&text)),
        Some(_) => None,
    };
    value.unwrap_or_else(|| YamlValue::String(text.into_owned()))
}

fn word(text: &str) -> Option<YamlValue> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => YamlValue::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "true" | "True" | "TRUE" => {
            YamlValue::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "false" | "False" | "FALSE" => {
            YamlValue::Bool(false)
        }
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => YamlValue::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => YamlValue::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => YamlValue::Float(f64::NAN),
        _ => return None,
    })
}

/// Reads a number that begins with a point as `strconv.ParseFloat` does: with underscores between digits.
fn point(text: &str) -> Option<YamlValue> {
    let mut parts = text.split('_').peekable();
    while let Some(part) = parts.next() {
        let Some(next) = parts.peek() else { break };
        if !part.ends_with(|c: char| c.is_ascii_digit()) || !next.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
    }
    float(&text.replace('_', ""))
}

/// Reads a number that begins with a digit or a sign. Underscores are ignored anywhere.
fn number(text: &str) -> Option<YamlValue> {
    let plain: Cow<'_, str> = if text.contains('_') { text.replace('_', "").into() } else { text.into() };
    int(&plain).or_else(|| float(&plain)).or_else(|| binary_int(&plain))
}

/// Reads an integer as Go's `strconv.ParseInt(text, 0, 64)` or else ParseUint does: the prefix decides the base, and
/// `0` alone is octal.
fn int(text: &str) -> Option<YamlValue> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', _, ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', _, ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    let magnitude = magnitude(digits, radix)?;
    let signed = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    match signed {
        Some(int) => Some(YamlValue::Int(int)),
        // ParseUint accepts no sign.
        None if text.starts_with(['+', '-']) => None,
        None => Some(YamlValue::Uint(magnitude)),
    }
}

/// Reads digits alone: Rust's function would accept a sign.
fn magnitude(digits: &str, radix: u32) -> Option<u64> {
    let first = digits.as_bytes().first()?;
    if !first.is_ascii_alphanumeric() { None } else { u64::from_str_radix(digits, radix).ok() }
}

/// Reads an integer that go-yaml accepts as well: with a sign after `0b`.
fn binary_int(text: &str) -> Option<YamlValue> {
    let digits = text.strip_prefix("0b")?;
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.strip_prefix('+')?),
    };
    let magnitude = magnitude(digits, 2)?;
    let int = if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() };
    int.map(YamlValue::Int)
}

/// Reads a decimal number with at least one digit before an exponent. If it is too large for a float, Go's ParseFloat
/// fails, so it is a string: `7e89012` may be the hash of a commit.
fn float(text: &str) -> Option<YamlValue> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let known = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let begins = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if !known || !begins {
        return None;
    }
    text.parse::<f64>().ok().filter(|float| float.is_finite()).map(YamlValue::Float)
}

/// Decodes base64. Bytes that are not UTF-8 become U+FFFD each, as when Go writes JSON.
fn binary(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|character| !matches!(character, '\r' | '\n')).collect();
    let bytes = BASE64.decode(text).ok()?;
    let mut string = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        string.push_str(chunk.valid());
        string.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    Some(string)
}
