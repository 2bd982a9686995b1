//! Runs one executable: parses its arguments, and reports results and errors.

use std::io::{self, Write};
use std::process::ExitCode;

use argh::{ArgsInfo, FromArgs};

use super::description::Description;
use super::failure::{CommandFailure, Failures};
use super::progress::without_bar;
use crate::disk::PathError;
use crate::{environment, terminal};

/// An executable.
pub trait Command: FromArgs + ArgsInfo {
    /// Its file name, which its help also uses.
    const NAME: &'static str;

    /// Whether it writes bytes of a file instead of text. If not, characters that control a terminal are escaped.
    const WRITES_BYTES: bool = false;

    /// For an executable without network: the operation that `helm-chart-remote` does in registries if this one is
    /// called with `--remote`.
    const REMOTELY: Option<&'static str> = None;

    /// Does the work of the command, and writes the result to `out`. [`main`] prints the errors that it returns.
    fn run(self, out: &mut dyn Write) -> Result<(), Failures>;
}

/// The `main` function of an executable.
pub fn main<C: Command>() -> ExitCode {
    super::logger::start();
    if let Some(failure) = C::REMOTELY.and_then(super::sibling::work_remotely) {
        return failure.report();
    }
    let arguments = match super::arguments::read(C::NAME, &C::get_args_info()) {
        Ok(found) => found,
        Err(failure) => return failure.report(),
    };
    if let Some(debug) = arguments.debug {
        super::logger::set_debug(debug);
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
            let advice = super::misused::advice(C::NAME, &C::get_args_info(), &arguments.words, &exit.output);
            CommandFailure::usage(super::arguments::one_line(&exit.output)).hint(advice).report()
        }
    }
}

/// Whether debug messages are printed, because of `--debug` or HELM_DEBUG.
pub fn is_debug() -> bool {
    super::logger::is_debug()
}

/// Starts the log with debug messages, for an executable that has a `main` function of its own.
pub fn start_debugging() {
    super::logger::start();
    super::logger::set_debug(true);
}

/// The text of `--help`. `usage` is its first line.
pub fn help(name: &str, info: &argh::CommandInfoWithArgs, usage: &str) -> String {
    let called = environment::called_as().unwrap_or_else(|| name.to_owned());
    let usage = usage.replace(name, &called);
    super::help::render(
        &Description::of(name, info),
        &usage,
        &called,
        super::columns::of_output().unwrap_or(super::help::WIDTH),
    )
}

/// The JSON document of `--describe`.
pub fn describe(name: &str, info: &argh::CommandInfoWithArgs) -> io::Result<String> {
    Description::of(name, info).to_json().map_err(io::Error::other)
}

/// Standard output. Errors name it, except a closed pipe, which is handled as no error.
///
/// Text from a chart or a registry cannot control the terminal: such characters are written as escapes, which mean the
/// same in JSON and YAML strings.
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
        // Each write contains whole characters.
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
    // The progress line is removed at the end.
    without_bar(|| ());
    result.map_or_else(|failures| failures.report(), |()| ExitCode::SUCCESS)
}
