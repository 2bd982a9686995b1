//! Asks before something is removed that cannot be restored.

use std::io::{self, IsTerminal as _, Write as _};

use super::failure::CommandFailure;

/// Whether to ask the user: not with `--force`. It is a usage error if there is neither `--force` nor a terminal.
pub fn must_be_asked(force: bool) -> Result<bool, CommandFailure> {
    if force {
        return Ok(false);
    }
    match io::stdin().is_terminal() && io::stderr().is_terminal() {
        true => Ok(true),
        false => {
            let failure = CommandFailure::usage("there is no terminal to ask whether to remove anything");
            Err(failure.hint("-f removes it without a question, --dry-run tells what that would be"))
        }
    }
}

/// Asks on the terminal. Any answer except yes means no.
pub fn confirm(question: &str) -> Result<bool, CommandFailure> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush())?;
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        writeln!(stderr)?;
    }
    Ok(matches!(line.trim().to_lowercase().as_str(), "y" | "yes"))
}
