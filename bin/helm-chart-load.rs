//! `helm-chart-load`: loads the charts of a bundle, or of another OCI image layout, into the cache or a registry.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use oci::bundle::BundleError;
use oci::cache::CacheError;
use oci::cli::{
    self, Command, CommandFailure, Failures, ListOutput, LoadedRow, Loads, Mapping, Meter, Output,
};
use oci::connect;
use oci::reference::{Prefix, Reference};
use oci::threads::in_parallel;
use oci::verbs::{
    self, LayoutLoading, LoadError, LoadOptions, LoadStatus, LoadTask, LoadTurns, LoadedChart, OpenedLayout,
};

oci::registry_command! {
    /// Load the charts of a bundle, or of an OCI image layout, into the local cache or a registry.
    #[argh(
        example = "helm-chart-load charts.tar",
        example = "helm-chart-load charts.tar --to oci://registry.example.com",
        example = "helm-chart-load backup.tar --as registry.example.com/team/mychart",
        note = "It reads what helm-chart-bundle, oras backup, skopeo, crane, regctl and cosign save write, and the cache of Helm \
                3.0 to 3.6: a tar archive, compressed by gzip or not, a pipe or a directory. Of what `dt wrap` writes it reads the \
                chart.",
        note = "A chart appears when all of it is there, every byte verified, and not before; its manifest keeps its bytes, and \
                so do its signatures. What stands for another chart stays, and the exit code is 5; of several failures the \
                worst counts: 7, 4, 6, 1, 3, 5."
    )]
    login struct Load {
        /// the bundle, a tar archive or a directory; - is standard input
        #[argh(positional, arg_name = "file")]
        file: Option<PathBuf>,
        /// load nothing, and print an index of what the cache has, for `helm-chart-bundle --since`
        #[argh(switch)]
        inventory: bool,
        /// load into this registry, or below this path in it, and keep the names of the repositories
        #[argh(option, arg_name = "prefix")]
        to: Option<Prefix>,
        /// load what lies below OLD into a registry below NEW; of several that fit, the longest OLD counts; may be given several
        /// times
        #[argh(option, arg_name = "old=new")]
        map: Vec<Mapping>,
        /// what a chart is called that has a tag alone, or no name: host[:port]/repository, with a tag if there is one chart
        #[argh(option, long = "as", arg_name = "reference")]
        name: Option<String>,
        /// replace another chart under the same reference
        #[argh(switch)]
        force: bool,
    } then {
        /// how many charts at once (default 4)
        #[argh(option, default = "std::num::NonZeroUsize::MIN.saturating_add(3)", arg_name = "n")]
        concurrency: std::num::NonZeroUsize,
        /// print table, json, jsonl or yaml
        #[argh(option, short = 'o', default = "ListOutput::Table", arg_name = "table|json|jsonl|yaml")]
        output: ListOutput,
        /// print nothing but the references with their digests
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Load {
    const NAME: &'static str = "helm-chart-load";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        if self.quiet && self.output != ListOutput::Table {
            cli::one_form(Output::Json, true)?;
        }
        if self.inventory {
            return self.print_inventory(out);
        }
        let Some(file) = self.file.take() else {
            return Err(CommandFailure::usage("which file? none is given")
                .hint("- is standard input")
                .into());
        };
        let shown = match file.as_os_str() == "-" {
            true if self.password_stdin => {
                return Err(CommandFailure::usage(
                    "standard input is read once: for a bundle, or for a password",
                )
                .into());
            }
            true => "standard input".to_owned(),
            false => file.display().to_string(),
        };
        let name = self.name.take().map(|name| cli::reference(&name)).transpose()?;
        let cache = cli::cache()?;
        let failed = |error: LoadError| CommandFailure::new(&format!("cannot load {shown}"), &error);
        let options = LoadOptions { force: self.force };
        let scratch;
        let mut opened = LayoutLoading::open(&file, &cache, options).map_err(failed)?;
        if let OpenedLayout::Wrapped(chart) = &opened {
            scratch = tempfile::tempdir()?;
            let bundle = cli::rebundled(chart, name.as_ref(), self.to.is_some(), scratch.path(), &cache)?;
            opened = LayoutLoading::open(&bundle, &cache, options).map_err(failed)?;
        }
        let OpenedLayout::Layout(loading) = opened else {
            return Err(failed(BundleError::NoIndex.into()).into());
        };
        let tasks = loading.tasks().to_vec();
        let is_one = tasks.len() == 1;
        let loads = Loads { to: self.to.as_ref(), maps: &self.map, name: name.as_ref(), is_one };
        let placed: Vec<_> = tasks.into_iter().map(|task| (loads.place(&task), task)).collect();
        let is_sent = self.to.is_some() || !self.map.is_empty();
        let places: Vec<_> = placed.iter().filter_map(|(place, _)| place.as_ref().ok()).cloned().collect();
        let loading = match is_sent {
            true => {
                let client = connect::connect(&self.login()?, &places).map_err(CommandFailure::from)?;
                loading.to_registries(&client)
            }
            false => *loading,
        };
        let mut told = Told { load: &self, is_sent, rows: Vec::new(), counts: [0; 3], printed: Ok(()) };
        let mut failures = Vec::new();
        let meter = Meter::new("Loading", self.quiet);
        let turns =
            LoadTurns::new(placed.iter().map(|(place, task)| (place.as_ref().ok(), &task.manifest.digest)));
        let (placed, mut unplaced): (Vec<_>, Vec<_>) = (placed.into_iter().enumerate())
            .map(|(number, (place, task))| match place {
                Ok(to) => ((number, Some(to), task), None),
                Err(failure) => ((number, None, task), Some(failure)),
            })
            .unzip();
        let load = |(number, to, task): &(usize, Option<Reference>, LoadTask)| {
            let _turn = turns.wait(*number);
            let loaded = to.as_ref().map(|to| loading.load(task, to, &|step| meter.step(step)));
            (*number, loaded)
        };
        in_parallel(&placed, self.concurrency.get(), load, |(number, loaded)| {
            let Some((_, to, task)) = placed.get(number) else { return };
            let name = to.as_ref().map(ToString::to_string);
            let loaded = match (loaded, unplaced.get_mut(number).and_then(Option::take)) {
                (Some(loaded), _) => loaded.map_err(|error| {
                    let what = name.as_deref().unwrap_or_default();
                    CommandFailure::new(&format!("cannot load {what}"), &error)
                }),
                (None, Some(failure)) => Err(failure),
                (None, None) => return,
            };
            told.tell(out, task, name, &loaded);
            failures.extend(loaded.err());
        });
        drop(meter);
        failures.extend(loading.finish().map_err(failed).err());
        failures.extend(told.end(out).err());
        if !is_sent {
            cli::keep_within_limit(&cache, &places);
        }
        Failures::worst_of(failures)
    }
}

