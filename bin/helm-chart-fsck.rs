//! `helm-chart-fsck`: checks the local cache, and repairs what can be repaired.

use std::io::{self, Write};
use std::process::ExitCode;

use oci::cache::CacheError;
use oci::causes::chain;
use oci::cli::{self, Command, CommandFailure, Failures, FsckDocument, Meter, Output};
use oci::connect;
use oci::reference::Reference;
use oci::verbs::{self, Finding, Findings, FsckError};

oci::registry_command! {
    /// Check that the local cache is whole, every byte of it, and repair it.
    #[argh(
        example = "helm-chart-fsck",
        example = "helm-chart-fsck --repair localhost:5000/myrepo/mychart:2.7.0",
        note = "Ends with 7 if a reference cannot be used as it is. Blobs that no reference needs are listed, and are no damage.",
        note = "--repair fetches damaged and missing blobs again, by the digest that the chart was pushed or pulled as, and \
removes what no reference needs. It removes no reference."
    )]
    login struct Fsck {
        /// host[:port]/repository:tag, or @digest; none means the whole cache
        #[argh(positional, arg_name = "reference")]
        references: Vec<String>,
        /// fetch again what is damaged or missing, and clear away what no reference needs
        #[argh(switch)]
        repair: bool,
    } then {
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
        /// print nothing but the references that cannot be used as they are
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Fsck {
    const NAME: &'static str = "helm-chart-fsck";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let references: Vec<_> =
            self.references.iter().map(|text| cli::reference(text)).collect::<Result<_, _>>()?;
        let connection = self.login()?;
        let cache = cli::cache()?;
        let context = |error: CacheError| match &error {
            CacheError::NoTag(reference) => CommandFailure::new(&format!("cannot check {reference}"), &error),
            _ => CommandFailure::new("cannot check the cache", &error),
        };
        let mut findings = verbs::fsck(&cache, &references).map_err(context)?;
        if self.repair && !findings.found.is_empty() {
            let broken: Vec<_> =
                findings.found.iter().flat_map(|found| found.problem.references.clone()).collect();
            let client = connect::connect(&connection, &broken).map_err(CommandFailure::from)?;
            let meter = Meter::new("Pulling", self.quiet);
            let failed = |reference: &Reference, error: &FsckError| {
                log::warn!(target: "oci", "cannot repair {reference}: {}", chain(error));
            };
            let step = |step| meter.step(step);
            verbs::repair(&cache, &client, &references, &mut findings, &step, failed).map_err(context)?;
        }
        let printed = if findings.references == 0 && !references.is_empty() {
            Ok(())
        } else if self.quiet {
            print_references(out, &findings).map_err(CommandFailure::from)
        } else if self.output == Output::Table {
            print(out, &findings).map_err(CommandFailure::from)
        } else {
            cli::write_document(out, self.output, &FsckDocument::of(&findings))
        };
        let verdict = findings.verdict().map_err(|error| {
            let failure = CommandFailure::new("", &error);
            // After `--repair`, the hint to use it would not help.
            match self.repair && matches!(error, FsckError::References { .. }) {
                true => failure.hint("pull or save them again, or remove them"),
                false => failure,
            }
        });
        let mut failures = failures(&references, &findings, verdict.err());
        // The result stands, even if the output was closed.
        failures.extend(printed.err());
        Failures::of(failures)
    }
}

/// The failures, in the order of the references: the first decides the exit code.
fn failures(
    references: &[Reference],
    findings: &Findings,
    verdict: Option<CommandFailure>,
) -> Vec<CommandFailure> {
    let mut verdict = verdict;
    let broken = findings.broken();
    let mut failures = Vec::new();
    let mut absent = findings.absent.iter().peekable();
    for reference in references {
        if broken.contains(reference) {
            failures.extend(verdict.take());
        }
        if let Some((_, error)) = absent.next_if(|(absent, _)| absent == reference) {
            failures.push(CommandFailure::new(&format!("cannot check {reference}"), error));
        }
    }
    failures.extend(verdict);
    failures
}

fn print(out: &mut dyn Write, findings: &Findings) -> io::Result<()> {
    for Finding { problem, repaired } in &findings.found {
        let mended = match (repaired, problem.references.is_empty()) {
            (true, true) => " (removed)",
            (true, false) => " (repaired)",
            (false, _) => "",
        };
        if problem.references.is_empty() {
            writeln!(out, "{}{mended}", problem.fault)?;
        }
        for reference in &problem.references {
            writeln!(out, "{reference}: {}{mended}", problem.fault)?;
        }
    }
    let wrong = findings.found.iter().filter(|f| !f.repaired && !f.problem.fault.is_litter()).count();
    let verdict = if wrong == 0 { "all is well" } else { "not all is well" };
    let size = cli::bytes(findings.size);
    let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (references, blobs) = (count(findings.references, "reference"), count(findings.blobs, "blob"));
    writeln!(out, "{references}, {blobs}, {size}: {verdict}")
}

fn print_references(out: &mut dyn Write, findings: &Findings) -> io::Result<()> {
    let wrong = findings.found.iter().filter(|found| !found.repaired);
    let mut references: Vec<_> = wrong.flat_map(|f| &f.problem.references).map(ToString::to_string).collect();
    references.sort();
    references.dedup();
    references.iter().try_for_each(|reference| writeln!(out, "{reference}"))
}

fn main() -> ExitCode {
    cli::main::<Fsck>()
}
