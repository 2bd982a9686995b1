//! `helm-chart-export`: writes a chart of the local cache into a directory.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cache::{Cache, CacheError};
use oci::cli::{self, Command, CommandFailure, Exported, Failures, Output};
use oci::reference::Reference;
use oci::verbs::{self, ExportError, Summary};

/// Export a chart from the local cache to a directory named like it; one that is not there is pulled first.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-export -d charts localhost:5000/myrepo/mychart:2.7.0",
    note = "--package writes NAME-VERSION.tgz, as helm pull leaves it, and its provenance file if there is one.",
    note = "What the cache has is not looked for in the registry; helm-chart-pull does that.",
    note = "What it has not is pulled as helm-chart-pull does without flags: by the stored login, or HELM_OCI_USERNAME and HELM_OCI_PASSWORD."
)]
struct Export {
    /// host[:port]/repository[:tag], or @digest; without a tag the newest version
    #[argh(positional)]
    reference: String,
    /// where to put the directory (default: here)
    #[argh(option, short = 'd', default = "PathBuf::new()", arg_name = "dir")]
    destination: PathBuf,
    /// write a package (.tgz) instead of a directory
    #[argh(switch)]
    package: bool,
    /// replace what is there
    #[argh(switch, short = 'f')]
    force: bool,
    /// pull nothing: what is not in the cache is not found
    #[argh(switch)]
    offline: bool,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing but the directory or the package
    #[argh(switch, short = 'q')]
    quiet: bool,
}

impl Command for Export {
    const NAME: &'static str = "helm-chart-export";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let reference = cli::reference(&self.reference)?;
        let cache = cli::cache()?;
        let failed = |error: &ExportError| CommandFailure::new(&format!("cannot export {reference}"), error);
        let (reference, (summary, path)) = match self.write(&cache, &reference) {
            Ok(written) => (reference.clone(), written),
            // Without a tag the newest version is pulled, as `pull` does.
            Err(ExportError::Cache(CacheError::NotFound(_) | CacheError::NoTag(_))) if !self.offline => {
                let pulled = cli::pull_by_sibling(&reference)?;
                let written = self.write(&cache, &pulled).map_err(|error| failed(&error))?;
                (pulled, written)
            }
            Err(error) => return Err(failed(&error).into()),
        };
        if self.quiet {
            return Ok(writeln!(out, "{}", path.display())?);
        }
        if self.output != Output::Table {
            let (name, version, path) = (summary.name, summary.version, path.display().to_string());
            let document = Exported { reference: reference.to_string(), name, version, path };
            return Ok(cli::write_document(out, self.output, &[document])?);
        }
        cli::summary(out, &summary)?;
        Ok(cli::exported(out, &path)?)
    }
}

impl Export {
    fn write(&self, cache: &Cache, reference: &Reference) -> Result<(Summary, PathBuf), ExportError> {
        match self.package {
            true => verbs::package(cache, reference, &self.destination, self.force),
            false => verbs::export(cache, reference, &self.destination, self.force),
        }
    }
}

fn main() -> ExitCode {
    cli::main::<Export>()
}
