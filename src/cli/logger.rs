//! What goes to stderr: errors, hints, warnings; and with `--debug`, or HELM_DEBUG, what the library does. Whatever it is that a
//! chart, a registry or a file name brought into a message, it cannot drive the terminal.

use std::io::Write as _;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::progress::without_bar;
use crate::{environment, terminal};

/// The longest of our own messages name ten digests, or a path of 4 KiB.
const LONGEST: usize = 8 << 10;

struct Stderr;

/// From here on `log`'s macros write to stderr.
pub(super) fn start() {
    // It fails only if there is a logger already, and nothing else sets one.
    if log::set_logger(&Stderr).is_ok() {
        set_debug(environment::debug());
    }
}

/// Whether it is told what the library does. What the command line says comes after what the environment says.
pub(super) fn set_debug(debug: bool) {
    log::set_max_level(if debug { LevelFilter::Debug } else { LevelFilter::Warn });
}

/// Whether it is.
pub(super) fn is_debug() -> bool {
    log::max_level() >= LevelFilter::Debug
}

impl Log for Stderr {
    /// Our own messages only: those of libraries may hold what a signed URL should not show.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "hint" || metadata.target().split("::").next() == Some("oci")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let label = match (record.level(), record.target()) {
            (_, "hint") => "hint",
            (Level::Error, _) => "Error",
            (Level::Warn, _) => "Warning",
            (Level::Info, _) => "info",
            (Level::Debug | Level::Trace, _) => "debug",
        };
        let line = format!("{label}: {}\n", printable(&record.args().to_string()));
        // Where stderr is closed there is nobody to tell.
        let _ = without_bar(|| std::io::stderr().lock().write_all(line.as_bytes()));
    }

    fn flush(&self) {}
}

/// A line that a person can read: nothing in it drives the terminal, and a field of some file that is all of the file
/// does not fill it.
pub(super) fn printable(text: &str) -> String {
    let tame = terminal::tame(text, &[], |c| c.escape_unicode().to_string());
    if tame.len() <= LONGEST {
        return tame.into_owned();
    }
    let cut = |at: usize| (at..tame.len()).find(|at| tame.is_char_boundary(*at)).unwrap_or(tame.len());
    // What is at the end is the cause.
    format!("{} […] {}", &tame[..cut(LONGEST / 2)], &tame[cut(tame.len() - LONGEST / 2)..])
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_cannot_drive_the_terminal() {
        assert_eq!(super::printable("a\u{1b}[31mb\rc\u{202e}d"), "a\\u{1b}[31mb\\u{d}c\\u{202e}d");
    }

    #[test]
    fn a_message_is_no_flood() {
        let long = format!("Error: {}: the end", "ä".repeat(5 << 20));
        let shown = super::printable(&long);
        assert!(shown.len() < 10_000 && shown.starts_with("Error: ää") && shown.ends_with("ä: the end"));
    }
}
