//! `helm-chart-push`: charts from the local cache to their registries.

use std::io::Write;
use std::process::ExitCode;

use oci::cli::{self, Command, Failure, Failures, Meter, Output};
use oci::{connect, environment, verbs};

oci::registry_command! {
    /// Push charts from the local cache to their registries.
    #[argh(
        example = "helm-chart-push localhost:5000/myrepo/mychart:2.7.0",
        note = "A chart that was pulled, or pushed before, keeps its manifest: its digest is the same everywhere."
    )]
    struct Push {
        /// host[:port]/repository:tag; one or more
        #[argh(positional, arg_name = "reference")]
        references: Vec<String>,
    }
}

impl Command for Push {
    const NAME: &'static str = "helm-chart-push";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        if self.references.is_empty() {
            return Err(Failure::usage("which reference? none is given").into());
        }
        let references =
            self.references.iter().map(|text| cli::reference(text)).collect::<Result<Vec<_>, _>>()?;
        let (cache, client) = (cli::cache()?, connect::connect(&self.login()?).map_err(Failure::from)?);
        let epoch = environment::source_date_epoch().map_err(|e| Failure::called_wrongly(&e))?;
        let meter = Meter::new("Pushing", self.quiet);
        let (mut documents, mut failures) = (Vec::new(), Vec::new());
        let push = |reference: &_| verbs::push(&cache, &client, reference, epoch, &|step| meter.step(step));
        let mut printed = Ok(());
        cli::in_parallel(
            &references,
            self.concurrency,
            |r| (r.clone(), push(r)),
            |(reference, result)| match result {
                Err(error) => failures.push(Failure::new(&format!("cannot push {reference}"), &error)),
                Ok(pushed) if self.output != Output::Table && !self.quiet => {
                    documents.push(cli::chart_document(
                        &pushed.reference,
                        &pushed.summary,
                        &pushed.metadata,
                        [&pushed.manifest, &pushed.config, &pushed.chart],
                        pushed.up_to_date,
                    ));
                }
                Ok(pushed) if printed.is_ok() => printed = self.print(out, &pushed),
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

impl Push {
    fn print(&self, out: &mut dyn Write, pushed: &verbs::Pushed) -> std::io::Result<()> {
        if self.quiet {
            let digest = &pushed.manifest.digest;
            return writeln!(
                out,
                "{}@{digest}",
                oci::reference::Reference { digest: None, ..pushed.reference.clone() }
            );
        }
        let name = pushed.reference.name();
        writeln!(out, "The push refers to repository [{}]", name.strip_prefix("oci://").unwrap_or(&name))?;
        cli::summary(out, &pushed.summary)?;
        let parts =
            [&pushed.summary.meta, &pushed.summary.content].into_iter().chain(&pushed.summary.provenance);
        let (layers, size) = parts.fold((0, 0), |(count, size), part| (count + 1, size + part.size));
        let tag =
            pushed.reference.tag.as_ref().map(ToString::to_string).or_else(|| pushed.reference.target());
        let tag = tag.unwrap_or_default();
        writeln!(out, "{tag}: pushed to remote ({layers} layers, {} total)", cli::bytes(size))?;
        writeln!(out, "Digest: {}", pushed.manifest.digest)
    }
}

fn main() -> ExitCode {
    cli::main::<Push>()
}
