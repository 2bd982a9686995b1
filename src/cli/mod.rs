//! The face of every executable: arguments in, results on stdout, everything else on stderr, an exit code.

mod allocator;
mod amounts;
mod arguments;
mod caller;
mod completion;
mod confirm;
mod copied;
mod copies;
mod deletion;
mod description;
mod dispatch;
mod documents;
mod exit_code;
mod failure;
mod filter;
mod foreign;
mod help;
mod hints;
mod human;
mod journal;
mod limit;
mod logger;
mod misused;
mod password;
mod progress;
mod pushes;
mod reference_hints;
mod registry_command;
mod shard;
mod sibling;
mod text;
mod topics;
mod transfer;
mod unknown;
mod version_hints;
mod warnings;
mod words;

use std::io::{self, BufWriter, Write};
use std::process::ExitCode;

use argh::{ArgsInfo, FromArgs};

pub use amounts::{Bytes, Days};
pub use confirm::{confirm, must_be_asked};
pub use copied::{CopiedRow, print_copied};
pub use copies::{Copies, Mapping};
pub use deletion::instead_of_deletion;
pub use description::Description;
pub use dispatch::dispatch;
pub use documents::{
    ChartDocument, Exported, FsckDocument, ImportedRow, PruneDocument, RemotelyRemoved, RemotelyTagged,
    Removed, StatusRow, Works,
};
pub use failure::{Failure, Failures};
pub use filter::Filter;
pub use hints::keyring_choices;
pub use human::{age, bytes, manifests};
pub use journal::Journal;
pub use limit::keep_within_limit;
pub use password::{given_credential, prompted_credential};
use progress::without_bar;
pub use progress::{Meter, waiting};
pub use pushes::{Pushes, swapped};
pub use reference_hints::{instead_of, target_advice};
pub use registry_command::Patience;
pub use shard::Shard;
pub use sibling::pull_by_sibling;
pub use text::{Table, exported, summary, table};
pub use transfer::{Telling, references, transfer};
pub use warnings::{warn_of_missing, warn_of_names};

use crate::cache::Cache;
pub use crate::causes::chain;
use crate::credentials::Account;
use crate::disk::PathError;
use crate::environment;
use crate::reference::Reference;
use crate::terminal;
use crate::yaml_text;

/// One executable.
pub trait Command: FromArgs + ArgsInfo {
    /// Its file name, which is also how its help calls it.
    const NAME: &'static str;

    /// Whether it writes the bytes of a file, and not text.
    const WRITES_BYTES: bool = false;

    /// What an executable with network is told to do in registries, where this one is called with `--remote`.
    const REMOTELY: Option<&'static str> = None;

    /// Does its work. What it returns as an error is printed by [`main`].
    fn run(self, out: &mut dyn Write) -> Result<(), Failures>;
}

/// The whole of an executable's `main`.
pub fn main<C: Command>() -> ExitCode {
    logger::start();
    if let Some(failure) = C::REMOTELY.and_then(sibling::work_remotely) {
        return failure.report();
    }
    let arguments = match arguments::read(C::NAME, &C::get_args_info()) {
        Ok(found) => found,
        Err(failure) => return failure.report(),
    };
    if let Some(debug) = arguments.debug {
        logger::set_debug(debug);
    }
    let mut out = Stdout { out: io::stdout().lock(), is_text: !C::WRITES_BYTES };
    if let [word] = arguments.words.as_slice()
        && word == "--describe"
    {
        let described = describe(C::NAME, &C::get_args_info());
        return conclude(described.and_then(|json| out.write_all(json.as_bytes())).map_err(Failures::from));
    }
    if arguments.want_version {
        let version = writeln!(out, "{} {}", C::NAME, env!("CARGO_PKG_VERSION"));
        return conclude(version.map_err(Failures::from));
    }
    let words: Vec<_> = arguments.words.iter().map(String::as_str).collect();
    match C::from_args(&[C::NAME], &words) {
        Ok(command) => conclude(command.run(&mut out).and_then(|()| Ok(out.flush()?))),
        Err(exit) if exit.status.is_ok() => {
            let usage = exit.output.lines().next().unwrap_or_default();
            let help = help(C::NAME, &C::get_args_info(), usage);
            conclude(out.write_all(help.as_bytes()).map_err(Failures::from))
        }
        Err(exit) => {
            let advice = misused::advice(C::NAME, &C::get_args_info(), &arguments.words, &exit.output);
            Failure::usage(arguments::one_line(&exit.output)).hint(advice).report()
        }
    }
}

/// Whether the user wants to see what is done: by `--debug`, or by HELM_DEBUG.
pub fn is_debug() -> bool {
    logger::is_debug()
}

/// Starts the log of an executable that has a `main` of its own, with all that `--debug` tells.
pub fn start_debugging() {
    logger::start();
    logger::set_debug(true);
}

