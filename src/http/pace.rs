//! The lowest speed that a body may have. A time limit for each step does not stop a body that sends one byte within
//! each; a limit for the whole body would stop large content over slow lines.

use std::time::Duration;

use super::error::HttpFailure;
use super::timeouts::Timeouts;
use super::trouble::Trouble;

/// Counts the bytes that move in each window of time; too few are an error. Only the time that is spent waiting for the
/// other side counts, not what is done with the bytes in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    window: Duration,
    floor: u64,
    waited: Duration,
    bytes: u64,
}

impl Pace {
    pub(super) fn new(timeouts: &Timeouts) -> Self {
        Self { window: timeouts.pace_window, floor: timeouts.pace_bytes, waited: Duration::ZERO, bytes: 0 }
    }

    /// The time that is left in the window. A step must not take longer before it is counted.
    pub(super) fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }

    /// Counts a step that waited this long and moved this many bytes of the body. An error if a window ends with too
    /// few bytes.
    pub(super) fn count(&mut self, waited: Duration, bytes: u64) -> Result<(), Trouble> {
        self.waited += waited;
        self.bytes += bytes;
        if self.waited < self.window {
            return Ok(());
        }
        if self.bytes < self.floor {
            let Self { floor, window, .. } = *self;
            return Err(Trouble::Later(HttpFailure::TooSlow { bytes: floor, window }));
        }
        (self.waited, self.bytes) = (Duration::ZERO, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_window_has_to_carry_enough() {
        let timeouts =
            Timeouts { pace_window: Duration::from_secs(60), pace_bytes: 100, ..Timeouts::default() };
        for (steps, keeps_up) in [
            (&[(59, 1)][..], true),
            (&[(59, 1), (1, 1)], false),
            (&[(0, 50), (60, 50)], true),
            (&[(0, 1000), (60, 0), (60, 0)], false),
            (&[(0, 100), (60, 0), (30, 99), (29, 0)], true),
            (&[(0, 100), (60, 0), (30, 99), (30, 0)], false),
            (&[(30, 0), (30, 100), (60, 100)], true),
        ] {
            let mut pace = Pace::new(&timeouts);
            let verdict =
                steps.iter().try_for_each(|(waited, bytes)| pace.count(Duration::from_secs(*waited), *bytes));
            assert_eq!(verdict.is_ok(), keeps_up, "{steps:?}");
        }
    }
}
