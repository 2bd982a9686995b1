//! Parses sizes and times on the command line.

use std::num::NonZeroU64;
use std::str::FromStr;
use std::time::Duration;

/// A size such as `500MiB`, `2G`, or a number of bytes. Units with a `B` and without an `i` are powers of 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes(u64);

impl FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || format!("`{text}` is no size: expected for example 500MiB or 2GiB");
        let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "ki" | "kib" => 1024.0,
            "m" | "mi" | "mib" => 1024.0 * 1024.0,
            "g" | "gi" | "gib" => 1024.0 * 1024.0 * 1024.0,
            "t" | "ti" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            "kb" => 1e3,
            "mb" => 1e6,
            "gb" => 1e9,
            "tb" => 1e12,
            _ => return Err(expected()),
        };
        // A whole number of bytes is not rounded.
        if let (true, Ok(bytes)) = (factor == 1.0, number.parse::<u64>()) {
            return Ok(Self(bytes));
        }
        let bytes = number.parse::<f64>().map_err(|_| expected())? * factor;
        match bytes.is_finite() && bytes < 9e18 {
            true => Ok(Self(bytes as u64)),
            false => Err(expected()),
        }
    }
}

impl From<Bytes> for u64 {
    fn from(bytes: Bytes) -> Self {
        bytes.0
    }
}

/// A number of bytes per second: `500k`, `2M/s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRate(NonZeroU64);

impl FromStr for ByteRate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let size = text.strip_suffix("/s").unwrap_or(text).parse::<Bytes>();
        let rate = size.ok().and_then(|Bytes(bytes)| NonZeroU64::new(bytes)).map(Self);
        rate.ok_or_else(|| format!("`{text}` is no rate: expected for example 500k or 2M, in a second"))
    }
}

impl From<ByteRate> for NonZeroU64 {
    fn from(rate: ByteRate) -> Self {
        rate.0
    }
}

/// A length of time before now: `30d`, `12h`, `2w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days(Duration);

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = humantime::parse_duration(text).map(Self);
        parsed.map_err(|_| format!("`{text}` is no time: expected for example 30d or 12h"))
    }
}

impl From<Days> for Duration {
    fn from(days: Days) -> Self {
        days.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_that_people_write() {
        for (text, expected) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("1k", Some(1024)),
            ("1.5 KiB", Some(1536)),
            ("500MiB", Some(500 << 20)),
            ("2GiB", Some(2 << 30)),
            ("2g", Some(2 << 30)),
            ("2GB", Some(2_000_000_000)),
            ("1TiB", Some(1 << 40)),
            ("", None),
            ("GiB", None),
            ("-1", None),
            ("1.2.3", None),
            ("2 apples", None),
            ("999999999999TiB", None),
        ] {
            assert_eq!(text.parse::<Bytes>().ok().map(u64::from), expected, "{text}");
        }
    }

    #[test]
    fn a_rate_is_a_size_and_not_nothing() {
        for (text, expected) in [
            ("500k", Some(500 << 10)),
            ("2M/s", Some(2 << 20)),
            ("1.5MiB/s", Some(3 << 19)),
            ("10MB", Some(10_000_000)),
            ("1", Some(1)),
            ("0", None),
            ("0.1", None),
            ("/s", None),
            ("2M/h", None),
            ("fast", None),
        ] {
            let rate = text.parse::<ByteRate>().ok().map(|rate| NonZeroU64::from(rate).get());
            assert_eq!(rate, expected, "{text}");
        }
    }

    #[test]
    fn times_are_days_or_less() {
        const DAY: u64 = 24 * 60 * 60;
        for (text, expected) in
            [("30d", Some(30 * DAY)), ("2w", Some(14 * DAY)), ("0s", Some(0)), ("30", None), ("soon", None)]
        {
            assert_eq!(
                text.parse::<Days>().ok().map(|days| Duration::from(days).as_secs()),
                expected,
                "{text}"
            );
        }
    }
}
