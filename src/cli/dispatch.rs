//! The dispatcher `helm oci …`: finds the executable for a command and runs it, as git does.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use super::caller::Caller;
use super::completion::Sources;
use super::description::{Description, Positional, Word};
use super::failure::CommandFailure;
use super::words::{self, CommandWord};
use super::{arguments, completion, help, topics, unknown};
use crate::{environment, process, threads};

/// What the words ask for.
#[derive(Debug, PartialEq, Eq)]
enum DispatchedWords {
    /// Run this command; the number says how many words name it.
    Run(&'static CommandWord, usize),
    /// Print the help of this command.
    HelpOf(&'static CommandWord),
    /// Print the help of all commands, or of one group.
    Help(Option<&'static str>),
    Version,
    /// A word that takes no arguments has some.
    TooMuch(String),
    /// Print the completion file for this shell.
    Completion(String),
    /// Print how to get a completion file.
    HelpOfCompletion,
    /// Print this page of the manual.
    Topic(&'static str),
    /// This is not a command.
    Unknown(String),
    /// Help was asked for about something that is not a command.
    NoPage(String),
}

/// The `main` function of the dispatcher.
pub fn dispatch() -> ExitCode {
    super::logger::start();
    let mut words: Vec<OsString> = std::env::args_os().skip(1).collect();
    // `--debug` before the command is the dispatcher's, as git has flags of its own. Behind the command it is the
    // command's.
    while let Some(debug) = words.first().and_then(|word| arguments::debug(word.to_str()?)) {
        super::logger::set_debug(debug);
        words.remove(0);
    }
    let texts: Vec<_> = words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let caller = Caller::find();
    match texts.as_slice() {
        ["__complete", program, rest @ ..] => {
            return print(&completion::complete(program, caller.group, rest, &Installed).to_string());
        }
        ["--describe"] => return describe(),
        _ => {}
    }
    match understand(&texts) {
        DispatchedWords::Run(entry, used) => {
            let called = format!("{} {}", caller.name, texts[..used].join(" "));
            run(entry.executable, &called, &words[used..])
        }
        DispatchedWords::HelpOf(entry) => run(entry.executable, &caller.spell(entry), &["--help".into()]),
        DispatchedWords::Help(group) => print(&overview(&caller, group)),
        DispatchedWords::TooMuch(word) => CommandFailure::usage(format!("`{word}` stands alone")).report(),
        DispatchedWords::HelpOfCompletion => print(&help_of_completion(&caller)),
        DispatchedWords::Version => print(concat!("helm-oci ", env!("CARGO_PKG_VERSION"), "\n")),
        DispatchedWords::Completion(shell) => {
            let group = texts.get(2).and_then(|word| words::group(word));
            match completion::file(&shell, group, &Installed) {
                Some(text) => print(&text),
                None => CommandFailure::usage(format!("there is no completion for `{shell}`"))
                    .hint(format!("{} completion is for {}", caller.name, words::SHELLS.join(", ")))
                    .report(),
            }
        }
        DispatchedWords::Topic(page) => {
            let width = super::columns::of_output().unwrap_or(help::WIDTH).clamp(40, help::WIDTH);
            print(&topics::render(page, width))
        }
        DispatchedWords::NoPage(word) => unknown::page(&caller, &word).report(),
        DispatchedWords::Unknown(word) => {
            let external = format!("helm-oci-{word}");
            if !word.contains(std::path::is_separator)
                && let Some(path) = environment::on_search_path(&external)
            {
                return replace(environment::withhold_logins(&mut Command::new(path)).args(&words[1..]));
            }
            unknown::command(&caller, &word, &texts[1..]).report()
        }
    }
}

fn understand(words: &[&str]) -> DispatchedWords {
    match words {
        [] | ["-h" | "--help" | "help"] => DispatchedWords::Help(None),
        ["version" | "--version"] => DispatchedWords::Version,
        ["version" | "--version", "-h" | "--help"] => DispatchedWords::Help(None),
        [word @ ("version" | "--version"), ..] => DispatchedWords::TooMuch((*word).to_owned()),
        ["completion"] | ["completion", "-h" | "--help" | "help", ..] => DispatchedWords::HelpOfCompletion,
        ["completion", shell, ..] => DispatchedWords::Completion((*shell).to_owned()),
        ["help", topic] if topics::find(topic).is_some() => {
            topics::find(topic).map_or(DispatchedWords::Help(None), DispatchedWords::Topic)
        }
        ["help", rest @ ..] => match understand(rest) {
            DispatchedWords::Run(entry, _) => DispatchedWords::HelpOf(entry),
            DispatchedWords::Completion(_) => DispatchedWords::HelpOfCompletion,
            DispatchedWords::Version => DispatchedWords::Help(None),
            DispatchedWords::Unknown(word) => DispatchedWords::NoPage(word),
            other => other,
        },
        [word, rest @ ..] if words::group(word).is_some() => {
            let group = words::group(word);
            let unknown = |rest: &str| DispatchedWords::Unknown(format!("{word} {rest}"));
            match rest {
                [] | ["-h" | "--help" | "help"] => DispatchedWords::Help(group),
                ["help", rest, ..] => words::find(group, rest).map_or_else(
                    || DispatchedWords::NoPage(format!("{word} {rest}")),
                    DispatchedWords::HelpOf,
                ),
                [rest, ..] => words::find(group, rest)
                    .map_or_else(|| unknown(rest), |entry| DispatchedWords::Run(entry, 2)),
            }
        }
        [word, ..] => words::find(None, word).map_or_else(
            || DispatchedWords::Unknown((*word).to_owned()),
            |entry| DispatchedWords::Run(entry, 1),
        ),
    }
}

/// The help with the commands of one group, or of all.
fn overview(caller: &Caller, group: Option<&'static str>) -> String {
    let width = super::columns::of_output().unwrap_or(help::WIDTH).clamp(40, help::WIDTH);
    let (name, all) = (caller.name, caller.group.or(group).is_none());
    let called = match group {
        Some(group) if caller.group.is_none() => format!("{name} {group}"),
        _ => name.to_owned(),
    };
    let about = words::GROUPS.iter().find(|(known, _)| caller.group.or(group) == Some(*known));
    let about = about.map_or("Helm charts in OCI registries, with a local cache", |(_, about)| about);
    let mut text = format!("Usage: {called} <command> [options]\n\n{about}.\n\nCommands:\n");
    let mut row = |word: &str, summary: &str, column: usize| {
        let indent = if width < 60 { 6 } else { column + 3 };
        let mut folded = String::new();
        help::fold(&mut folded, summary, indent, width);
        match width < 60 {
            true => text += &format!("  {word}\n{folded}"),
            false => text += &format!("  {word:column$} {}", folded.trim_start()),
        }
    };
    for entry in words::of_group(caller.group.or(group)) {
        let alias = if entry.alias.is_empty() { String::new() } else { format!(", {}", entry.alias) };
        let word = format!("{}{alias}", entry.word);
        match all {
            true => row(&format!("{:<10} {word}", entry.group), entry.summary, 25),
            false => row(&word, entry.summary, 14),
        }
    }
    if all {
        words::OWN.iter().for_each(|(word, summary)| row(word, summary, 25));
    }
    text.push('\n');
    if caller.group.is_none() {
        let group = group.unwrap_or("chart");
        let word = if group == "chart" { "push" } else { "login" };
        let note = format!("The group may be left out: {name} {word} is {name} {group} {word}.");
        help::fold(&mut text, &note, 0, width);
    }
    help::fold(&mut text, &format!("{called} help <command> tells more about each."), 0, width);
    help::fold(&mut text, "Each takes --debug, which tells on stderr what is done.", 0, width);
    if all {
        let topics = topics::names().collect::<Vec<_>>().join(", ");
        help::fold(
            &mut text,
            &format!("{name} help <topic> prints a page of the manual: {topics}."),
            0,
            width,
        );
    }
    text
}

fn help_of_completion(caller: &Caller) -> String {
    format!(
        "Usage: {} completion <{}>\n\nPrint a script that completes words in a shell, or what Helm reads for that.\n",
        caller.name,
        words::SHELLS.join("|")
    )
}

/// Prints the description for the man page, for `--describe`.
fn describe() -> ExitCode {
    let commands = words::ENTRIES.iter().map(|entry| Word {
        words: format!("{} {}", entry.group, entry.word),
        alias: entry.alias.to_owned(),
        executable: entry.executable.to_owned(),
        description: entry.summary.to_owned(),
    });
    let description = Description {
        name: "helm-oci".to_owned(),
        description: "Helm charts in OCI registries, with a local cache.".to_owned(),
        positionals: vec![Positional {
            name: "command".to_owned(),
            description: "one of the commands below, then its arguments and flags".to_owned(),
            optional: false,
            repeats: true,
        }],
        commands: commands.collect(),
        notes: vec![
            "The group may be left out: helm oci push is helm oci chart push.".to_owned(),
            "A word that is none of these runs helm-oci-WORD from the PATH, if there is one.".to_owned(),
            "--debug, before a command or behind it, tells on stderr what is done.".to_owned(),
        ],
        ..Description::default()
    };
    match description.to_json() {
        Ok(json) => print(&json),
        Err(error) => CommandFailure::from(error).report(),
    }
}

fn print(text: &str) -> ExitCode {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => CommandFailure::from(error).report(),
    }
}

/// Completion looks at this machine: its executables, its cache and its registries.
struct Installed;

impl Sources for Installed {
    fn describe(&self, executable: &str) -> Option<Description> {
        let known =
            executable == "helm-oci" || words::ENTRIES.iter().any(|entry| entry.executable == executable);
        let path = environment::executable(executable).filter(|_| known)?;
        let output = Command::new(path).arg("--describe").stderr(Stdio::null()).output().ok()?;
        serde_json::from_slice(&output.stdout).ok()
    }

    fn references(&self) -> Vec<String> {
        // Completion shows no errors.
        let references =
            super::given::cache().ok().and_then(|cache| cache.references(|_| {}).ok()).unwrap_or_default();
        references.iter().map(ToString::to_string).collect()
    }

    fn tags(&self, repository: &str) -> Vec<String> {
        // A user who has pressed Tab waits no longer. After that, the tags that are known from an earlier request are
        // used.
        const PATIENCE: Duration = Duration::from_millis(300);
        let ask = |more: &'static [&'static str]| {
            let mut command = Command::new(environment::executable("helm-chart-versions")?);
            command.args(["-q", "--tags", repository]).args(more).stdin(Stdio::null()).stderr(Stdio::null());
            let output = threads::within(PATIENCE, move || command.output()).ok()?.ok()?;
            output.status.success().then_some(output.stdout)
        };
        let found = ask(&["--timeout", "300ms"]).or_else(|| ask(&["--offline"])).unwrap_or_default();
        let text = String::from_utf8_lossy(&found);
        text.lines().filter_map(|line| Some(line.rsplit_once(':')?.1.to_owned())).collect()
    }
}

/// Runs an executable that is next to this one, or else on the PATH.
fn run(executable: &str, called: &str, words: &[OsString]) -> ExitCode {
    match environment::executable(executable) {
        Some(path) => replace(Command::new(path).env(environment::CALLED_AS, called).args(words)),
        None => CommandFailure::not_found(format!("{executable} is not installed"))
            .hint("it belongs beside helm-oci, or on the PATH")
            .report(),
    }
}

/// Replaces this process by the other executable, so that signals and the exit code are its own.
fn replace(command: &mut Command) -> ExitCode {
    let error = process::turn_into(environment::hand_on_debug(command, super::logger::is_debug()));
    CommandFailure::new(&format!("cannot run {}", Path::new(command.get_program()).display()), &error)
        .report()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_their_executable() {
        let entry = |name| words::ENTRIES.iter().find(|entry| entry.executable == name).unwrap();
        let (run, help_of) = (
            |name, used| DispatchedWords::Run(entry(name), used),
            |name| DispatchedWords::HelpOf(entry(name)),
        );
        for (words, expected) in [
            ("chart push a", run("helm-chart-push", 2)),
            ("push a", run("helm-chart-push", 1)),
            ("ls", run("helm-chart-list", 1)),
            ("chart rm a", run("helm-chart-remove", 2)),
            ("serve", run("helm-registry-serve", 1)),
            ("registry serve", run("helm-registry-serve", 2)),
            ("help push", help_of("helm-chart-push")),
            ("help chart push", help_of("helm-chart-push")),
            ("chart help push", help_of("helm-chart-push")),
            ("chart", DispatchedWords::Help(Some("chart"))),
            ("registry --help", DispatchedWords::Help(Some("registry"))),
            ("help registry", DispatchedWords::Help(Some("registry"))),
            ("--help", DispatchedWords::Help(None)),
            ("help", DispatchedWords::Help(None)),
            ("version", DispatchedWords::Version),
            ("--version", DispatchedWords::Version),
            ("--version push a", DispatchedWords::TooMuch("--version".into())),
            ("version --help", DispatchedWords::Help(None)),
            ("completion bash", DispatchedWords::Completion("bash".into())),
            ("help completion", DispatchedWords::HelpOfCompletion),
            ("completion", DispatchedWords::HelpOfCompletion),
            ("completion --help", DispatchedWords::HelpOfCompletion),
            ("registry push", DispatchedWords::Unknown("registry push".into())),
            ("chart psuh", DispatchedWords::Unknown("chart psuh".into())),
            ("psuh", DispatchedWords::Unknown("psuh".into())),
            ("help psuh", DispatchedWords::NoPage("psuh".into())),
            ("chart help psuh", DispatchedWords::NoPage("chart psuh".into())),
            ("", DispatchedWords::Unknown(String::new())),
        ] {
            let words: Vec<_> = words.split(' ').collect();
            assert_eq!(understand(&words), expected, "{words:?}");
        }
        assert_eq!(understand(&[]), DispatchedWords::Help(None));
    }
}
