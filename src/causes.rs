//! Writes an error and its causes as one line of text.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

/// Iterates over an error and its causes (`Error::source`), from the outermost to the innermost.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// An error and its causes as one line, joined with `: `. A cause is left out if the line so far ends with it already:
/// some libraries repeat the cause in their own message.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = without_number(error);
    for cause in causes(error).skip(1) {
        let cause = without_number(cause);
        if !cause.is_empty() && !line.ends_with(&cause) {
            let _ = write!(line, ": {cause}");
        }
    }
    line
}

/// The error's text without ` (os error 2)`: `No such file or directory` says that already.
fn without_number(error: &(dyn Error + 'static)) -> String {
    let text = error.to_string();
    let plain = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::raw_os_error)
        .and_then(|number| text.strip_suffix(&format!(" (os error {number})")));
    plain.map(str::to_owned).unwrap_or(text)
}
