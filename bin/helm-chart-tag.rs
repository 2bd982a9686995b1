//! `helm-chart-tag`: gives a chart in the local cache another reference.

use std::io::Write;
use std::process::ExitCode;

use oci::cli::{self, ChartDocument, Command, CommandFailure, Failures, Output};
use oci::verbs;

/// Give a chart in the local cache another reference, to push it elsewhere as it is.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-tag localhost:5000/myrepo/mychart:2.7.0 registry.example.com/charts/mychart:2.7.0",
    note = "--remote has flags of its own, which --remote --help shows.",
    note = "Another chart under the second reference is replaced in the cache.",
    note = "A chart that was pulled or pushed keeps its manifest: its digest is the same wherever it is pushed."
)]
struct Tag {
    /// what the chart is called: host[:port]/repository:tag, or @digest
    #[argh(positional)]
    source: String,
    /// what it is to be called, too: host[:port]/repository[:tag]; the tag defaults to the chart's version
    #[argh(positional)]
    target: String,
    /// give the tag in its registry, to what is in a registry
    #[argh(switch)]
    #[allow(dead_code, reason = "main looks for it before anything else")]
    remote: bool,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing but the reference, with its digest if it has been pushed or pulled
    #[argh(switch, short = 'q')]
    quiet: bool,
}

impl Command for Tag {
    const NAME: &'static str = "helm-chart-tag";
    const REMOTELY: Option<&'static str> = Some("tag");

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let source = cli::reference(&self.source)?;
        let target = cli::reference(&self.target).map_err(|failure| {
            match cli::target_advice(Self::NAME, &source, &self.target) {
                Some(advice) => failure.hint(advice),
                None => failure,
            }
        })?;
        if target.digest.is_some() {
            return Err(
                CommandFailure::usage(format!("`{target}` has a digest: a chart is named by a tag")).into()
            );
        }
        let cache = cli::cache()?;
        let tagged = cache
            .tag(&source, &target)
            .map_err(|error| CommandFailure::new(&format!("cannot tag {source}"), &error))?;
        if self.output != Output::Table {
            let document = ChartDocument::of_entry(&verbs::held(&cache, &tagged)?);
            return Ok(cli::write_document(out, self.output, &[document])?);
        }
        match (self.quiet, &tagged.entry.pushed) {
            (false, _) => writeln!(out, "{}: tagged", tagged.reference)?,
            (true, Some(pushed)) => writeln!(out, "{}@{}", tagged.reference, pushed.manifest)?,
            (true, None) => writeln!(out, "{}", tagged.reference)?,
        }
        Ok(())
    }
}

fn main() -> ExitCode {
    cli::main::<Tag>()
}
