//! A progress bar on a terminal, for what takes longer than a moment.
//!
//! Drawn here and by no crate: the smallest of those that are kept well adds 70 KiB to each executable, and saving must
//! stay below 1 MiB.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::human;
use crate::environment;
use crate::verbs::Progress;

/// What is done by then was no more than a moment.
const MOMENT: Duration = Duration::from_millis(250);
/// More often than this a bar only flickers.
const PAUSE: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// Counts bytes, and shows them when it is worth it.
pub struct Meter {
    word: &'static str,
    wanted: bool,
    state: Mutex<State>,
}

struct State {
    whole: u64,
    done: u64,
    /// When the bar may be drawn next.
    due: Instant,
    drawn: bool,
}

impl Meter {
    /// A bar with a word before it. `quiet` leaves it out, as do CI and everything that is no terminal.
    pub fn new(word: &'static str, quiet: bool) -> Self {
        let wanted = !quiet && io::stderr().is_terminal() && !environment::is_ci();
        let state = State { whole: 0, done: 0, due: Instant::now() + MOMENT, drawn: false };
        Self { word, wanted, state: Mutex::new(state) }
    }

    /// Takes the next step.
    pub fn step(&self, progress: Progress) {
        if !self.wanted {
            return;
        }
        let Ok(mut state) = self.state.lock() else { return };
        match progress {
            Progress::Whole(bytes) => state.whole += bytes,
            Progress::Done(bytes) => state.done += bytes,
        }
        let now = Instant::now();
        if now >= state.due {
            state.due = now + PAUSE;
            state.drawn = true;
            draw(&format!("\r{}\x1b[K", line(self.word, state.done, state.whole)));
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.state.get_mut().is_ok_and(|state| state.drawn) {
            draw("\r\x1b[K");
        }
    }
}

fn draw(text: &str) {
    // A terminal that has gone needs no bar.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn line(word: &str, done: u64, whole: u64) -> String {
    let done = done.min(whole);
    // Before anything is known about the whole, nothing of it is done.
    let filled = usize::try_from((done * WIDTH).checked_div(whole).unwrap_or(0)).unwrap_or(0);
    let bar = "=".repeat(filled);
    format!("{word} [{bar:<30}] {}/{}", human::bytes(done), human::bytes(whole))
}

#[cfg(test)]
mod tests {
    use super::line;

    #[test]
    fn a_bar_grows_with_what_is_done() {
        for (done, whole, expected) in [
            (0, 0, "Saving [                              ] 0 B/0 B"),
            (512, 1024, "Saving [===============               ] 512 B/1.0 KiB"),
            (2048, 1024, "Saving [==============================] 1.0 KiB/1.0 KiB"),
        ] {
            assert_eq!(line("Saving", done, whole), expected);
        }
    }
}