impl Load {
    fn print_inventory(&self, out: &mut dyn Write) -> Result<(), Failures> {
        if self.file.is_some() || self.to.is_some() || !self.map.is_empty() {
            return Err(CommandFailure::usage("--inventory is of the cache alone, and loads nothing").into());
        }
        let missed = |what: &str, error: &CacheError| CommandFailure::new(what, error).warn();
        let text = verbs::inventory(&cli::cache()?, missed).map_err(CommandFailure::from)?;
        out.write_all(&text)?;
        Ok(writeln!(out)?)
    }
}

/// The results that have been reported so far.
struct Told<'a> {
    load: &'a Load,
    is_sent: bool,
    rows: Vec<LoadedRow>,
    /// The numbers of loaded, updated and current charts.
    counts: [usize; 3],
    printed: io::Result<()>,
}

impl Told<'_> {
    fn tell(
        &mut self,
        out: &mut dyn Write,
        task: &LoadTask,
        name: Option<String>,
        loaded: &Result<LoadedChart, CommandFailure>,
    ) {
        if let Ok(loaded) = loaded {
            let place = match loaded.status {
                LoadStatus::Loaded => 0,
                LoadStatus::Updated => 1,
                LoadStatus::Current => 2,
            };
            if let Some(count) = self.counts.get_mut(place) {
                *count += 1;
            }
        }
        if self.load.output == ListOutput::Table {
            if let (Ok(loaded), Ok(())) = (loaded, &self.printed) {
                self.printed = self.print(out, loaded);
            }
            return;
        }
        let row = match loaded {
            Ok(loaded) => LoadedRow::of(loaded, self.is_sent),
            Err(failure) => LoadedRow::failed(name, &task.manifest.digest, failure),
        };
        match self.load.output {
            ListOutput::Jsonl if self.printed.is_ok() => self.printed = write_line(out, &row),
            ListOutput::Jsonl => {}
            _ => self.rows.push(row),
        }
    }

    fn print(&self, out: &mut dyn Write, loaded: &LoadedChart) -> io::Result<()> {
        if self.load.quiet {
            let reference = Reference { digest: None, ..loaded.reference.clone() };
            return writeln!(out, "{reference}@{}", loaded.digest);
        }
        cli::print_loaded(out, loaded, self.is_sent)
    }

    fn end(self, out: &mut dyn Write) -> Result<(), CommandFailure> {
        match self.load.output {
            ListOutput::Json => return cli::write_document(out, Output::Json, &self.rows),
            ListOutput::Yaml => return cli::write_document(out, Output::Yaml, &self.rows),
            ListOutput::Table | ListOutput::Jsonl => self.printed?,
        }
        if self.load.output == ListOutput::Table && !self.load.quiet {
            let [loaded, added, current] = self.counts;
            let verb = if self.is_sent { "copied" } else { "loaded" };
            let added = if added > 0 { format!("{added} added to, ") } else { String::new() };
            writeln!(out, "{loaded} {verb}, {added}{current} up to date")?;
        }
        Ok(())
    }
}

fn write_line(out: &mut dyn Write, row: &LoadedRow) -> io::Result<()> {
    let line = serde_json::to_string(row)? + "\n";
    out.write_all(line.as_bytes())?;
    out.flush()
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Load>()
}
