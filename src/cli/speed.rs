//! The progress line of a long job: how much is done, how fast, and how long it will take.

use std::time::Duration;

use super::size_and_age;

/// The number of seconds over which the shown speed is averaged.
const SMOOTHED_OVER: f64 = 3.0;
const WIDTH: u64 = 30;

/// How far a job has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct JobSoFar {
    /// How many items the job has. Bytes count for progress only if it is one.
    pub(super) items: u64,
    pub(super) items_done: u64,
    pub(super) whole: u64,
    pub(super) done: u64,
}

/// The recent speed in bytes per second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Speed {
    at: Duration,
    done: u64,
    per_second: f64,
}

impl Speed {
    /// Updates the speed with the number of bytes that are done at this time since the beginning.
    fn look(&mut self, done: u64, now: Duration) {
        let seconds = now.saturating_sub(self.at).as_secs_f64();
        if seconds <= 0.0 {
            return;
        }
        let latest = done.saturating_sub(self.done) as f64 / seconds;
        // The first measurement has nothing to be averaged with.
        let weight = if self.at.is_zero() { 1.0 } else { seconds / (seconds + SMOOTHED_OVER) };
        self.per_second += (latest - self.per_second) * weight;
        (self.at, self.done) = (now, done);
    }
}

/// The line about a job, for a terminal with this many columns. Parts that do not fit are left out, the bar first.
pub(super) fn line(word: &str, so_far: JobSoFar, speed: &mut Speed, now: Duration, columns: usize) -> String {
    let JobSoFar { items, items_done, whole, .. } = so_far;
    let done = so_far.done.min(whole);
    speed.look(so_far.done, now);
    let (part, of) = if items > 1 { (items_done, items) } else { (done, whole) };
    let filled = usize::try_from((part * WIDTH).checked_div(of).unwrap_or(0)).unwrap_or(0);
    let bar = format!("{word} [{:<30}] ", "=".repeat(filled));
    let (count, bytes) = match items > 1 {
        true => (format!("{items_done}/{items}"), format!(", {}", size_and_age::bytes(done))),
        false => (format!("{}/{}", size_and_age::bytes(done), size_and_age::bytes(whole)), String::new()),
    };
    let rate = format!(", {}/s", size_and_age::bytes(speed.per_second as u64));
    let left = match left(so_far, speed, now) {
        Some(left) => format!(", {} left", clock(left)),
        None => String::new(),
    };
    let lines = [
        format!("{bar}{count}{bytes}{rate}{left}"),
        format!("{word} {count}{bytes}{rate}{left}"),
        format!("{word} {count}{left}"),
        format!("{count}{left}"),
        count,
    ];
    // Some terminals start the next line when the last column is written.
    lines.into_iter().find(|line| line.len() < columns).unwrap_or_default()
}

/// How long the job will still take, if that can be estimated: by the share of items that are done, or by the speed if
/// there is only one item.
fn left(so_far: JobSoFar, speed: &Speed, now: Duration) -> Option<Duration> {
    let JobSoFar { items, items_done, whole, done } = so_far;
    let seconds = match items > 1 {
        true if items_done == 0 => return None,
        true => now.as_secs_f64() / items_done as f64 * items.saturating_sub(items_done) as f64,
        false if speed.per_second < 1.0 || whole == 0 => return None,
        false => whole.saturating_sub(done) as f64 / speed.per_second,
    };
    Duration::try_from_secs_f64(seconds.ceil()).ok()
}

/// A time as `0:05`, `12:34`, `3:04:05`.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_thing_is_measured_in_bytes() {
        let mut speed = Speed::default();
        let of = |done| JobSoFar { items: 1, items_done: 0, whole: 10 << 20, done };
        let mut at = |done, now, columns| line("Copying", of(done), &mut speed, seconds(now), columns);
        assert_eq!(
            at(1 << 20, 1, 120),
            "Copying [===                           ] 1.0 MiB/10.0 MiB, 1.0 MiB/s, 0:09 left"
        );
        assert_eq!(
            at(5 << 20, 5, 120),
            "Copying [===============               ] 5.0 MiB/10.0 MiB, 1.0 MiB/s, 0:05 left"
        );
        // Nothing moves: the speed goes down gradually.
        assert_eq!(
            at(5 << 20, 8, 120),
            "Copying [===============               ] 5.0 MiB/10.0 MiB, 512.0 KiB/s, 0:10 left"
        );
        assert_eq!(
            at(20 << 20, 8, 120),
            "Copying [==============================] 10.0 MiB/10.0 MiB, 512.0 KiB/s, 0:00 left"
        );
    }

    #[test]
    fn several_are_counted() {
        let mut speed = Speed::default();
        let of = |items_done, done| JobSoFar { items: 500, items_done, whole: done, done };
        let mut at = |items, done, now| line("Copying", of(items, done), &mut speed, seconds(now), 100);
        assert_eq!(at(0, 0, 1), "Copying [                              ] 0/500, 0 B, 0 B/s");
        assert_eq!(
            at(50, 4096, 2),
            "Copying [===                           ] 50/500, 4.0 KiB, 1.0 KiB/s, 0:18 left"
        );
        assert_eq!(
            at(500, 4096, 5),
            "Copying [==============================] 500/500, 4.0 KiB, 512 B/s, 0:00 left"
        );
    }

    #[test]
    fn no_terminal_folds_it() {
        let so_far = JobSoFar { items: 500, items_done: 50, whole: 4096, done: 4096 };
        let at = |columns| line("Copying", so_far, &mut Speed::default(), seconds(4000), columns);
        for (columns, expected) in [
            (90, "Copying [===                           ] 50/500, 4.0 KiB, 1 B/s, 10:00:00 left"),
            (60, "Copying 50/500, 4.0 KiB, 1 B/s, 10:00:00 left"),
            (40, "Copying 50/500, 10:00:00 left"),
            (24, "50/500, 10:00:00 left"),
            (20, "50/500"),
            (7, "50/500"),
            (6, ""),
            (0, ""),
        ] {
            assert_eq!(at(columns), expected, "{columns}");
        }
        for columns in 0..200 {
            assert!(at(columns).len() < columns.max(1), "{columns}");
        }
    }

    #[test]
    fn nothing_known_is_nothing_said() {
        let nothing = JobSoFar { items: 1, ..JobSoFar::default() };
        let shown = line("Copying", nothing, &mut Speed::default(), Duration::ZERO, 100);
        assert_eq!(shown, "Copying [                              ] 0 B/0 B, 0 B/s");
        for (time, expected) in [(0, "0:00"), (59, "0:59"), (754, "12:34"), (11_045, "3:04:05")] {
            assert_eq!(clock(seconds(time)), expected);
        }
    }
}
