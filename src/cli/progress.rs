//! A progress bar on a terminal, for work that takes longer than a moment.
//!
//! It is drawn here without a crate: the smallest well-maintained one adds 70 KiB to each executable, and `save` must
//! stay below 1 MiB.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::speed::{self, JobSoFar, Speed};
use super::{columns, size_and_age};
use crate::connect::Tell;
use crate::environment;
use crate::http;
use crate::terminal::printable;
use crate::threads::locked;
use crate::verbs::Progress;

/// Work that ends within this time shows no bar.
const MOMENT: Duration = Duration::from_millis(250);
/// The shortest time between two updates: more of them only flicker.
const PAUSE: Duration = Duration::from_millis(100);
const WIDTH: u64 = 30;

/// Counts bytes, and shows a bar when the work takes long enough.
pub struct Meter {
    word: &'static str,
    wanted: bool,
    /// Makes the line that is shown.
    line: fn(&'static str, &mut ProgressState) -> String,
    state: Mutex<ProgressState>,
}

struct ProgressState {
    so_far: JobSoFar,
    speed: Speed,
    begun: Instant,
    /// When the bar may be drawn next.
    due: Instant,
}

impl Meter {
    /// A bar with a word in front. There is none with `quiet`, in CI, or without a terminal.
    pub fn new(word: &'static str, quiet: bool) -> Self {
        Self::showing(|word, state| line(word, state.so_far.done, state.so_far.whole), word, quiet, 1)
    }

    /// A bar for a job of this many items, with its speed and the time that is left.
    pub fn of_job(word: &'static str, quiet: bool, items: usize) -> Self {
        let line = |word: &'static str, state: &mut ProgressState| {
            let columns = columns::of_errors().unwrap_or(80);
            speed::line(word, state.so_far, &mut state.speed, state.begun.elapsed(), columns)
        };
        Self::showing(line, word, quiet, items)
    }

    fn showing(
        line: fn(&'static str, &mut ProgressState) -> String,
        word: &'static str,
        quiet: bool,
        items: usize,
    ) -> Self {
        let wanted = !quiet && io::stderr().is_terminal() && !environment::is_ci();
        Self { word, wanted, line, state: Mutex::new(ProgressState::new(items)) }
    }

    /// Counts a step.
    pub fn step(&self, progress: Progress) {
        self.change(|so_far| match progress {
            Progress::Whole(bytes) => so_far.whole += bytes,
            Progress::Done(bytes) => so_far.done += bytes,
        });
    }

    /// Counts an item of a job as done.
    pub fn item(&self) {
        self.change(|so_far| so_far.items_done += 1);
    }

    fn change(&self, change: impl FnOnce(&mut JobSoFar)) {
        if !self.wanted {
            return;
        }
        let Ok(mut state) = self.state.lock() else { return };
        change(&mut state.so_far);
        let now = Instant::now();
        if now >= state.due {
            state.due = now + PAUSE;
            let line = (self.line)(self.word, &mut state);
            let mut drawn = drawn();
            draw(&format!("\r{line}\x1b[K"));
            *drawn = true;
        }
    }
}

impl ProgressState {
    fn new(items: usize) -> Self {
        let (so_far, begun) = (JobSoFar { items: items as u64, ..JobSoFar::default() }, Instant::now());
        Self { so_far, speed: Speed::default(), begun, due: begun + MOMENT }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        without_bar(|| ());
    }
}

/// Whether a bar is on the terminal now. This is global because the terminal is: results and warnings come from
/// anywhere, and must not be written behind the bar.
static DRAWN: Mutex<bool> = Mutex::new(false);

fn drawn() -> MutexGuard<'static, bool> {
    locked(&DRAWN)
}

/// Removes the bar and calls `write`; the next step draws the bar again below.
pub(super) fn without_bar<T>(write: impl FnOnce() -> T) -> T {
    let mut drawn = drawn();
    if std::mem::take(&mut *drawn) {
        draw("\r\x1b[K");
    }
    write()
}

/// Shows on a terminal why a registry is waited for, until something else is shown or the command ends. `None` without
/// a terminal, or in continuous integration.
pub fn waiting() -> Option<Tell> {
    if !io::stderr().is_terminal() || environment::is_ci() {
        return None;
    }
    Some(Tell(Arc::new(|error, wait| {
        let mut drawn = drawn();
        draw(&format!("\r{}\x1b[K", why(error, wait)));
        *drawn = true;
    })))
}

/// The reason in one line that fits the terminal.
fn why(error: &http::HttpError, wait: Duration) -> String {
    let http::HttpError::Unreachable { request, source } = error else {
        return printable(&error.to_string(), 76);
    };
    let url = request.url();
    let host = url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or(url);
    let seconds = wait.as_secs_f64().ceil();
    let what = match source {
        http::HttpFailure::Proxy { proxy, .. } => format!("{proxy} is not reached"),
        _ if error.is_refused() => format!("{host} refuses connections"),
        http::HttpFailure::Status { status, .. } => format!("{host} answers {status}"),
        _ => format!("{host} does not answer"),
    };
    format!("{}; trying again in {seconds} s", printable(&what, 50))
}

fn draw(text: &str) {
    // If the terminal is gone, the bar is lost.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn line(word: &str, done: u64, whole: u64) -> String {
    let done = done.min(whole);
    // Before the size is known, the bar is empty.
    let filled = usize::try_from((done * WIDTH).checked_div(whole).unwrap_or(0)).unwrap_or(0);
    let bar = "=".repeat(filled);
    format!("{word} [{bar:<30}] {}/{}", size_and_age::bytes(done), size_and_age::bytes(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_gone_while_something_else_is_written() {
        let mut meter = Meter::new("Saving", true);
        meter.wanted = true;
        meter.state.lock().unwrap().due = Instant::now();
        meter.step(Progress::Whole(1024));
        assert!(*drawn());
        // No other thread draws meanwhile.
        assert!(without_bar(|| DRAWN.try_lock().is_err()));
        assert!(!*drawn());
        // It stays away until the next step that is due.
        meter.state.lock().unwrap().due = Instant::now();
        meter.step(Progress::Done(512));
        assert!(*drawn());
        drop(meter);
        assert!(!*drawn());
    }

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
