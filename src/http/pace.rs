//! A floor under the speed of a body. A time limit for each step is none for a body that drips just within it, and one for
//! the whole is none either: content may be large and lines slow.

use std::time::Duration;

use super::error::HttpFailure;
use super::timeouts::Timeouts;
use super::trouble::Trouble;

/// The least that must come in every window of time. Only the time that is spent waiting counts: what is done with the
/// bytes in between is not the other side's fault.
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

    /// What is left of the window: no step may take longer before it is looked at again.
    pub(super) fn left(&self) -> Duration {
        self.window.saturating_sub(self.waited)
    }

    /// Counts a step that has taken so long and moved so many bytes of the body. An error where that is too few.
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
