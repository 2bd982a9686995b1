//! What goes to stderr: errors, hints, warnings; and with HELM_DEBUG what the library does. Whatever it is that a
//! chart, a registry or a file name brought into a message, it cannot drive the terminal.

use std::io::Write as _;

use log::{Level, LevelFilter, Log, Metadata, Record};

use super::progress::without_bar;
use crate::environment;

struct Stderr;

/// From here on `log`'s macros write to stderr.
pub(super) fn start() {
    let level = if environment::debug() { LevelFilter::Debug } else { LevelFilter::Warn };
    // It fails only if there is a logger already, and nothing else sets one.
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(level);
    }
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

/// Control characters and those that change the direction of writing, escaped.
pub(super) fn printable(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(hostile) {
        return text.to_owned();
    }
    text.chars().map(|c| if hostile(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_message_cannot_drive_the_terminal() {
        assert_eq!(super::printable("a\u{1b}[31mb\rc\u{202e}d"), "a\\u{1b}[31mb\\u{d}c\\u{202e}d");
    }
}
