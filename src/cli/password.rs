//! Reads passwords: from standard input, from a prompt without echo, and, with a warning, from the command line.

use std::io::{self, IsTerminal as _, Read as _, Write};
#[cfg(unix)]
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use zeroize::Zeroizing;

use super::failure::CommandFailure;
use crate::credential::{Credential, Secret};
use crate::credentials::protocol::from_parts;

/// The warning of the original program (cmd/helm/registry_login.go at v3.0.0-alpha.1), which docker still prints.
const WARNING: &str = "WARNING! Using --password via the CLI is insecure. Use --password-stdin.";

/// The longest password in bytes, more than any token has. A longer one would not fit into a header; credential helpers
/// take 64 KiB.
const LONGEST: usize = 32 << 10;

/// The credential that the flags give, if they give one. A usage error if they contradict each other.
pub fn given_credential(
    username: Option<String>,
    password: Option<String>,
    password_stdin: bool,
) -> Result<Option<Credential>, CommandFailure> {
    let password = password.map(Secret::new);
    let secret = match (password, password_stdin) {
        (Some(_), true) => {
            return Err(CommandFailure::usage("--password and --password-stdin exclude each other"));
        }
        (None, false) => None,
        (Some(password), false) => {
            // Printed without the prefix of a warning. If standard error is closed, it is lost.
            let _ = writeln!(io::stderr().lock(), "{WARNING}");
            Some(password)
        }
        (None, true) if username.is_none() => {
            return Err(CommandFailure::usage("--password-stdin needs --username"));
        }
        (None, true) => Some(from_standard_input()?),
    };
    match (username, secret) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(CommandFailure::usage("--username needs --password-stdin")),
        (None, Some(_)) => Err(CommandFailure::usage("--password needs --username")),
        (Some(username), Some(secret)) => credential(&username, secret).map(Some),
    }
}

/// The credential that the flags give; what they leave out is asked for. Without a user it is a token.
pub fn prompted_credential(
    out: &mut dyn Write,
    username: Option<String>,
    password: Option<String>,
    password_stdin: bool,
) -> Result<Credential, CommandFailure> {
    if password.is_some() || password_stdin {
        let given = given_credential(username, password, password_stdin)?;
        return given.ok_or_else(|| CommandFailure::usage("password required"));
    }
    if !io::stdin().is_terminal() {
        return Err(CommandFailure::usage("there is no terminal to ask for the password")
            .hint("-u USER --password-stdin reads it from standard input"));
    }
    let username = match username.filter(|name| !name.is_empty()) {
        Some(username) => username,
        None => {
            write!(out, "Username: ")?;
            out.flush()?;
            let mut line = String::new();
            if io::stdin().read_line(&mut line)? == 0 {
                writeln!(out)?;
                return Err(CommandFailure::usage("no user name was given"));
            }
            line.trim().to_owned()
        }
    };
    let prompt = if username.is_empty() { "Token: " } else { "Password: " };
    let secret = without_echo(prompt)?;
    if username.is_empty() {
        return match secret.is_empty() {
            true => Err(CommandFailure::usage("token required")),
            false => Ok(Credential::IdentityToken(secret)),
        };
    }
    credential(&username, secret)
}

/// Asks on the terminal, even if the standard streams are redirected, and does not show what is typed.
fn without_echo(prompt: &str) -> Result<Secret, CommandFailure> {
    let answer = until_interrupted(|| rpassword::prompt_password(prompt));
    match answer {
        Ok(typed) => Ok(Secret::new(typed)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            // The cursor is still behind the prompt.
            let _ = writeln!(io::stderr().lock());
            Err(CommandFailure::usage("nothing was typed"))
        }
        Err(error) => Err(CommandFailure::new("cannot ask on the terminal", &error)),
    }
}

/// On Ctrl-C, rpassword raises the signal that the terminal would have sent, while the echo is still off. The signal is
/// held back here until rpassword has restored the terminal, and then takes its usual effect.
#[cfg(unix)]
fn until_interrupted<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    use signal_hook::consts::SIGINT;
    let interrupted = Arc::new(AtomicBool::new(false));
    let handler = signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))?;
    let answer = ask();
    signal_hook::low_level::unregister(handler);
    if interrupted.load(Ordering::SeqCst) {
        signal_hook::low_level::emulate_default_handler(SIGINT)?;
    }
    answer
}

#[cfg(not(unix))]
fn until_interrupted<T>(ask: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    ask()
}

fn credential(username: &str, secret: Secret) -> Result<Credential, CommandFailure> {
    if username.is_empty() {
        return Err(
            CommandFailure::usage("the user name is empty").hint("for an identity token, -u '<token>'")
        );
    }
    // RFC 7617 2: the first colon ends the name, and control characters are not allowed. A line end that was copied
    // with the name is reported here, and not as a refusal by the registry.
    if username.contains(|c: char| c == ':' || c.is_control()) {
        return Err(CommandFailure::usage("a user name has no colon and no control characters in it"));
    }
    if secret.is_empty() {
        return Err(CommandFailure::usage("password required"));
    }
    if secret.expose().len() > LONGEST {
        return Err(CommandFailure::usage(format!("the password is longer than {} KiB", LONGEST >> 10)));
    }
    from_parts(username, secret).ok_or_else(|| CommandFailure::usage("password required"))
}

/// Reads standard input to its end, without the line end that `echo` adds.
fn from_standard_input() -> Result<Secret, CommandFailure> {
    let mut text = Zeroizing::new(String::new());
    io::stdin()
        .lock()
        // Enough to notice that it is too long, including a line end.
        .take(LONGEST as u64 + 3)
        .read_to_string(&mut text)
        .map_err(|error| CommandFailure::new("cannot read the password from standard input", &error))?;
    Ok(Secret::new(without_line_end(&text).to_owned()))
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn one_line_end_is_none_of_the_password() {
        for (text, expected) in [
            ("a", "a"),
            ("a\n", "a"),
            ("a\r\n", "a"),
            ("a\n\n", "a\n"),
            ("a\r", "a"),
            (" a \n", " a "),
            ("", ""),
            ("\n", ""),
        ] {
            assert_eq!(super::without_line_end(text), expected, "{text:?}");
        }
    }
}
