//! Runs other executables of ours that have network access, for executables that have none.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::failure::CommandFailure;
use crate::environment;
use crate::reference::Reference;

/// Pulls a chart into the cache by `helm-chart-pull`, whose messages the user sees. Returns its reference in the cache:
/// if `reference` has no tag, that of the newest version.
pub fn pull_by_sibling(reference: &Reference) -> Result<Reference, CommandFailure> {
    const SIBLING: &str = "helm-chart-pull";
    let Some(path) = environment::executable(SIBLING) else {
        return Err(CommandFailure::not_found(format!(
            "{reference} is not in the cache, and {SIBLING} is not installed"
        ))
        .hint("it belongs beside this executable, or on the PATH"));
    };
    log::debug!("{reference} is not in the cache: {} pulls it", path.display());
    let mut command = Command::new(&path);
    command.args(["-q", &reference.to_string()]).env(environment::CALLED_AS, "helm oci pull");
    environment::hand_on_debug(&mut command, super::logger::is_debug());
    let what = format!("cannot pull {reference}");
    let pinned = printed_reference(&mut command, &what, SIBLING)?;
    // If it has a tag, the cache has it under the tag.
    Ok(match reference.digest {
        Some(_) => reference.clone(),
        None => Reference { digest: None, ..pinned },
    })
}

/// Runs another executable, whose messages the user sees, and parses the one reference that it prints.
fn printed_reference(command: &mut Command, what: &str, sibling: &str) -> Result<Reference, CommandFailure> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| CommandFailure::new(&format!("cannot run {sibling}"), &error))?;
    if !output.status.success() {
        // It was killed by a signal, so there is no code, and it has printed no error.
        return Err(match output.status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(code) => CommandFailure::told(code),
            None => CommandFailure::not_found(format!("{what}: {sibling} was ended: {}", output.status)),
        });
    }
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim_end().parse().map_err(|error| CommandFailure::new(what, &error))
}

/// Makes a bundle of the chart in the directory `chart`, in the directory `scratch`, and returns its path. `name` is
/// the chart's reference in it; without a tag the chart's version is the tag.
pub(super) fn bundle_by_siblings(
    chart: &Path,
    name: &Reference,
    scratch: &Path,
) -> Result<PathBuf, CommandFailure> {
    let what = "cannot take the chart out of what dt has wrapped";
    let (home, file) = (scratch.join("helm"), scratch.join("wrapped.tar"));
    let run = |sibling: &str, words: &[&OsStr]| {
        let path = environment::executable(sibling).ok_or_else(|| {
            CommandFailure::not_found(format!("{what}: {sibling} is not installed"))
                .hint("it belongs beside this executable, or on the PATH")
        })?;
        let mut command = Command::new(path);
        command.arg("-q").args(words).env("HELM_HOME", &home).env_remove("HELM_OCI_CACHE_MAX_SIZE");
        environment::hand_on_debug(&mut command, super::logger::is_debug());
        printed_reference(&mut command, what, sibling)
    };
    let saved = run("helm-chart-save", &[chart.as_os_str(), name.to_string().as_ref()])?;
    let saved = Reference { digest: None, ..saved }.to_string();
    run("helm-chart-bundle", &["--offline".as_ref(), saved.as_ref(), "-o".as_ref(), file.as_os_str()])?;
    Ok(file)
}

/// The flag by which a command works in registries instead of the cache.
const REMOTE: &str = "--remote";

/// Runs the executable that does in registries what this one does in the cache, if the arguments of this process ask
/// for that. It gets `operation` and all other arguments unchanged. The caller then only has to exit with the code of
/// the returned failure; `None` means to continue here.
pub(super) fn work_remotely(operation: &str) -> Option<CommandFailure> {
    const SIBLING: &str = "helm-chart-remote";
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    let flags = words.iter().take_while(|word| *word != "--");
    let at = flags.into_iter().position(|word| word == REMOTE || word == "--remote=true")?;
    let Some(path) = environment::executable(SIBLING) else {
        return Some(
            CommandFailure::not_found(format!("{SIBLING} is not installed, which works in registries"))
                .hint("it belongs beside this executable, or on the PATH"),
        );
    };
    log::debug!("{} works in registries", path.display());
    let mut command = Command::new(&path);
    command
        .args(["--operation", operation])
        .args(words.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, word)| word));
    // Its help shows the command as the user has called it.
    let called = environment::called_as().unwrap_or_else(|| format!("helm-chart-{operation}"));
    command.env(environment::CALLED_AS, format!("{called} {REMOTE}"));
    Some(match command.status() {
        Err(error) => CommandFailure::new(&format!("cannot run {}", path.display()), &error),
        Ok(status) => match status.code().and_then(|code| u8::try_from(code).ok()) {
            Some(code) => CommandFailure::told(code),
            None => CommandFailure::not_found(format!("{SIBLING} was ended: {status}")),
        },
    })
}
