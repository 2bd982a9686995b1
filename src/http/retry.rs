//! When to send a request again, and how long to wait before that. Without I/O: callers read the clock and sleep.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::{Duration, SystemTime};

/// How often a request is sent again, and how long the waits are.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// The number of attempts after the first.
    pub retries: u32,
    /// The longest that the first wait may be. The bound doubles with each further wait.
    pub first: Duration,
    /// The longest that a wait may be that we choose ourselves.
    pub cap: Duration,
    /// The longest wait that a server may ask for by `Retry-After`.
    pub asked: Duration,
    /// The longest sum of all waits of one operation.
    pub total: Duration,
    /// The longest sum of all waits for a server that refuses connections. A server that restarts refuses for some
    /// seconds, and an attempt costs neither side anything: these attempts do not count as retries.
    pub refused: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            retries: 3,
            first: Duration::from_millis(250),
            cap: Duration::from_secs(5),
            asked: Duration::from_secs(60),
            total: Duration::from_secs(90),
            refused: Duration::from_secs(15),
        }
    }
}

impl Backoff {
    /// The usual settings, for a user who waits at most this long for a server that refuses connections.
    pub fn of(patience: Duration) -> Self {
        let usual = Self::default();
        Self { refused: usual.refused.min(patience), ..usual }
    }
}

/// The most attempts after refused connections, even if the waits were short.
const MAX_REFUSALS: u32 = 64;

/// The attempts of one operation.
#[derive(Debug)]
pub(super) struct Attempts {
    backoff: Backoff,
    retries: u32,
    refusals: u32,
    waited: Duration,
    /// The part of `waited` that was for a server that refused connections.
    refused: Duration,
}

/// Why another attempt may help.
#[derive(Clone, Copy, Debug)]
pub(super) enum Why {
    /// It failed in a way that may pass. The server may have asked for this wait.
    Failed(Option<Duration>),
    /// The connection was refused.
    Refused,
}

impl Attempts {
    /// The state before the first attempt.
    pub(super) fn new(backoff: Backoff) -> Self {
        Self { backoff, retries: 0, refusals: 0, waited: Duration::ZERO, refused: Duration::ZERO }
    }

    /// How many attempts there were before this one.
    pub(super) fn retries(&self) -> u32 {
        self.retries + self.refusals
    }

    /// How long to wait after a failed attempt, or `None` if there is no further one. A server that asks for a longer
    /// wait than we allow is not asked again: by its own word, an earlier attempt is of no use.
    pub(super) fn next(&mut self, why: Why) -> Option<Duration> {
        self.next_with(why, jitter())
    }

    fn next_with(&mut self, why: Why, fraction: f64) -> Option<Duration> {
        let longest =
            |times: u32| self.backoff.first.saturating_mul(1 << times.min(20)).min(self.backoff.cap);
        let wait = match why {
            Why::Failed(_) if self.retries >= self.backoff.retries => return None,
            Why::Failed(Some(asked)) if asked > self.backoff.asked => return None,
            Why::Failed(Some(asked)) => asked,
            Why::Failed(None) => longest(self.retries).mul_f64(fraction),
            Why::Refused => {
                let left = self.backoff.refused.saturating_sub(self.refused);
                if left.is_zero() || self.backoff.retries == 0 || self.refusals == MAX_REFUSALS {
                    return None;
                }
                // At least half of it, so that the sum of the waits does not depend on luck much.
                longest(self.refusals).mul_f64(0.5 + fraction / 2.0).min(left)
            }
        };
        if self.waited + wait > self.backoff.total {
            return None;
        }
        self.waited += wait;
        match why {
            Why::Failed(_) => self.retries += 1,
            Why::Refused => {
                self.refusals += 1;
                self.refused += wait;
            }
        }
        Some(wait)
    }
}

/// A random fraction between 0 and 1, so that clients that failed together do not return together ("full jitter"). It
/// comes from the random keys of the standard library's hasher.
fn jitter() -> f64 {
    (RandomState::new().hash_one(0) >> 11) as f64 / (1u64 << 53) as f64
}

