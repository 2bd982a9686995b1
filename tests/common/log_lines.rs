//! What the library and the crates below it log: one logger for all tests of a process, which can have no second one.

use std::sync::{Mutex, Once, PoisonError};

struct Kept(Mutex<Vec<String>>);

static KEPT: Kept = Kept(Mutex::new(Vec::new()));

impl log::Log for Kept {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        keep(format!("{}: {}", record.target(), record.args()));
    }

    fn flush(&self) {}
}

/// From here on every line of every test that runs meanwhile is kept.
pub fn begin() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        log::set_logger(&KEPT).unwrap();
        log::set_max_level(log::LevelFilter::Trace);
    });
}

/// Keeps a line that was not logged.
pub fn keep(line: String) {
    KEPT.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
}

/// The lines so far, each behind its target and a colon.
pub fn lines() -> Vec<String> {
    KEPT.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
