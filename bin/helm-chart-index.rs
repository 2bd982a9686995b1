//! `helm-chart-index`: makes a classic chart repository of the charts in a registry.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use oci::cli::{self, Browsing, ClassicDocument, Command, CommandFailure, Failures, Output};
use oci::reference::{Prefix, Reference};
use oci::verbs::{ClassicError, ClassicIndexing, ClassicOptions, RegistryPlace, VersionSelection};

oci::registry_command! {
    /// Make a classic chart repository of the charts of a registry, for clients that know no OCI.
    #[argh(
        example = "helm-chart-index oci://localhost:5000/myrepo --dir public",
        example = "helm-chart-index oci://localhost:5000/myrepo --dir public --urls oci",
        note = "The directory gets an index.yaml, and a package with its provenance file for each version: any web server can \
                serve it, and `helm repo add` reads it. Packages keep their bytes; those that are there already are not fetched \
                again. The same charts make the same index.",
        note = "What the registry has no longer leaves the index, and its package stays. Charts of one name are expected in one \
                repository: others of that name are left out, and the exit code is 5; of several failures the worst counts: \
                7, 4, 6, 1, 3, 5."
    )]
    login struct MakeIndex {
        /// host[:port][/path], below which charts are looked for
        #[argh(positional, arg_name = "place")]
        place: String,
        /// the directory to write, which is made if it is not there
        #[argh(option, arg_name = "directory")]
        dir: PathBuf,
        /// what the index names: files, which are written as well, or oci, which are the references
        #[argh(option, default = "Urls::Files", arg_name = "files|oci")]
        urls: Urls,
        /// versions that this constraint allows
        #[argh(option, arg_name = "constraint")]
        version: Option<String>,
        /// so many of the newest of each chart
        #[argh(option, arg_name = "n")]
        latest: Option<usize>,
        /// how many requests at once (default 8)
        #[argh(option, default = "std::num::NonZeroUsize::MIN.saturating_add(7)", arg_name = "n")]
        concurrency: std::num::NonZeroUsize,
    } then {
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
        /// print nothing but the references, with their digests, of what is new
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

/// What the URLs of an index name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, argh::FromArgValue)]
enum Urls {
    /// Package files next to the index.
    Files,
    /// References of the charts in the registry.
    Oci,
}

impl Command for MakeIndex {
    const NAME: &'static str = "helm-chart-index";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let asked = std::mem::take(&mut self.place);
        let Prefix { host, path } = asked.parse().map_err(|error| CommandFailure::called_wrongly(&error))?;
        let reference = match &path {
            Some(path) => Reference { host: host.clone(), repository: path.clone(), tag: None, digest: None },
            None => {
                format!("oci://{host}/x").parse().map_err(|error| CommandFailure::called_wrongly(&error))?
            }
        };
        let place = RegistryPlace { host, prefix: path };
        let selection = VersionSelection {
            constraint: self.version.take(),
            devel: true,
            all_tags: false,
            most: self.latest,
        };
        let options = ClassicOptions {
            directory: self.dir.clone(),
            selection,
            oci_urls: self.urls == Urls::Oci,
            generated: cli::source_date()?,
        };
        let connection = self.login()?;
        let browsing = Browsing { connection, offline: false, at_once: self.concurrency.get() };
        browsing.browse(&reference, |browser| {
            let failed = |error: ClassicError| CommandFailure::new(&format!("cannot index {asked}"), &error);
            let Some(client) = browser.client else {
                return Err(CommandFailure::not_found("no registry may be asked").into());
            };
            let mut document = ClassicDocument::new(self.dir.join("index.yaml").display().to_string());
            let mut failures = Vec::new();
            let mut indexing = ClassicIndexing::new(browser, client, &options).map_err(failed)?;
            let repositories = indexing.repositories(&place).map_err(failed)?;
            for some in repositories.chunks(self.concurrency.get()) {
                let added = indexing.add(&place, some).map_err(failed)?;
                for (repository, added) in some.iter().zip(added) {
                    match added {
                        Ok(added) => failures.extend(document.add(out, added, self.output, self.quiet)?),
                        Err(error) => {
                            let what = format!("cannot index {}/{repository}", place.host);
                            failures.push(CommandFailure::new(&what, &error));
                        }
                    }
                }
            }
            let is_new = indexing.finish().map_err(failed)?;
            document.end(out, is_new, self.output, self.quiet)?;
            if document.is_empty() && failures.is_empty() {
                return Err(CommandFailure::not_found(format!("{asked} has no charts")).into());
            }
            Failures::worst_of(failures)
        })
    }
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<MakeIndex>()
}
