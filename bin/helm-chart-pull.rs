//! `helm-chart-pull`: charts from their registries into the local cache.

use std::io::Write;
use std::process::ExitCode;

use oci::cli::{self, Command, Failure, Failures, Meter, Output};
use oci::reference::Reference;
use oci::{connect, verbs};

oci::registry_command! {
    /// Pull charts from their registries into the local cache.
    #[argh(
        example = "helm-chart-pull localhost:5000/myrepo/mychart:2.7.0",
        example = "helm-chart-pull localhost:5000/myrepo/mychart --version \"^2.0\"",
        note = "Without a tag the newest version that is no prerelease is pulled."
    )]
    struct Pull {
        /// host[:port]/repository[:tag][@digest]; one or more
        #[argh(positional, arg_name = "reference")]
        references: Vec<String>,
        /// pull the newest version that this constraint allows
        #[argh(option, arg_name = "constraint")]
        version: Option<String>,
        /// take prereleases, too: the same as --version ">0.0.0-0"
        #[argh(switch)]
        devel: bool,
    }
}

impl Command for Pull {
    const NAME: &'static str = "helm-chart-pull";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        if self.references.is_empty() {
            return Err(Failure::usage("which reference? none is given").into());
        }
        let references =
            self.references.iter().map(|text| cli::reference(text)).collect::<Result<Vec<_>, _>>()?;
        if let Some(pinned) =
            references.iter().find(|r| r.target().is_some()).filter(|_| self.version.is_some())
        {
            return Err(Failure::usage(format!(
                "{pinned} is one version already, and --version asks for another"
            ))
            .into());
        }
        // Helm, too, lets --version win (pkg/action/install.go).
        let connection = self.login()?;
        let constraint = self.version.as_deref().or(self.devel.then_some(">0.0.0-0"));
        let (cache, client) = (cli::cache()?, connect::connect(&connection).map_err(Failure::from)?);
        let meter = Meter::new("Pulling", self.quiet);
        let (mut documents, mut failures) = (Vec::new(), Vec::new());
        let pull = |reference: &Reference| {
            let reference = verbs::resolve(&client, reference, constraint)?;
            verbs::pull(&cache, &client, &reference, &|step| meter.step(step))
        };
        let mut printed = Ok(());
        cli::in_parallel(
            &references,
            self.concurrency,
            |r| (r.clone(), pull(r)),
            |(reference, result)| match result {
                Err(error) => failures.push(Failure::new(&format!("cannot pull {reference}"), &error)),
                Ok(pulled) if self.output != Output::Table && !self.quiet => {
                    documents.push(cli::chart_document(
                        &pulled.reference,
                        &pulled.summary,
                        &pulled.metadata,
                        [&pulled.manifest, &pulled.config, &pulled.chart],
                        pulled.up_to_date,
                    ));
                }
                Ok(pulled) if printed.is_ok() => printed = self.print(out, &pulled),
                Ok(_) => {}
            },
        );
        drop(meter);
        printed?;
        if self.output != Output::Table && !self.quiet && !documents.is_empty() {
            cli::write_documents(out, self.output, documents, references.len() == 1)?;
        }
        Failures::of(failures)
    }
}

impl Pull {
    fn print(&self, out: &mut dyn Write, pulled: &verbs::Pulled) -> std::io::Result<()> {
        let without_digest = Reference { digest: None, ..pulled.reference.clone() };
        if self.quiet {
            return writeln!(out, "{without_digest}@{}", pulled.manifest.digest);
        }
        let name = pulled.reference.name();
        let tag =
            pulled.reference.tag.as_ref().map(ToString::to_string).or_else(|| pulled.reference.target());
        let from = name.strip_prefix("oci://").unwrap_or(&name);
        writeln!(out, "{}: Pulling from {from}", tag.unwrap_or_default())?;
        cli::summary(out, &pulled.summary)?;
        match pulled.up_to_date {
            true => writeln!(out, "Status: Chart is up to date for {}", pulled.reference)?,
            false => writeln!(out, "Status: Downloaded newer chart for {}", pulled.reference)?,
        }
        writeln!(out, "Digest: {}", pulled.manifest.digest)
    }
}

fn main() -> ExitCode {
    cli::main::<Pull>()
}
