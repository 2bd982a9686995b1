//! What an executable without network needs of a registry: one beside it that has network does it.

use std::process::{Command, Stdio};

use super::failure::Failure;
use crate::environment;
use crate::reference::Reference;

/// Pulls a chart into the cache by `helm-chart-pull`, whose messages are the user's to read. Returns the reference under
/// which it is there: without a tag the newest version was asked for.
pub fn pull_by_sibling(reference: &Reference) -> Result<Reference, Failure> {
    const SIBLING: &str = "helm-chart-pull";
    let Some(path) = environment::executable(SIBLING) else {
        return Err(Failure::not_found(format!(
            "{reference} is not in the cache, and {SIBLING} is not installed"
        ))
        .hint("it belongs beside this executable, or on the PATH"));
    };
    log::debug!("{reference} is not in the cache: {} pulls it", path.display());
    let mut command = Command::new(&path);
    command.args(["-q", &reference.to_string()]).env(environment::CALLED_AS, "helm oci pull");
    environment::hand_on_debug(&mut command, super::logger::is_debug());
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| Failure::new(&format!("cannot run {}", path.display()), &error))?;
    if !output.status.success() {
        // Killed by a signal, it has no code and has said nothing.
        return Err(match output.status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(code) => Failure::told(code),
            None => {
                Failure::not_found(format!("cannot pull {reference}: {SIBLING} was ended: {}", output.status))
            }
        });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let pinned: Reference =
        text.trim_end().parse().map_err(|error| Failure::new(&format!("cannot pull {reference}"), &error))?;
    // By its tag if it has one: the cache knows it by that.
    Ok(match reference.digest {
        Some(_) => reference.clone(),
        None => Reference { digest: None, ..pinned },
    })
}

/// The words that a command is called with to work in registries instead of the cache.
const REMOTE: &str = "--remote";

/// Runs the executable that does in registries what this one does in the cache, if the words of this process ask for that.
/// It is told the `operation`; all other words are handed on as they are. Nothing is left to do then but to end with
/// what it has ended with.
pub(super) fn work_remotely(operation: &str) -> Option<Failure> {
    const SIBLING: &str = "helm-chart-remote";
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let flags = words.iter().take_while(|word| *word != "--");
    let at = flags.into_iter().position(|word| word == REMOTE || word == "--remote=true")?;
    let Some(path) = environment::executable(SIBLING) else {
        return Some(
            Failure::not_found(format!("{SIBLING} is not installed, which works in registries"))
                .hint("it belongs beside this executable, or on the PATH"),
        );
    };
    log::debug!("{} works in registries", path.display());
    let mut command = Command::new(&path);
    command
        .args(["--operation", operation])
        .args(words.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, word)| word));
    // How it was called is how its help calls it.
    let called = environment::called_as().unwrap_or_else(|| format!("helm-chart-{operation}"));
    command.env(environment::CALLED_AS, format!("{called} {REMOTE}"));
    Some(match command.status() {
        Err(error) => Failure::new(&format!("cannot run {}", path.display()), &error),
        Ok(status) => match status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(code) => Failure::told(code),
            None => Failure::not_found(format!("{SIBLING} was ended: {status}")),
        },
    })
}
