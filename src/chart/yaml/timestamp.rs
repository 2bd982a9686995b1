//! Recognises times as Go's `time.Parse` does.

/// Whether go-yaml accepts this text as a `!!timestamp` (allowedTimestampFormats in resolve.go): a date, or a date and
/// a time.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some(rest) = date(text, 1) else { return false };
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => time(&rest[1..], 1).is_some_and(is_zone),
        Some(b' ') => time(rest.trim_start_matches(' '), 1) == Some(""),
        Some(_) => false,
    }
}

/// Whether encoding/json accepts this text for a field of type time.Time (RFC 3339). Since 1.20 Go is strict; what only
/// older versions accept, such as an hour of one digit or a comma before the fraction, is accepted here as well.
pub(in crate::chart) fn is_rfc3339(text: &str) -> bool {
    date(text, 2).and_then(|rest| rest.strip_prefix('T')).and_then(|rest| time(rest, 2)).is_some_and(is_zone)
}

/// Reads a number of `at_least` to two digits. Returns it and the text after it.
fn digits(text: &str, at_least: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if length < at_least.max(1) {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

/// Reads a date, in which month and day have at least this many digits. Returns the text after it.
fn date(text: &str, at_least: usize) -> Option<&str> {
    let (year, rest) = text.split_at_checked(4)?;
    let year: u32 = year.bytes().all(|byte| byte.is_ascii_digit()).then(|| year.parse().ok())??;
    let (month, rest) = digits(rest.strip_prefix('-')?, at_least)?;
    let (day, rest) = digits(rest.strip_prefix('-')?, at_least)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// Reads a time of day, in which minute and second have at least this many digits. Returns the text after it.
fn time(text: &str, at_least: usize) -> Option<&str> {
    let (hour, rest) = digits(text, 1)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, at_least)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, at_least)?;
    let fraction =
        rest.strip_prefix(['.', ',']).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    // A point without digits after it is not a fraction.
    let rest = fraction.filter(|behind| rest.len() - behind.len() > 1).unwrap_or(rest);
    (hour < 24 && minute < 60 && second < 60).then_some(rest)
}

/// Whether this is a time zone: `Z` or `+01:00`.
fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', hours @ .., b':', m, n] if hours.len() == 2 => {
            hours.iter().chain([m, n]).all(u8::is_ascii_digit)
        }
        _ => false,
    }
}
