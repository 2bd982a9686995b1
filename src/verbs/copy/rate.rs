//! Limits the speed at which all threads of a command together send blobs.

use std::num::NonZeroU64;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use crate::threads::locked;

/// For how long unused capacity is saved: a thread that comes a little late loses nothing.
const SAVED: Duration = Duration::from_millis(250);
/// The least number of pieces per second, so that no connection is silent for long.
const PIECES: u64 = 8;

/// A bucket that is filled with a fixed number of tokens per second. A byte takes one.
#[derive(Debug)]
struct TokenBucket {
    per_second: NonZeroU64,
    /// When the tokens that were taken are all paid for, on the caller's clock.
    paid_at: Duration,
}

impl TokenBucket {
    /// Takes tokens, and returns how long the caller must wait from `now` on. Later callers wait even longer.
    fn take(&mut self, bytes: u64, now: Duration) -> Duration {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.per_second.get());
        let takes = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        self.paid_at = self.paid_at.max(now.saturating_sub(SAVED)).saturating_add(takes);
        self.paid_at.saturating_sub(now)
    }
}

/// Delays the threads of a command, so that no more bytes per second are sent than are allowed.
#[derive(Debug)]
pub(in crate::verbs) struct Throttle {
    bucket: Mutex<TokenBucket>,
    begun: Instant,
    piece: u64,
}

impl Throttle {
    pub(in crate::verbs) fn new(per_second: NonZeroU64) -> Self {
        let bucket = Mutex::new(TokenBucket { per_second, paid_at: Duration::ZERO });
        Self { bucket, begun: Instant::now(), piece: (per_second.get() / PIECES).max(1) }
    }

    /// How many of `bytes` may be sent as one piece.
    pub(in crate::verbs) fn piece(&self, bytes: usize) -> usize {
        bytes.min(usize::try_from(self.piece).unwrap_or(usize::MAX))
    }

    /// When all bytes that were sent so far are paid for, since the beginning.
    #[cfg(test)]
    pub(super) fn paid_at(&self) -> Duration {
        locked(&self.bucket).paid_at
    }

    /// Waits until `bytes` bytes may be sent.
    pub(in crate::verbs) fn pass(&self, bytes: usize) {
        let wait = locked(&self.bucket).take(bytes as u64, self.begun.elapsed());
        if !wait.is_zero() {
            thread::sleep(wait);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(per_second: u64) -> TokenBucket {
        TokenBucket { per_second: NonZeroU64::new(per_second).unwrap(), paid_at: Duration::ZERO }
    }

    #[test]
    fn tokens_come_by_the_clock() {
        let mut bucket = bucket(1000);
        let milliseconds = Duration::from_millis;
        for (now, bytes, wait) in [
            // The first bytes wait too.
            (0, 100, 100),
            // A second caller waits behind the first.
            (0, 100, 200),
            (150, 0, 50),
            (200, 300, 300),
            // Unused capacity is saved for a moment, and not for longer.
            (600, 100, 0),
            (700, 100, 0),
            (700, 100, 100),
            (60_000, 250, 0),
            (60_000, 250, 250),
            (60_250, 1, 1),
        ] {
            assert_eq!(bucket.take(bytes, milliseconds(now)), milliseconds(wait), "{bytes} at {now} ms");
        }
    }

    #[test]
    fn no_second_has_more_than_it_may_have() {
        const RATE: u64 = 10_000;
        let mut bucket = bucket(RATE);
        // Pieces of all sizes, by threads that wait and by threads that come later.
        let (mut now, mut gone) = (Duration::ZERO, Vec::new());
        for number in 0..2000_u64 {
            let bytes = number * number % 997;
            let wait = bucket.take(bytes, now);
            gone.push((now + wait, bytes));
            now += wait + Duration::from_millis(if number % 100 == 0 { 700 } else { number % 7 });
        }
        for (index, (begin, _)) in gone.iter().enumerate() {
            let within = gone.iter().skip(index).filter(|(at, _)| *at < *begin + Duration::from_secs(1));
            let bytes: u64 = within.map(|(_, bytes)| bytes).sum();
            assert!(bytes <= RATE + RATE / 4 + 997, "{bytes} from {begin:?} on");
        }
        // The capacity was used.
        let all: u64 = gone.iter().map(|(_, bytes)| bytes).sum();
        assert!(all as f64 / now.as_secs_f64() > 0.8 * RATE as f64, "{all} in {now:?}");
    }

    #[test]
    fn no_size_is_too_large() {
        let mut bucket = bucket(1);
        assert!(bucket.take(u64::MAX, Duration::ZERO) > Duration::from_secs(1 << 30));
        assert!(bucket.take(u64::MAX, Duration::MAX) >= Duration::ZERO);
        let throttle = |rate| Throttle::new(NonZeroU64::new(rate).unwrap());
        assert_eq!((throttle(1).piece(100), throttle(800).piece(1000), throttle(8000).piece(7)), (1, 100, 7));
    }
}
