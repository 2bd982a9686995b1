//! Sizes and ages as the original `helm chart list` printed them.

use std::time::Duration;

/// A size: `454 B`, `3.7 KiB`, that is whole bytes, or one decimal of the largest fitting power of 1024 (Helm's
/// byteCountBinary).
pub fn bytes(size: u64) -> String {
    if size < 1024 {
        return format!("{size} B");
    }
    let (mut value, mut units) = (size as f64 / 1024.0, ["KiB", "MiB", "GiB", "TiB"].iter());
    let mut unit = units.next();
    while value >= 1024.0
        && let Some(next) = units.next()
    {
        value /= 1024.0;
        unit = Some(next);
    }
    format!("{value:.1} {}", unit.unwrap_or(&"KiB"))
}

/// A number of manifests: `1 manifest`, `5 manifests`.
pub fn manifests(count: usize) -> String {
    format!("{count} manifest{}", if count == 1 { "" } else { "s" })
}

/// An age in docker's words: `27 seconds`, `About an hour`, `3 weeks` (go-units, duration.go).
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let minutes = seconds / 60;
    let hours = (age.as_secs_f64() / 3600.0).round() as u64;
    match (seconds, minutes, hours) {
        (0, ..) => "Less than a second".to_owned(),
        (1, ..) => "1 second".to_owned(),
        (..60, ..) => format!("{seconds} seconds"),
        (_, 1, _) => "About a minute".to_owned(),
        (_, ..60, _) => format!("{minutes} minutes"),
        (.., 1) => "About an hour".to_owned(),
        (.., ..48) => format!("{hours} hours"),
        (.., ..336) => format!("{} days", hours / 24),
        (.., ..1440) => format!("{} weeks", hours / 24 / 7),
        (.., ..17520) => format!("{} months", hours / 24 / 30),
        _ => format!("{} years", hours / 24 / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_original() {
        for (size, text) in [
            (0, "0 B"),
            (454, "454 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (3751, "3.7 KiB"),
            (1 << 20, "1.0 MiB"),
            (28_800, "28.1 KiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn ages_are_dockers() {
        const DAY: u64 = 24 * 3600;
        for (seconds, text) in [
            (0, "Less than a second"),
            (1, "1 second"),
            (27, "27 seconds"),
            (60, "About a minute"),
            (119, "About a minute"),
            (120, "2 minutes"),
            (59 * 60 + 59, "59 minutes"),
            (3600, "About an hour"),
            (2 * 3600, "2 hours"),
            (DAY, "24 hours"),
            (2 * DAY, "2 days"),
            (13 * DAY, "13 days"),
            (14 * DAY, "2 weeks"),
            (60 * DAY, "2 months"),
            (800 * DAY, "2 years"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), text);
        }
    }
}