/// Whether a status means that the same request may succeed later. 499 is nginx's; 520 to 524 are Cloudflare's, for a
/// server behind it that fails, refuses connections or does not answer.
pub(crate) fn is_transient(status: u16) -> bool {
    matches!(status, 408 | 429 | 499 | 500 | 502 | 503 | 504 | 520..=524)
}

/// The wait that `Retry-After` asks for: seconds or a date (RFC 9110 10.2.3).
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn waits_longer_each_time_and_then_gives_up() {
        let mut attempts = Attempts::new(Backoff { retries: 6, ..Backoff::default() });
        let waits: Vec<_> = std::iter::from_fn(|| attempts.next_with(Why::Failed(None), 1.0)).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000].map(Duration::from_millis));
        let mut attempts = Attempts::new(Backoff::default());
        assert_eq!(std::iter::from_fn(|| attempts.next(Why::Failed(None))).count(), 3);
        assert_eq!(attempts.retries(), 3);
    }

    #[test]
    fn does_as_the_server_asks_within_reason() {
        let asked = |wait| Why::Failed(Some(wait));
        let mut attempts = Attempts::new(Backoff::default());
        assert_eq!(attempts.next(asked(60 * SECOND)), Some(60 * SECOND));
        assert_eq!(attempts.next(asked(30 * SECOND)), Some(30 * SECOND));
        assert_eq!(attempts.next(asked(SECOND)), None, "more than 90 s in all");
        assert_eq!(Attempts::new(Backoff::default()).next(asked(61 * SECOND)), None);
        assert_eq!(Attempts::new(Backoff::default()).next(asked(Duration::ZERO)), Some(Duration::ZERO));
    }

    #[test]
    fn a_server_that_refuses_connections_is_waited_for() {
        for (fraction, waits) in [
            (0.0, &[125, 250, 500, 1000, 2000, 2500, 2500, 2500, 2500, 1125][..]),
            (1.0, &[250, 500, 1000, 2000, 4000, 5000, 2250]),
        ] {
            let mut attempts = Attempts::new(Backoff::default());
            let found: Vec<_> = std::iter::from_fn(|| attempts.next_with(Why::Refused, fraction)).collect();
            assert_eq!(found, waits.iter().map(|ms| Duration::from_millis(*ms)).collect::<Vec<_>>());
            assert_eq!(found.iter().sum::<Duration>(), Backoff::default().refused);
            // Once the server is up it may still fail in other ways.
            assert_eq!(std::iter::from_fn(|| attempts.next(Why::Failed(None))).count(), 3);
        }
        let impatient = Backoff { retries: 0, ..Backoff::default() };
        assert_eq!(Attempts::new(impatient).next(Why::Refused), None);
        let hasty = Backoff { first: Duration::ZERO, ..Backoff::default() };
        let mut attempts = Attempts::new(hasty);
        assert_eq!(std::iter::from_fn(|| attempts.next(Why::Refused)).count(), 64);
    }

    #[test]
    fn reads_seconds_and_dates() {
        let now = SystemTime::UNIX_EPOCH + 784_111_777 * SECOND;
        for (value, wait) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:50:07 GMT", Some(30)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("-1", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), wait.map(Duration::from_secs), "{value}");
        }
    }

    #[test]
    fn jitter_is_a_fraction_and_varies() {
        let values: Vec<f64> = (0..64).map(|_| jitter()).collect();
        assert!(values.iter().all(|v| (0.0..1.0).contains(v)), "{values:?}");
        assert!(values.iter().any(|v| *v < 0.5) && values.iter().any(|v| *v >= 0.5), "{values:?}");
    }

    #[test]
    fn tries_again_only_what_may_pass() {
        for status in [408, 429, 499, 500, 502, 503, 504, 520, 521, 522, 523, 524] {
            assert!(is_transient(status), "{status}");
        }
        for status in
            [200, 304, 400, 401, 403, 404, 405, 409, 413, 416, 417, 501, 505, 519, 525, 526, 527, 530]
        {
            assert!(!is_transient(status), "{status}");
        }
    }
}
