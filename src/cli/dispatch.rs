//! `helm oci …`: from words to one of the executables beside this one, as git does it.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use super::Failure;
use crate::environment;

/// A word of `helm oci`, and what it runs.
#[derive(Clone, Copy)]
struct Entry {
    group: &'static str,
    word: &'static str,
    alias: &'static str,
    executable: &'static str,
    summary: &'static str,
}

const fn entry(
    group: &'static str,
    word: &'static str,
    executable: &'static str,
    summary: &'static str,
) -> Entry {
    Entry { group, word, alias: "", executable, summary }
}

const fn aliased(entry: Entry, alias: &'static str) -> Entry {
    Entry { alias, ..entry }
}

const ENTRIES: [Entry; 12] = [
    entry("chart", "save", "helm-chart-save", "Save a chart directory or package in the local cache"),
    aliased(entry("chart", "list", "helm-chart-list", "List the charts in the local cache"), "ls"),
    entry("chart", "export", "helm-chart-export", "Export a chart from the local cache to a directory"),
    entry("chart", "push", "helm-chart-push", "Push charts from the local cache to their registries"),
    entry("chart", "pull", "helm-chart-pull", "Pull charts from their registries into the local cache"),
    entry("chart", "tag", "helm-chart-tag", "Give a chart in the local cache another reference"),
    aliased(entry("chart", "remove", "helm-chart-remove", "Remove charts from the local cache"), "rm"),
    entry("chart", "verify", "helm-chart-verify", "Check that the local cache is whole, and repair it"),
    entry("registry", "login", "helm-registry-login", "Log in to a registry"),
    entry("registry", "logout", "helm-registry-logout", "Forget the credential for a registry"),
    entry("registry", "status", "helm-registry-status", "Tell which registries there are credentials for"),
    entry("registry", "serve", "helm-registry-serve", "Serve an OCI registry from a directory"),
];

/// What the words ask for.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// This one, with the rest of the words.
    Run(&'static str, usize),
    /// The help of this one.
    HelpOf(&'static str),
    Help,
    Version,
    /// None that we know.
    Unknown(String),
}

/// The whole of the dispatcher's `main`.
pub fn dispatch() -> ExitCode {
    super::logger::start();
    let words: Vec<OsString> = std::env::args_os().skip(1).collect();
    let texts: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    match understand(&texts) {
        Asked::Run(executable, used) => run(executable, &words[used..]),
        Asked::HelpOf(executable) => run(executable, &["--help".into()]),
        Asked::Help => print(&help()),
        Asked::Version => print(concat!("helm-oci ", env!("CARGO_PKG_VERSION"), "\n")),
        Asked::Unknown(word) => {
            let external = format!("helm-oci-{word}");
            if !word.contains(std::path::is_separator)
                && let Some(path) = environment::on_search_path(&external)
            {
                return replace(&path, &words[1..]);
            }
            unknown(&word).report()
        }
    }
}

fn understand(words: &[&str]) -> Asked {
    let find = |group: Option<&str>, word: &str| {
        let matches =
            |e: &&Entry| (e.word == word || e.alias == word) && group.is_none_or(|group| e.group == group);
        ENTRIES.iter().find(matches).map(|entry| entry.executable)
    };
    let is_group = |word: &str| ENTRIES.iter().any(|entry| entry.group == word);
    match words {
        [] | ["-h" | "--help" | "help"] => Asked::Help,
        ["version" | "--version", ..] => Asked::Version,
        ["help", rest @ ..] => match understand(rest) {
            Asked::Run(executable, _) => Asked::HelpOf(executable),
            other => other,
        },
        [group] | [group, "-h" | "--help" | "help"] if is_group(group) => Asked::Help,
        [group, "help", word, ..] if is_group(group) => {
            find(Some(group), word).map_or_else(|| Asked::Unknown(format!("{group} {word}")), Asked::HelpOf)
        }
        [group, word, ..] if is_group(group) => find(Some(group), word).map_or_else(
            || Asked::Unknown(format!("{group} {word}")),
            |executable| Asked::Run(executable, 2),
        ),
        [word, ..] => find(None, word)
            .map_or_else(|| Asked::Unknown((*word).to_owned()), |executable| Asked::Run(executable, 1)),
    }
}

fn help() -> String {
    let mut text = String::from(
        "Usage: helm oci <command> [options]\n\nHelm charts in OCI registries, with a local cache.\n\nCommands:\n",
    );
    for entry in &ENTRIES {
        let alias = if entry.alias.is_empty() { String::new() } else { format!(", {}", entry.alias) };
        text +=
            &format!("  {:<10} {:<12} {}\n", entry.group, format!("{}{alias}", entry.word), entry.summary);
    }
    text += "\nThe group may be left out: helm oci push is helm oci chart push.\n\
             helm oci help <command> tells more about each.\n";
    text
}

fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => Failure::from(error).report(),
    }
}

fn unknown(word: &str) -> Failure {
    let failure = Failure::usage(format!("`{word}` is no command of helm oci"));
    let last = word.rsplit(' ').next().unwrap_or(word);
    let distance = |entry: &&Entry| {
        let full = format!("{} {}", entry.group, entry.word);
        strsim::damerau_levenshtein(entry.word, last).min(strsim::damerau_levenshtein(&full, word))
    };
    match ENTRIES.iter().min_by_key(distance).filter(|entry| distance(entry) <= 2) {
        Some(nearest) => failure.hint(format!("the nearest is helm oci {} {}", nearest.group, nearest.word)),
        None => failure.hint("helm oci help lists the commands"),
    }
}

/// Runs the executable that lies beside this one, else one from the PATH.
fn run(executable: &str, words: &[OsString]) -> ExitCode {
    match environment::executable(executable) {
        Some(path) => replace(&path, words),
        None => Failure::not_found(format!("{executable} is not installed"))
            .hint("it belongs beside helm-oci, or on the PATH")
            .report(),
    }
}

/// Becomes the other executable, so that signals and the exit code are its own.
fn replace(path: &Path, words: &[OsString]) -> ExitCode {
    use std::os::unix::process::CommandExt as _;
    let error = std::process::Command::new(path).args(words).exec();
    Failure::new(&format!("cannot run {}", path.display()), &error).report()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_their_executable() {
        for (words, expected) in [
            ("chart push a", Asked::Run("helm-chart-push", 2)),
            ("push a", Asked::Run("helm-chart-push", 1)),
            ("ls", Asked::Run("helm-chart-list", 1)),
            ("chart rm a", Asked::Run("helm-chart-remove", 2)),
            ("serve", Asked::Run("helm-registry-serve", 1)),
            ("registry serve", Asked::Run("helm-registry-serve", 2)),
            ("help push", Asked::HelpOf("helm-chart-push")),
            ("help chart push", Asked::HelpOf("helm-chart-push")),
            ("chart help push", Asked::HelpOf("helm-chart-push")),
            ("chart", Asked::Help),
            ("chart --help", Asked::Help),
            ("--help", Asked::Help),
            ("help", Asked::Help),
            ("version", Asked::Version),
            ("--version", Asked::Version),
            ("registry push", Asked::Unknown("registry push".into())),
            ("chart psuh", Asked::Unknown("chart psuh".into())),
            ("psuh", Asked::Unknown("psuh".into())),
            ("help psuh", Asked::Unknown("psuh".into())),
        ] {
            let words: Vec<_> = words.split(' ').collect();
            assert_eq!(understand(&words), expected, "{words:?}");
        }
        assert_eq!(understand(&[]), Asked::Help);
    }
}
