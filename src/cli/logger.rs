//! The log on standard error: errors, hints and warnings; with `--debug`, or HELM_DEBUG, also what the library does.
//! Text from a chart, a registry or a file name cannot control the terminal.

use std::io::Write as _;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::progress::without_bar;
use crate::{environment, terminal};

/// The longest message that is printed whole, in bytes. Ours may contain ten digests, or a path of 4 KiB.
const LONGEST: usize = 8 << 10;

struct Stderr;

/// Makes the macros of `log` write to standard error from now on.
pub(super) fn start() {
    // It only fails if another logger is set, and nothing sets one.
    if log::set_logger(&Stderr).is_ok() {
        set_debug(environment::debug());
    }
}

/// Sets whether debug messages are printed. The command line calls this after the environment, so it takes precedence.
pub(super) fn set_debug(debug: bool) {
    log::set_max_level(if debug { LevelFilter::Debug } else { LevelFilter::Warn });
}

/// Whether debug messages are printed.
pub(super) fn is_debug() -> bool {
    log::max_level() >= LevelFilter::Debug
}

impl Log for Stderr {
    /// Only our own messages: those of libraries may contain parts of a signed URL.
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
        // If standard error is closed, the message is lost.
        let _ = without_bar(|| std::io::stderr().lock().write_all(line.as_bytes()));
    }

    fn flush(&self) {}
}

/// A line that is fit to be read: nothing in it controls the terminal, and a very long text is cut in the middle.
pub(super) fn printable(text: &str) -> String {
    let tame = terminal::tame(text, &[], |c| c.escape_unicode().to_string());
    if tame.len() <= LONGEST {
        return tame.into_owned();
    }
    let cut = |at: usize| (at..tame.len()).find(|at| tame.is_char_boundary(*at)).unwrap_or(tame.len());
    // The cause is at the end, so the end is kept.
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
