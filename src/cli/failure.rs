//! Errors as they are printed: one line with all causes, a hint if we know what to do, and an exit code.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use super::exit_code::{EXISTS, FAILED, MISMATCH, NOT_FOUND, UNAUTHORIZED, UNREACHABLE, USAGE};
use super::exit_code_of_error;
use crate::causes::chain;

/// One error.
#[derive(Debug)]
pub struct CommandFailure {
    message: String,
    hint: Option<String>,
    code: u8,
    /// Standard output was closed by its reader: this is not reported, and not a failure.
    closed_pipe: bool,
    /// Another program has reported the error already.
    told: bool,
}

/// The errors of a command: one, or one for each of several references.
#[derive(Debug)]
pub struct Failures {
    failures: Vec<CommandFailure>,
    /// Whether the worst error decides the exit code; otherwise the first one does.
    worst: bool,
}

/// Exit codes from the worst on, for commands whose worst error decides: first wrong content, then what the user has to
/// act on, and last what does not exist or is something else.
const WORST: [u8; 7] = [MISMATCH, UNAUTHORIZED, UNREACHABLE, USAGE, FAILED, NOT_FOUND, EXISTS];

impl CommandFailure {
    /// An error with all its causes. `context` is printed in front, such as `cannot push REF`.
    pub fn new(context: &str, error: &(dyn Error + 'static)) -> Self {
        let causes = chain(error);
        let message = if context.is_empty() { causes } else { format!("{context}: {causes}") };
        let (code, hint) = exit_code_of_error::of(error);
        Self { message, hint, code, closed_pipe: false, told: false }
    }

    /// A usage error: the command was called with wrong arguments.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: USAGE, closed_pipe: false, told: false }
    }

    /// A usage error for an argument that cannot be parsed.
    pub fn called_wrongly(error: &(dyn Error + 'static)) -> Self {
        Self { hint: exit_code_of_error::of(error).1, ..Self::usage(chain(error)) }
    }

    /// The error for something that was asked for by name and does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { code: NOT_FOUND, ..Self::usage(message) }
    }

    /// The error for a place that already contains something else.
    pub fn exists(message: impl Into<String>) -> Self {
        Self { code: EXISTS, ..Self::usage(message) }
    }

    /// An error that another program has reported, which then exited with this code.
    pub fn told(code: u8) -> Self {
        Self { code, told: true, ..Self::usage("") }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Puts the name of what the error is about in front of the message.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// Removes the hint, for a caller that already does what it says.
    #[must_use]
    pub fn without_hint(self) -> Self {
        Self { hint: None, ..self }
    }

    /// Whether its exit code is the one for "something else already exists".
    pub fn is_difference(&self) -> bool {
        self.code == EXISTS
    }

    /// Whether it is a usage error.
    pub fn is_usage(&self) -> bool {
        self.code == USAGE
    }

    /// Prints it to standard error as a warning: the command continues.
    pub fn warn(&self) {
        log::warn!("{}", self.message);
        self.advise();
    }

    /// Prints only the hint.
    pub fn advise(&self) {
        if let Some(hint) = &self.hint {
            log::warn!(target: "hint", "{hint}");
        }
    }

    /// Prints it to standard error, and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if self.closed_pipe {
            return ExitCode::SUCCESS;
        }
        if self.told {
            return ExitCode::from(self.code);
        }
        log::error!("{}", self.message);
        if let Some(hint) = &self.hint {
            log::error!(target: "hint", "{hint}");
        }
        ExitCode::from(self.code)
    }
}

impl Failures {
    /// An error if there are failures, of which the first decides the exit code.
    pub fn of(failures: Vec<CommandFailure>) -> Result<(), Self> {
        if failures.is_empty() { Ok(()) } else { Err(Self { failures, worst: false }) }
    }

    /// An error if there are failures, of which the worst decides the exit code.
    pub fn worst_of(failures: Vec<CommandFailure>) -> Result<(), Self> {
        if failures.is_empty() { Ok(()) } else { Err(Self { failures, worst: true }) }
    }

    /// The exit code of the worst of these failures; 0 if there is none.
    pub fn worst_code(failures: &[CommandFailure]) -> u8 {
        let real = failures.iter().filter(|failure| !failure.closed_pipe).map(|failure| failure.code);
        let rank = |code: &u8| WORST.iter().position(|known| known == code).unwrap_or(WORST.len());
        real.min_by_key(rank).unwrap_or(0)
    }

    /// Prints all failures, and returns the exit code.
    pub(super) fn report(&self) -> ExitCode {
        let codes: Vec<_> = self.failures.iter().map(CommandFailure::report).collect();
        if self.worst {
            return ExitCode::from(Self::worst_code(&self.failures));
        }
        codes.into_iter().next().unwrap_or_default()
    }
}

impl fmt::Display for CommandFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<CommandFailure> for Failures {
    fn from(failure: CommandFailure) -> Self {
        Self { failures: vec![failure], worst: false }
    }
}

impl<E: Error + 'static> From<E> for CommandFailure {
    fn from(error: E) -> Self {
        let error: &(dyn Error + 'static) = &error;
        let closed_pipe =
            error.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe);
        Self { closed_pipe, ..Self::new("", error) }
    }
}

impl<E: Error + 'static> From<E> for Failures {
    fn from(error: E) -> Self {
        CommandFailure::from(error).into()
    }
}
