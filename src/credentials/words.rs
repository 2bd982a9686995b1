//! Passes on what a credential helper writes to standard error, as soon as it comes, so that a user who has to touch a
//! key sees it in time. The amount is limited, and control characters are removed.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::terminal;

/// How many lines of one run are shown.
const LINES: usize = 40;

/// How many bytes are shown of a line, and of an answer that is an error message.
pub(super) const LONGEST: usize = 500;

/// How long the rest of the messages is waited for after the program has ended. A child that it left behind may hold
/// the pipe open forever.
const PATIENCE: Duration = Duration::from_millis(200);

/// Passes on the messages of a program in a thread. Dropping this waits, for a short time, until all is passed on.
pub(super) struct ProgramWords(Receiver<()>);

impl Drop for ProgramWords {
    fn drop(&mut self) {
        // Nothing is ever sent: this returns when the other end is dropped.
        let _ = self.0.recv_timeout(PATIENCE);
    }
}

impl ProgramWords {
    /// Starts to log what `program` writes, until it closes the pipe. What is not shown is read too, because a program
    /// whose pipe is full would stop.
    pub(super) fn pass_on(program: &str, said: impl Read + Send + 'static) -> io::Result<Self> {
        let (open, ended) = mpsc::channel();
        let program = program.to_owned();
        let listen = move || {
            say(said, |words| log::warn!(target: "oci", "{program}: {words}"));
            drop(open);
        };
        thread::Builder::new().spawn(listen)?;
        Ok(Self(ended))
    }
}

/// Shows each line that is read. A prompt has no line end, so what is read at once is shown at once.
fn say(mut said: impl Read, mut show: impl FnMut(&str)) {
    let mut buffer = [0; 4 << 10];
    let mut lines = 0;
    loop {
        let read = match said.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Ok(read @ 1..) => read,
            Ok(0) | Err(_) => return,
        };
        for line in String::from_utf8_lossy(&buffer[..read]).lines() {
            let words = terminal::printable(line, LONGEST);
            if words.is_empty() || lines > LINES {
                continue;
            }
            lines += 1;
            show(if lines > LINES { "and more, which is not shown" } else { &words });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> Vec<String> {
        let mut shown = Vec::new();
        say(bytes, |words| shown.push(words.to_owned()));
        shown
    }

    #[test]
    fn words_are_shown_and_nothing_that_drives_a_terminal() {
        assert_eq!(said(b"Touch your key\n\n  now \r\n"), ["Touch your key", "now"]);
        assert_eq!(
            said(b"\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b1m\xff\0"),
            ["]0;titlered\u{fffd}1m\u{fffd}"]
        );
        assert_eq!(said("gpj.\u{202e}txt\u{200b}".as_bytes()), ["gpj.txt"]);
        assert_eq!(said(b"PIN: "), ["PIN: ".trim_end()]);
    }

    #[test]
    fn a_flood_is_cut_off_and_read_to_its_end() {
        let shown = said("line\n".repeat(1_000_000).as_bytes());
        assert_eq!((shown.len(), shown[LINES].as_str()), (LINES + 1, "and more, which is not shown"));
        let shown = said("x".repeat(1 << 20).as_bytes());
        assert!(
            shown.len() <= LINES + 1 && shown.iter().all(|line| line.len() <= LONGEST + 3),
            "{}",
            shown.len()
        );
    }
}
