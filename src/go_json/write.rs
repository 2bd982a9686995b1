//! Writes JSON and numbers as Go writes them.

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};
use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

/// The JSON of `value` as Go's `json.Marshal` writes it: compact, without a line end.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, GoFormatter))?;
    Ok(bytes)
}

/// The JSON of `value` as Go's `json.Marshal` writes it, or an error if it is longer than `most` bytes. In that case
/// nothing is held in memory.
pub fn to_vec_within<T: Serialize + ?Sized>(value: &T, most: u64) -> Result<Vec<u8>, serde_json::Error> {
    // The value is written twice, first to count: so the vector never has to grow.
    let length = length_within(value, most)?;
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    value.serialize(&mut Serializer::with_formatter(&mut bytes, GoFormatter))?;
    Ok(bytes)
}

/// Whether the JSON of `value`, as Go writes it, has at most `most` bytes.
pub fn is_within<T: Serialize + ?Sized>(value: &T, most: u64) -> bool {
    length_within(value, most).is_ok()
}

fn length_within<T: Serialize + ?Sized>(value: &T, most: u64) -> Result<u64, serde_json::Error> {
    let mut length = Length { bytes: 0, most };
    value.serialize(&mut Serializer::with_formatter(&mut length, GoFormatter))?;
    Ok(length.bytes)
}

/// A writer that counts bytes and fails beyond `most`.
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

/// The JSON number that Go writes for a float: `1.0` becomes `1`, an integer. None for infinities and NaN.
pub fn number(float: f64) -> Option<serde_json::Number> {
    serde_json::from_slice(&to_vec(&float).ok()?).ok()
}

/// The formatter of [`to_vec`], to be used with a `serde_json::Serializer`.
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
            // Go writes \b and \f only since 1.22.
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

/// Go's `strconv.FormatFloat(value, 'g', -1, 32)`.
///
/// sigs.k8s.io/yaml turns a YAML float into text this way if the field is a string (yaml.go,
/// `convertToJSONableObject`). The float has 32 bits then, which is why `appVersion: 1.10` is `1.1` and `appVersion:
/// 16777217.5` is `1.6777218e+07` to Helm.
pub fn format_g32(value: f64) -> String {
    let value = value as f32;
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() };
    }
    let decimal = Decimal::shortest(value);
    // Go's 'g' compares the exponent with 6 if the shortest form is asked for; 21 is the limit of fmt's %v only.
    if (-4..6).contains(&decimal.exponent) { decimal.plain() } else { decimal.scientific(2) }
}

/// The shortest decimal number that reads back as the same float.
struct Decimal {
    sign: &'static str,
    /// The digits without the point, which belongs after the first one.
    digits: String,
    exponent: i32,
}

impl Decimal {
    fn shortest<T: Copy + fmt::LowerExp + FromStr + PartialEq>(value: T) -> Self {
        let shortest = format!("{value:e}");
        let (mantissa, _) = split_exponent(&shortest);
        // Where two decimals are equally near, as 0.2 and 0.3 are to 0.25, Rust's shortest form takes the upper one and
        // Go the even one. With a given number of digits Rust takes the even one too, but then the result may not read
        // back.
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

    /// The number as Go's verb `f` writes it: `1200`, `0.012`.
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

    /// The number as Go's verb `e` writes it: `1.2e+21`. The exponent has a sign and at least `width` digits.
    fn scientific(&self, width: usize) -> String {
        let Self { sign, digits, exponent } = self;
        let (first, decimals) = digits.split_at(1);
        let point = if decimals.is_empty() { "" } else { "." };
        let direction = if *exponent < 0 { '-' } else { '+' };
        format!("{sign}{first}{point}{decimals}e{direction}{:0width$}", exponent.unsigned_abs())
    }
}

/// Splits a number as Rust writes it, such as `1.5e-7`, into the mantissa and the exponent.
fn split_exponent(number: &str) -> (&str, i32) {
    let (mantissa, exponent) = number.split_once('e').unwrap_or((number, "0"));
    (mantissa, exponent.parse().unwrap_or_default())
}
