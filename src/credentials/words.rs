//! What a credential helper says on standard error: passed on as it comes, so that somebody who is asked to touch a key sees
//! it in time; and as words alone, however much it is and whatever it would do to a terminal.

use std::io::{self, Read};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use crate::terminal;

/// So many lines are shown of one run.
const LINES: usize = 40;

/// So many bytes are shown of one line, and of an answer that is no credential.
pub(super) const LONGEST: usize = 500;

/// How long the last words are waited for when the program has gone: a child that it has left behind may keep the pipe open
/// for ever.
const PATIENCE: Duration = Duration::from_millis(200);

/// The words of a program that are on their way. Dropped, it waits until all has been passed on that is to be expected.
pub(super) struct ProgramWords(Receiver<()>);

impl Drop for ProgramWords {
    fn drop(&mut self) {
        // Nothing is ever sent: it ends when the other end is gone.
        let _ = self.0.recv_timeout(PATIENCE);
    }
}

impl ProgramWords {
    /// Passes on what `program` says, until it has no more to say. What is not shown is read all the same: a program that
    /// cannot get rid of its words stands still.
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

/// Shows what is said, line by line. A prompt has no end of a line: what comes at once is shown at once.
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
