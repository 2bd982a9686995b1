//! `helm-chart-export`: a chart from the local cache into a directory.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cli::{self, Command, Exported, Failure, Failures, Output};
use oci::verbs;

/// Export a chart from the local cache to a directory named like it.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-export -d charts localhost:5000/myrepo/mychart:2.7.0"
)]
struct Export {
    /// host[:port]/repository:tag, or @digest
    #[argh(positional)]
    reference: String,
    /// where to put the directory (default: here)
    #[argh(option, short = 'd', default = "PathBuf::new()", arg_name = "dir")]
    destination: PathBuf,
    /// replace a directory that is there
    #[argh(switch, short = 'f')]
    force: bool,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing but the directory
    #[argh(switch, short = 'q')]
    quiet: bool,
}

impl Command for Export {
    const NAME: &'static str = "helm-chart-export";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let reference = cli::reference(&self.reference)?;
        let (summary, path) = verbs::export(&cli::cache()?, &reference, &self.destination, self.force)
            .map_err(|error| Failure::new(&format!("cannot export {reference}"), &error))?;
        let path = path.display().to_string();
        if self.quiet {
            return Ok(writeln!(out, "{path}")?);
        }
        if self.output != Output::Table {
            let (name, version) = (summary.name, summary.version);
            let document = Exported { reference: reference.to_string(), name, version, path };
            return Ok(cli::write_document(out, self.output, &document)?);
        }
        cli::summary(out, &summary)?;
        Ok(writeln!(out, "Exported to {path}/")?)
    }
}

fn main() -> ExitCode {
    cli::main::<Export>()
}
