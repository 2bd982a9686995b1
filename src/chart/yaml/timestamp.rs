//! Times as Go's `time.Parse` reads them.

/// What `!!timestamp` may be (allowedTimestampFormats in go-yaml's resolve.go): a date, or a date and a time.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some(rest) = date(text, 1) else { return false };
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => time(&rest[1..], 1).is_some_and(is_zone),
        Some(b' ') => time(rest.trim_start_matches(' '), 1) == Some(""),
        Some(_) => false,
    }
}

/// What a field of type time.Time may be in JSON (RFC 3339). Go reads it strictly since 1.20; what only an older one reads,
/// an hour of one digit or a comma before the fraction, is a time as well.
pub(in crate::chart) fn is_rfc3339(text: &str) -> bool {
    date(text, 2).and_then(|rest| rest.strip_prefix('T')).and_then(|rest| time(rest, 2)).is_some_and(is_zone)
}

/// A number of up to two digits, and what is behind it.
fn digits(text: &str, at_least: usize) -> Option<(u32, &str)> {
    let length = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    if length < at_least.max(1) {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

/// What is behind a date. Month and day have at least so many digits.
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

/// What is behind a time of day. Minute and second have at least so many digits.
fn time(text: &str, at_least: usize) -> Option<&str> {
    let (hour, rest) = digits(text, 1)?;
    let (minute, rest) = digits(rest.strip_prefix(':')?, at_least)?;
    let (second, rest) = digits(rest.strip_prefix(':')?, at_least)?;
    let fraction =
        rest.strip_prefix(['.', ',']).map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    // A point without digits is none.
    let rest = fraction.filter(|behind| rest.len() - behind.len() > 1).unwrap_or(rest);
    (hour < 24 && minute < 60 && second < 60).then_some(rest)
}

/// `Z` or `+01:00`.
fn is_zone(text: &str) -> bool {
    match text.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', hours @ .., b':', m, n] if hours.len() == 2 => {
            hours.iter().chain([m, n]).all(u8::is_ascii_digit)
        }
        _ => false,
    }
}
