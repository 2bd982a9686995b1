//! `helm-chart-save`: saves a chart directory or package in the local cache.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::chart::Stamp;
use oci::cli::{self, ChartDocument, Command, CommandFailure, Failures, Meter, Output};
use oci::environment;
use oci::verbs::{self, SaveAs, SaveOptions};
use oci::version::Version;

/// Save a chart directory or a packaged chart in the local cache.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-save mychart/ localhost:5000/myrepo/mychart:2.7.0",
    example = "helm-chart-save mychart/ localhost:5000/myrepo/mychart --version 2.7.1 --app-version 1.16.0",
    note = "A package (.tgz) keeps its bytes, and a provenance file (.tgz.prov) beside it is saved with it.",
    note = "SOURCE_DATE_EPOCH sets the time of all files in the chart; without it that is 1970.",
    note = "Another chart under the same reference is replaced in the cache, pushed or not."
)]
struct Save {
    /// a chart directory, or a packaged chart
    #[argh(positional)]
    path: PathBuf,
    /// host[:port]/repository[:tag]; the tag defaults to the chart's version
    #[argh(positional)]
    reference: String,
    /// the chart's version, instead of the one in Chart.yaml
    #[argh(option, arg_name = "version")]
    version: Option<String>,
    /// the version of what the chart installs, instead of appVersion in Chart.yaml
    #[argh(option, arg_name = "version")]
    app_version: Option<String>,
    /// refuse what Helm would not find: a tag that is not the chart's version, a repository not called like it
    #[argh(switch)]
    strict: bool,
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
        if let Some(swapped) = cli::swapped(&self.path, &self.reference) {
            return Err(swapped.into());
        }
        let reference = cli::reference(&self.reference)?;
        let epoch = environment::source_date_epoch().map_err(|e| CommandFailure::called_wrongly(&e))?;
        // An empty version counts as none, as with Helm.
        let given = |version: Option<String>| version.filter(|version| !version.is_empty());
        let stamp = Stamp { version: given(self.version), app_version: given(self.app_version) };
        if let Some(version) = &stamp.version
            && Version::parse_lenient(version).is_err()
        {
            let message =
                format!("`--version {version}` is no version: expected a semantic version like 1.2.3");
            return Err(CommandFailure::usage(message).into());
        }
        let options = SaveOptions { stamp, epoch, strict: self.strict };
        let meter = Meter::new("Saving", self.quiet);
        let destination = SaveAs::Reference(&reference);
        let cache = cli::cache()?;
        let saved = verbs::save(&cache, &self.path, destination, &options, &|step| meter.step(step))
            .map_err(|error| CommandFailure::new(&format!("cannot save {}", self.path.display()), &error))?;
        drop(meter);
        cli::warn_of_missing(&saved, &self.path);
        cli::warn_of_names(&saved.reference, &saved.summary);
        cli::keep_within_limit(&cache, std::slice::from_ref(&saved.reference));
        if self.quiet {
            return Ok(writeln!(out, "{}@{}", saved.reference, saved.manifest.digest)?);
        }
        if self.output != Output::Table {
            return Ok(cli::write_document(out, self.output, &[ChartDocument::of_saved(&saved)])?);
        }
        cli::summary(out, &saved.summary)?;
        let tag = saved.reference.tag.map(|tag| tag.to_string()).unwrap_or_default();
        Ok(writeln!(out, "{tag}: saved")?)
    }
}

fn main() -> ExitCode {
    cli::main::<Save>()
}
