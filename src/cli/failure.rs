//! Errors as a person reads them: one line with every cause once, a hint where we know what to do next, an exit code.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use super::exit_code::{EXISTS, FAILED, MISMATCH, NOT_FOUND, UNAUTHORIZED, UNREACHABLE, USAGE};
use super::verdict;
use crate::causes::chain;

/// One thing that went wrong.
#[derive(Debug)]
pub struct CommandFailure {
    message: String,
    hint: Option<String>,
    code: u8,
    /// The reader of our output has gone: nothing to report, and no failure.
    closed_pipe: bool,
    /// Another program has reported it.
    told: bool,
}

/// What went wrong with a command: one thing, or one for each of several references.
#[derive(Debug)]
pub struct Failures {
    failures: Vec<CommandFailure>,
    /// Whether the worst one decides what the process ends with, and not the first.
    worst: bool,
}

/// Codes, the worst first, for whom the worst of several counts: what is wrong, then what somebody has to do about it, and
/// at last what is not there, or something else.
const WORST: [u8; 7] = [MISMATCH, UNAUTHORIZED, UNREACHABLE, USAGE, FAILED, NOT_FOUND, EXISTS];

impl CommandFailure {
    /// An error with all its causes. What led to it stands before it: `cannot push REF`.
    pub fn new(context: &str, error: &(dyn Error + 'static)) -> Self {
        let causes = chain(error);
        let message = if context.is_empty() { causes } else { format!("{context}: {causes}") };
        let (code, hint) = verdict::of(error);
        Self { message, hint, code, closed_pipe: false, told: false }
    }

    /// The command was called wrongly.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, code: USAGE, closed_pipe: false, told: false }
    }

    /// The same, for an argument that cannot be read.
    pub fn called_wrongly(error: &(dyn Error + 'static)) -> Self {
        Self { hint: verdict::of(error).1, ..Self::usage(chain(error)) }
    }

    /// Something that was asked for by name and is not there.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self { code: NOT_FOUND, ..Self::usage(message) }
    }

    /// Something else is in that place already.
    pub fn exists(message: impl Into<String>) -> Self {
        Self { code: EXISTS, ..Self::usage(message) }
    }

    /// What another program has reported already, and ended with this code for.
    pub fn told(code: u8) -> Self {
        Self { code, told: true, ..Self::usage("") }
    }

    /// With advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, with what it is about before it.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    /// Without advice: where it is what somebody is just doing.
    #[must_use]
    pub fn without_hint(self) -> Self {
        Self { hint: None, ..self }
    }

    /// Whether something is there already, or is another one.
    pub fn is_difference(&self) -> bool {
        self.code == EXISTS
    }

    /// Whether the command was called wrongly.
    pub fn is_usage(&self) -> bool {
        self.code == USAGE
    }

    /// Prints it to stderr as a warning: the command goes on.
    pub fn warn(&self) {
        log::warn!("{}", self.message);
        self.advise();
    }

    /// Prints the advice alone.
    pub fn advise(&self) {
        if let Some(hint) = &self.hint {
            log::warn!(target: "hint", "{hint}");
        }
    }

    /// Prints it to stderr. Says what the process should end with.
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
    /// Those of several references; nothing if there are none.
    pub fn of(failures: Vec<CommandFailure>) -> Result<(), Self> {
        if failures.is_empty() { Ok(()) } else { Err(Self { failures, worst: false }) }
    }

    /// The same, of which the worst decides what the process ends with.
    pub fn worst_of(failures: Vec<CommandFailure>) -> Result<(), Self> {
        if failures.is_empty() { Ok(()) } else { Err(Self { failures, worst: true }) }
    }

    /// What the process would end with for these, where the worst counts.
    pub fn worst_code(failures: &[CommandFailure]) -> u8 {
        let real = failures.iter().filter(|failure| !failure.closed_pipe).map(|failure| failure.code);
        let rank = |code: &u8| WORST.iter().position(|known| known == code).unwrap_or(WORST.len());
        real.min_by_key(rank).unwrap_or(0)
    }

    /// Prints all of them; the first or the worst decides what the process ends with.
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
