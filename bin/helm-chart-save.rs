//! `helm-chart-save`: a chart directory or package into the local cache.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cli::{self, Command, Failure, Failures, Meter, Output};
use oci::{environment, verbs};

/// Save a chart directory or a packaged chart in the local cache.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-save mychart/ localhost:5000/myrepo/mychart:2.7.0",
    note = "A package (.tgz) keeps its bytes, and a provenance file (.tgz.prov) beside it is saved with it.",
    note = "SOURCE_DATE_EPOCH sets the time of all files in the chart; without it that is 1970."
)]
struct Save {
    /// a chart directory, or a packaged chart
    #[argh(positional)]
    path: PathBuf,
    /// host[:port]/repository[:tag]; the tag defaults to the chart's version
    #[argh(positional)]
    reference: String,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing but the reference with the digest that a push will give it
    #[argh(switch, short = 'q')]
    quiet: bool,
}

impl Command for Save {
    const NAME: &'static str = "helm-chart-save";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let reference = cli::reference(&self.reference)?;
        let epoch = environment::source_date_epoch().map_err(|e| Failure::called_wrongly(&e))?;
        let meter = Meter::new("Saving", self.quiet);
        let saved = verbs::save(&cli::cache()?, &self.path, &reference, epoch, &|step| meter.step(step))
            .map_err(|error| Failure::new(&format!("cannot save {}", self.path.display()), &error))?;
        drop(meter);
        if !saved.missing.is_empty() {
            log::warn!(
                target: "oci",
                "{} declares dependencies that are missing in charts/: {}",
                saved.summary.name,
                saved.missing.join(", ")
            );
            log::warn!(target: "hint", "helm dependency build {}", self.path.display());
        }
        if self.quiet {
            return Ok(writeln!(out, "{}@{}", saved.reference, saved.manifest.digest)?);
        }
        if self.output != Output::Table {
            return Ok(cli::write_document(out, self.output, &cli::saved_document(&saved))?);
        }
        cli::summary(out, &saved.summary)?;
        let tag = saved.reference.tag.map(|tag| tag.to_string()).unwrap_or_default();
        Ok(writeln!(out, "{tag}: saved")?)
    }
}

fn main() -> ExitCode {
    cli::main::<Save>()
}
