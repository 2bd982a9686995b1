//! What an error reads like: itself and its causes, on one line.

use std::error::Error;
use std::fmt::Write as _;
use std::io;

/// An error and what caused it, from the outermost in.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next?;
        next = error.source();
        Some(error)
    })
}

/// An error and its causes on one line, each once: some libraries repeat the cause in their own message.
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

/// `No such file or directory` says what ` (os error 2)` says.
fn without_number(error: &(dyn Error + 'static)) -> String {
    let text = error.to_string();
    let plain = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::raw_os_error)
        .and_then(|number| text.strip_suffix(&format!(" (os error {number})")));
    plain.map(str::to_owned).unwrap_or(text)
}