/// What `--help` prints. `usage` is its first line.
pub fn help(name: &str, info: &argh::CommandInfoWithArgs, usage: &str) -> String {
    let called = environment::called_as().unwrap_or_else(|| name.to_owned());
    let usage = usage.replace(name, &called);
    help::render(&Description::of(name, info), &usage, &called, text::width().unwrap_or(help::WIDTH))
}

/// What `--describe` prints.
pub fn describe(name: &str, info: &argh::CommandInfoWithArgs) -> io::Result<String> {
    Description::of(name, info).to_json().map_err(io::Error::other)
}

/// Standard output, which an error about it names. A closed pipe stays what it is: no error.
///
/// Whatever a chart or a registry brought into a result, it cannot drive the terminal: such characters are spelled as
/// JSON and YAML have them in strings, where they stand for the same.
struct Stdout {
    out: io::StdoutLock<'static>,
    is_text: bool,
}

impl Stdout {
    fn named(source: io::Error) -> io::Error {
        if source.kind() == io::ErrorKind::BrokenPipe || source.kind() == io::ErrorKind::Interrupted {
            return source;
        }
        io::Error::other(PathError { verb: "write", path: "standard output".into(), source })
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.is_text {
            return without_bar(|| self.out.write(bytes)).map_err(Self::named);
        }
        // Each write has whole characters.
        let text = String::from_utf8_lossy(bytes);
        let tame = terminal::tame(&text, &['\n', '\t'], |c| format!("\\u{:04x}", u32::from(c)));
        without_bar(|| self.out.write_all(tame.as_bytes())).map_err(Self::named)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        without_bar(|| self.out.flush()).map_err(Self::named)
    }
}

fn conclude(result: Result<(), Failures>) -> ExitCode {
    // What was shown for the moment goes with it.
    without_bar(|| ());
    result.map_or_else(|failures| failures.report(), |()| ExitCode::SUCCESS)
}

/// The cache that commands work on: `$HELM_HOME/registry`.
pub fn cache() -> Result<Cache, Failure> {
    let root = environment::helm_home()?.join("registry");
    log::debug!("the cache is {}", root.display());
    Ok(Cache::new(root))
}

/// A registry, or a part of one, from the command line.
pub fn account(text: &str) -> Result<Account, Failure> {
    Account::from_argument(text).map_err(|error| Failure::called_wrongly(&error))
}

/// A reference from the command line; one that cannot be read is a wrong call.
pub fn reference(text: &str) -> Result<Reference, Failure> {
    text.parse().map_err(|error| Failure::called_wrongly(&error))
}

/// How a result is to be printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, argh::FromArgValue)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// As one JSON document.
    Json,
    /// As one YAML document.
    Yaml,
}

/// The same for what may be a list without an end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, argh::FromArgValue)]
pub enum ListOutput {
    /// For people.
    #[default]
    Table,
    /// As one JSON document.
    Json,
    /// As one JSON document a line, each as soon as there is something to tell.
    Jsonl,
    /// As one YAML document.
    Yaml,
}

/// A result is printed in one form. `-q` is one of its own.
pub fn one_form(output: Output, quiet: bool) -> Result<(), Failure> {
    match output {
        Output::Json | Output::Yaml if quiet => {
            Err(Failure::usage("-q and -o are two ways to print a result, and only one can be had"))
        }
        _ => Ok(()),
    }
}

/// Writes a result for programs: one document.
pub fn write_document(
    out: &mut dyn Write,
    output: Output,
    document: &impl serde::Serialize,
) -> Result<(), Failure> {
    let text = match output {
        Output::Yaml => yaml_text::document(&serde_json::to_value(document).map_err(io::Error::other)?),
        Output::Json | Output::Table => {
            serde_json::to_string_pretty(document).map_err(io::Error::other)? + "\n"
        }
    };
    Ok(out.write_all(text.as_bytes())?)
}

/// Writes a result for programs that is a list, item by item, as [`write_document`] writes it whole.
pub fn write_list<T: serde::Serialize>(
    out: &mut dyn Write,
    output: Output,
    items: impl Iterator<Item = Result<T, Failure>>,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(64 << 10, out);
    let mut is_empty = true;
    for item in items {
        let item = item?;
        let mut text = String::new();
        if output == Output::Yaml {
            yaml_text::item(&mut text, 0, &serde_json::to_value(item).map_err(io::Error::other)?);
        } else {
            text.push_str(if is_empty { "[" } else { "," });
            // No string of JSON has a line break in it.
            for line in serde_json::to_string_pretty(&item).map_err(io::Error::other)?.lines() {
                text.push_str("\n  ");
                text.push_str(line);
            }
        }
        out.write_all(text.as_bytes())?;
        is_empty = false;
    }
    match (output, is_empty) {
        (_, true) => out.write_all(b"[]\n")?,
        (Output::Yaml, false) => {}
        (_, false) => out.write_all(b"\n]\n")?,
    }
    Ok(out.flush()?)
}
