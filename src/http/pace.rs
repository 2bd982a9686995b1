//! A floor under the speed of a body. ureq's own limits are per read or for the whole: a body that drips just within
//! the first, or is too large for the second, has neither.

use std::io::{self, Read};
use std::time::{Duration, Instant};

/// The least that must come in every window of time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Floor {
    /// How long a window is.
    pub(super) window: Duration,
    /// How many bytes have to pass in one.
    pub(super) bytes: u64,
}

/// A body slower than its floor.
#[derive(Debug, thiserror::Error)]
#[error("fewer than {bytes} bytes in {} s", window.as_secs())]
struct TooSlow {
    window: Duration,
    bytes: u64,
}

/// Passes a body through as long as it keeps up.
pub(super) struct Paced<R> {
    inner: R,
    floor: Floor,
    since: Option<Instant>,
    bytes: u64,
}

impl<R: Read> Paced<R> {
    pub(super) fn new(inner: R, floor: Floor) -> Self {
        Self { inner, floor, since: None, bytes: 0 }
    }

    fn passed(&mut self, bytes: u64, now: Instant) -> io::Result<()> {
        self.bytes += bytes;
        let since = *self.since.get_or_insert(now);
        if now.duration_since(since) < self.floor.window {
            return Ok(());
        }
        if self.bytes < self.floor.bytes {
            let Floor { window, bytes } = self.floor;
            return Err(io::Error::new(io::ErrorKind::TimedOut, TooSlow { window, bytes }));
        }
        (self.since, self.bytes) = (Some(now), 0);
        Ok(())
    }
}

impl<R: Read> Read for Paced<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.since.is_none() {
            self.since = Some(Instant::now());
        }
        let read = self.inner.read(buf)?;
        if read > 0 {
            self.passed(read as u64, Instant::now())?;
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_to_carry_enough() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let floor = Floor { window: Duration::from_secs(60), bytes: 100 };
        for (steps, keeps_up) in [
            (&[(0, 1), (59, 1)][..], true),
            (&[(0, 1), (60, 1)], false),
            (&[(0, 50), (60, 50)], true),
            (&[(0, 1000), (60, 0), (120, 0)], false),
            (&[(0, 100), (60, 0), (90, 99), (119, 0)], true),
            (&[(0, 100), (60, 0), (90, 99), (120, 0)], false),
        ] {
            let mut paced = Paced::new(io::empty(), floor);
            let verdict = steps.iter().try_for_each(|(when, bytes)| paced.passed(*bytes, at(*when)));
            assert_eq!(verdict.is_ok(), keeps_up, "{steps:?}");
        }
    }
}
