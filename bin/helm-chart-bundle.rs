//! `helm-chart-bundle`: writes charts into one file, with everything that is attached to them.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use oci::bundle::BundleOutput;
use oci::cli::{self, BundleDocument, Bytes, Command, CommandFailure, Failures, ListOutput, Meter, Output};
use oci::connect;
use oci::reference::Reference;
use oci::threads::in_parallel;
use oci::verbs::{Bundled, Bundling, BundlingError, BundlingOptions, Gathered, Since};

oci::registry_command! {
    /// Bundle charts into one file, with everything that is attached to them.
    #[argh(
        example = "helm-chart-bundle localhost:5000/myrepo/mychart:2.7.0 -o charts.tar",
        example = "helm-chart-bundle localhost:5000/myrepo/mychart:2.7.0 -o - | ssh inside helm-chart-load -",
        note = "The file is an OCI image layout in a tar archive, which oras, skopeo and crane read as well. The same charts \
                make the same file, byte for byte.",
        note = "A chart that is in the cache is taken from there, any other straight from its registry. Signatures, SBOMs and \
                whatever else is attached go along; where the cache does not know what is attached, the registry is asked, \
                and with --offline the line says that it was not.",
        example = "helm-chart-bundle --since charts.tar localhost:5000/myrepo/mychart:2.8.0 -o more.tar",
        note = "If a chart is missing, no file is written. Of several failures the worst counts: 7, 4, 6, 1, 3, 5."
    )]
    login struct Bundle {
        /// what to bundle, host[:port]/repository:tag or @digest, one or more
        #[argh(positional, arg_name = "reference")]
        references: Vec<String>,
        /// the file to write; - is standard output
        #[argh(option, short = 'o', long = "output", arg_name = "file")]
        to: Option<PathBuf>,
        /// leave out what this older bundle has; its index.json, or what `helm-chart-load --inventory` has printed, will do
        /// instead; may be given several times
        #[argh(option, arg_name = "file")]
        since: Vec<PathBuf>,
        /// write parts of at most this size, FILE.000 and so on, and FILE.sums with their digests: 2GiB
        #[argh(option, arg_name = "size")]
        split: Option<Bytes>,
        /// ask no registry for anything
        #[argh(switch)]
        offline: bool,
        /// leave behind what is attached
        #[argh(switch)]
        no_attached: bool,
    } then {
        /// how many charts are looked up at once (default 4)
        #[argh(option, default = "std::num::NonZeroUsize::MIN.saturating_add(3)", arg_name = "n")]
        concurrency: std::num::NonZeroUsize,
        /// print table, json, jsonl or yaml
        #[argh(option, default = "ListOutput::Table", arg_name = "table|json|jsonl|yaml")]
        format: ListOutput,
        /// print nothing but the references with their digests
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Bundle {
    const NAME: &'static str = "helm-chart-bundle";
    const WRITES_BYTES: bool = true;

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        if self.quiet && self.format != ListOutput::Table {
            cli::one_form(Output::Json, true)?;
        }
        let Some(to) = self.to.take() else {
            return Err(CommandFailure::usage("where to?")
                .hint("-o FILE names the file, and -o - is a pipe")
                .into());
        };
        let is_pipe = to.as_os_str() == "-";
        if is_pipe && self.format != ListOutput::Table {
            return Err(CommandFailure::usage("standard output is the bundle's")
                .hint("-o FILE leaves room for --format")
                .into());
        }
        if is_pipe && self.split.is_some() {
            return Err(CommandFailure::usage("a pipe has no parts")
                .hint("-o FILE names what --split cuts")
                .into());
        }
        let mut references = cli::references(Self::NAME, &self.references)?;
        references.sort_by_cached_key(ToString::to_string);
        references.dedup();
        let cache = cli::cache()?;
        let client = connect::connect(&self.login()?, &references).map_err(CommandFailure::from)?;
        let options = BundlingOptions { offline: self.offline, without_attached: self.no_attached };
        let bundling = Bundling::new(&cache, &client, options);
        let mut since = Since::default();
        for older in &self.since {
            let read = since.read(older, &cache);
            read.map_err(|error| failed(&format!("cannot read {}", older.display()), &error))?;
        }
        let gathered = self.gather(&bundling, &references)?;
        let meter = Meter::new("Bundling", self.quiet);
        let shown = to.display().to_string();
        let output = match self.split {
            Some(most) => BundleOutput::in_parts(&to, most.into()),
            None => BundleOutput::open(&to).map_err(CommandFailure::from)?,
        };
        let bundled = bundling.write(gathered, since, output, &|step| meter.step(step));
        let bundled = bundled.map_err(|error| failed(&format!("cannot write {shown}"), &error))?;
        drop(meter);
        let printed = if is_pipe && !self.quiet {
            self.print(&mut io::stderr(), &shown, &bundled)
        } else if is_pipe {
            Ok(())
        } else {
            self.print(out, &shown, &bundled)
        };
        Ok(printed?)
    }
}

impl Bundle {
    /// Collects all charts, or returns all errors.
    fn gather<'a>(
        &self,
        bundling: &Bundling<'a>,
        references: &[Reference],
    ) -> Result<Vec<Gathered<'a>>, Failures> {
        let (mut all, mut failures) = (Vec::with_capacity(references.len()), Vec::new());
        let references: Vec<_> = references.iter().collect();
        let gather = |reference: &&Reference| ((*reference).clone(), bundling.gather(reference));
        in_parallel(&references, self.concurrency.get(), gather, |(reference, result)| match result {
            Ok(gathered) => all.push(gathered),
            Err(error) => failures.push(failed(&format!("cannot bundle {reference}"), &error)),
        });
        Failures::worst_of(failures)?;
        Ok(all)
    }

    fn print(&self, out: &mut dyn Write, file: &str, bundled: &Bundled) -> Result<(), CommandFailure> {
        let document = || BundleDocument::of(file, bundled);
        match self.format {
            ListOutput::Table if self.quiet => {
                for chart in &bundled.charts {
                    let reference = Reference { digest: None, ..chart.reference.clone() };
                    writeln!(out, "{reference}@{}", chart.digest)?;
                }
                Ok(())
            }
            ListOutput::Table => Ok(cli::print_bundled(out, file, bundled, self.no_attached)?),
            ListOutput::Json => cli::write_document(out, Output::Json, &document()),
            ListOutput::Yaml => cli::write_document(out, Output::Yaml, &document()),
            ListOutput::Jsonl => {
                let line = serde_json::to_string(&document())? + "\n";
                Ok(out.write_all(line.as_bytes())?)
            }
        }
    }
}

/// The error about a chart. A closed output is a failure here, because the bundle is not complete.
fn failed(what: &str, error: &BundlingError) -> CommandFailure {
    CommandFailure::new(what, error)
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Bundle>()
}
