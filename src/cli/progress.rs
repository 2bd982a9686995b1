//! A progress bar on a terminal, for what takes longer than a moment.

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::environment;
use crate::verbs::Progress;

/// What is done by then was no more than a moment.
const MOMENT: Duration = Duration::from_millis(250);

/// Counts bytes, and shows them when it is worth it.
pub struct Meter {
    bar: ProgressBar,
    started: Instant,
    wanted: bool,
    shown: AtomicBool,
}

impl Meter {
    /// A bar with a word before it. `quiet` leaves it out, as do CI and everything that is no terminal.
    pub fn new(word: &'static str, quiet: bool) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let template = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(word);
        let wanted = !quiet && io::stderr().is_terminal() && !environment::is_ci();
        Self { bar, started: Instant::now(), wanted, shown: AtomicBool::new(false) }
    }

    /// Takes the next step.
    pub fn step(&self, progress: Progress) {
        match progress {
            Progress::Whole(bytes) => self.bar.inc_length(bytes),
            Progress::Done(bytes) => self.bar.inc(bytes),
        }
        if self.wanted && self.started.elapsed() > MOMENT && !self.shown.swap(true, Ordering::Relaxed) {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
