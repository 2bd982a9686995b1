//! `helm-chart-pull`: pulls charts from their registries into the local cache, and from there into files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use oci::cache::Cache;
use oci::cli::{self, Command, CommandFailure, Failures, Meter};
use oci::connect;
use oci::reference::{Reference, Tag};
use oci::verbs::{self, ExportError, PullError, PullOptions, Transferred};
use oci::version::DEVEL;

oci::registry_command! {
    /// Pull charts from their registries into the local cache.
    #[argh(
        example = "helm-chart-pull localhost:5000/myrepo/mychart:2.7.0",
        example = "helm-chart-pull localhost:5000/myrepo/mychart --version \"^2.0\"",
        example = "helm-chart-pull localhost:5000/myrepo/mychart --untar -d charts",
        example = "helm-chart-pull --attached localhost:5000/myrepo/mychart:2.7.0",
        note = "Without a tag the newest version that is no prerelease is pulled.",
        note = "With --attached, push and tag carry on what was taken along, and remove lets go of it.",
        note = "--destination leaves NAME-VERSION.tgz there, and its provenance file; with --untar, a directory."
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
        /// write the package into this directory, too
        #[argh(option, short = 'd', arg_name = "dir")]
        destination: Option<PathBuf>,
        /// unpack it, here or in --destination
        #[argh(switch)]
        untar: bool,
        /// where to unpack it, below --destination
        #[argh(option, arg_name = "dir")]
        untardir: Option<PathBuf>,
        /// take along what is attached to it: signatures, attestations, SBOMs
        #[argh(switch)]
        attached: bool,
        /// replace files that are there
        #[argh(switch, short = 'f')]
        force: bool,
        /// a provenance file is always taken along
        #[argh(switch, hidden_help)]
        #[allow(dead_code, reason = "Helm has it, and scripts that are used to it need not change")]
        prov: bool,
    }
}

/// Why a chart was not pulled, or not written to its destination.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Pull(#[from] PullError),
    #[error("it is in the cache now, but cannot be written")]
    Write(#[from] ExportError),
}

impl Command for Pull {
    const NAME: &'static str = "helm-chart-pull";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let references = cli::references(Self::NAME, &self.references)?;
        let other = |version: &str| {
            let asked = Tag::of_version(version).ok();
            references.iter().find(|r| r.target().is_some() && (r.tag.is_none() || r.tag != asked))
        };
        if let Some(pinned) = self.version.as_deref().and_then(other) {
            return Err(CommandFailure::usage(format!(
                "{pinned} is one version already, and --version asks for another"
            ))
            .into());
        }
        let connection = self.login()?;
        // With Helm, too, --version takes precedence (pkg/action/install.go).
        let constraint = self.version.as_deref().or(self.devel.then_some(DEVEL));
        let cache = cli::cache()?;
        let client = connect::connect(&connection, &references).map_err(CommandFailure::from)?;
        let meter = Meter::new("Pulling", self.quiet);
        let pull = |reference: &Reference| -> Result<_, Error> {
            let reference = verbs::resolve(&client, reference, constraint)?;
            let options = PullOptions { attached: self.attached };
            let pulled = verbs::pull(&cache, &client, &reference, options, &|step| meter.step(step))?;
            let written = self.write(&cache, &pulled.reference)?;
            Ok(Transferred { written, ..pulled })
        };
        let print = |out: &mut dyn Write, pulled: &Transferred| self.print(out, pulled);
        let done = cli::transfer(out, "pull", &references, self.telling(), pull, print);
        cli::keep_within_limit(&cache, &references);
        done
    }
}

impl Pull {
    /// Writes what was pulled to where the flags say, as Helm does (pkg/action/pull.go).
    fn write(&self, cache: &Cache, reference: &Reference) -> Result<Option<PathBuf>, ExportError> {
        let here = PathBuf::new();
        let destination = self.destination.as_ref().unwrap_or(&here);
        if self.untar || self.untardir.is_some() {
            let directory = destination.join(self.untardir.as_deref().unwrap_or(Path::new("")));
            return Ok(Some(verbs::export(cache, reference, &directory, self.force)?.1));
        }
        match &self.destination {
            Some(destination) => Ok(Some(verbs::package(cache, reference, destination, self.force)?.1)),
            None => Ok(None),
        }
    }

    fn print(&self, out: &mut dyn Write, pulled: &Transferred) -> io::Result<()> {
        let name = pulled.reference.name();
        let from = name.strip_prefix("oci://").unwrap_or(&name);
        writeln!(out, "{}: Pulling from {from}", pulled.reference.tag_or_digest())?;
        cli::summary(out, &pulled.summary)?;
        match pulled.up_to_date {
            true => writeln!(out, "Status: Chart is up to date for {}", pulled.reference)?,
            false => writeln!(out, "Status: Downloaded newer chart for {}", pulled.reference)?,
        }
        writeln!(out, "Digest: {}", pulled.manifest.digest)?;
        if self.attached {
            writeln!(out, "Attached: {}", cli::manifests(pulled.attached))?;
        }
        match &pulled.written {
            Some(path) => cli::exported(out, path),
            None => Ok(()),
        }
    }
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Pull>()
}
