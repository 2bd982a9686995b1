//! `helm-chart-remove`: removes references from the local cache, and the blobs that only they needed.

use std::io::Write;
use std::process::ExitCode;

use oci::cache::CacheError;
use oci::cli::{self, Command, CommandFailure, Failures, Output, RemovedReference};

/// Remove charts from the local cache.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-remove localhost:5000/myrepo/mychart:2.7.0",
    example = "helm-chart-remove --remote localhost:5000/myrepo/mychart:2.7.0",
    note = "--remote has flags of its own, which --remote --help shows."
)]
struct Remove {
    /// host[:port]/repository:tag, or @digest; one or more
    #[argh(positional, arg_name = "reference")]
    references: Vec<String>,
    /// remove the tags from their registries, and nothing from the cache
    #[argh(switch)]
    #[allow(dead_code, reason = "main looks for it before anything else")]
    remote: bool,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing
    #[argh(switch, short = 'q')]
    quiet: bool,
}

impl Command for Remove {
    const NAME: &'static str = "helm-chart-remove";
    const REMOTELY: Option<&'static str> = Some("remove");

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let references = cli::references(Self::NAME, &self.references)?;
        let cache = cli::cache()?;
        let removed = cache.remove(&references).map_err(|error| {
            // The error does not name the reference, and there may be several.
            let context = match &error {
                CacheError::OtherDigest { reference, .. } => format!("cannot remove {reference}"),
                _ => String::new(),
            };
            CommandFailure::new(&context, &error)
        })?;
        let outcomes: Vec<_> = references.iter().zip(removed).collect();
        let mut printed = Ok(());
        if self.output != Output::Table {
            let row = |(reference, removed): &(&oci::reference::Reference, bool)| RemovedReference {
                reference: reference.to_string(),
                removed: *removed,
            };
            printed = cli::write_document(out, self.output, &outcomes.iter().map(row).collect::<Vec<_>>());
        }
        let several = outcomes.len() > 1;
        let mut failures = Vec::new();
        for (reference, removed) in outcomes {
            if !removed {
                let failure =
                    CommandFailure::not_found(format!("cannot remove {reference}: not in the cache"));
                // A digest also finds an entry under a tag; only an entry under exactly this name is removed.
                failures.push(match cache.find(reference) {
                    Ok(other) => failure.hint(format!("{} has that digest", other.reference)),
                    Err(_) => failure.hint(cli::instead_of(reference)),
                });
            } else if self.output == Output::Table && !self.quiet && printed.is_ok() {
                // The original program's line, or with several references the whole reference.
                let shown = if several { reference.to_string() } else { reference.tag_or_digest() };
                printed = writeln!(out, "{shown}: removed").map_err(CommandFailure::from);
            }
        }
        failures.extend(printed.err());
        Failures::of(failures)
    }
}

fn main() -> ExitCode {
    cli::main::<Remove>()
}
