//! `helm-chart-import`: imports charts that other programs keep into the local cache.

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, Failures, ImportedRow, Output};
use oci::environment;
use oci::reference::Prefix;
use oci::verbs::{self, ImportError, ImportOptions, ImportRow};

/// Import charts into the local cache: the cache of Helm 3.0 to 3.6, or any directory of packages.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-import helm3",
    example = "helm-chart-import ~/.cache/helm/content --as oci://localhost:5000/myrepo",
    note = "helm3 stands for $HELM_CACHE_HOME/registry/cache, where Helm 3.0 to 3.6 keep charts with their references.",
    note = "Of a directory, every .tgz and .chart below it becomes PREFIX/NAME:VERSION, with its provenance file.",
    note = "Packages keep their bytes. The cache of Helm 3.0 to 3.6 has manifests that Helm does not write any more: a push \
            makes today's."
)]
struct Import {
    /// helm3, or a directory of packages
    #[argh(positional, arg_name = "source")]
    from: String,
    /// where the cache of helm3 is, instead of where Helm has it
    #[argh(positional, arg_name = "dir")]
    directory: Option<PathBuf>,
    /// where charts go that bring no reference: [oci://]host[:port][/path]
    #[argh(option, long = "as", arg_name = "prefix")]
    prefix: Option<String>,
    /// replace another chart under the same reference
    #[argh(switch, short = 'f')]
    force: bool,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing but the references that were imported, with the digests that a push will give them
    #[argh(switch, short = 'q')]
    quiet: bool,
}

/// The argument that stands for Helm's cache.
const HELM3: &str = "helm3";

/// The numbers of charts.
#[derive(Default)]
struct Counts {
    imported: usize,
    there: usize,
    unusable: usize,
}

impl Command for Import {
    const NAME: &'static str = "helm-chart-import";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let prefix = self.prefix.as_deref().map(str::parse::<Prefix>).transpose();
        let prefix = prefix.map_err(|error| CommandFailure::called_wrongly(&error))?;
        let epoch =
            environment::source_date_epoch().map_err(|error| CommandFailure::called_wrongly(&error))?;
        let options = ImportOptions { prefix, force: self.force, epoch };
        let cache = cli::cache()?;
        let mut out = BufWriter::new(out);
        let (mut counts, mut rows) = (Counts::default(), Vec::new());
        let (mut failures, mut printed) = (Vec::new(), Ok::<_, CommandFailure>(()));
        let told = |row: ImportRow| {
            if let Some(note) = &row.note {
                log::warn!(target: "oci", "{}: {note}", row.from);
            }
            counts.count(&row);
            if let Err(error) = &row.outcome {
                failures.push(CommandFailure::new(&format!("cannot import {}", row.from), error));
            } else if self.output == Output::Table && printed.is_ok() {
                printed = self.print(&mut out, &row).map_err(CommandFailure::from);
            }
            if self.output != Output::Table {
                rows.push(ImportedRow::of(&row));
            }
        };
        let (from, done) = if self.from == HELM3 {
            let home = || environment::helm_cache().map(|cache| cache.join("registry").join("cache"));
            let from = self.directory.clone().or_else(home).ok_or(environment::NoHome)?;
            let done = verbs::import_helm3(&cache, &from, &options, told);
            (from, done)
        } else {
            if self.directory.is_some() {
                return Err(CommandFailure::usage("one directory can be imported at a time").into());
            }
            let Some(prefix) = &options.prefix else {
                return Err(CommandFailure::usage("packages bring no references")
                    .hint("--as oci://HOST/PATH says where they go: PREFIX/NAME:VERSION")
                    .into());
            };
            let from = PathBuf::from(&self.from);
            let done = verbs::import_packages(&cache, &from, prefix, &options, told);
            (from, done)
        };
        if self.output != Output::Table {
            printed = cli::write_document(&mut out, self.output, &rows);
        } else if !self.quiet && printed.is_ok() {
            printed = writeln!(out, "{counts}").map_err(CommandFailure::from);
        }
        printed = printed.and_then(|()| Ok(out.flush()?));
        // Imported charts count as never pushed, so none of them is removed.
        cli::keep_within_limit(&cache, &[]);
        failures.extend(done.err().map(|error| cannot_import(&from, &error)));
        failures.extend(printed.err());
        Failures::of(failures)
    }
}

impl Counts {
    fn count(&mut self, row: &ImportRow) {
        match &row.outcome {
            Ok(taken) if taken.was_there => self.there += 1,
            Ok(_) => self.imported += 1,
            Err(_) => self.unusable += 1,
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} imported, {} there already, {} not usable", self.imported, self.there, self.unusable)
    }
}

impl Import {
    fn print(&self, out: &mut dyn Write, row: &ImportRow) -> io::Result<()> {
        let (Some(reference), Ok(taken)) = (&row.reference, &row.outcome) else { return Ok(()) };
        match (self.quiet, taken.was_there) {
            (true, _) => writeln!(out, "{reference}@{}", taken.manifest),
            (false, true) => writeln!(out, "{reference}: there already"),
            (false, false) => writeln!(out, "{reference}: imported"),
        }
    }
}

fn cannot_import(from: &Path, error: &ImportError) -> CommandFailure {
    CommandFailure::new(&format!("cannot import {}", from.display()), error)
}

fn main() -> ExitCode {
    cli::main::<Import>()
}
