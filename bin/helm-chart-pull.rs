//! `helm-chart-pull`: charts from their registries into the local cache.

use std::io::{self, Write};
use std::process::ExitCode;

use oci::cli::{self, Command, Failure, Failures, Meter};
use oci::connect;
use oci::reference::{Reference, Tag};
use oci::verbs::{self, Transferred};

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
        cli::one_form(self.output, self.quiet)?;
        let references = cli::references(Self::NAME, &self.references)?;
        let other = |version: &str| {
            let asked = Tag::of_version(version).ok();
            references.iter().find(|r| r.target().is_some() && (r.tag.is_none() || r.tag != asked))
        };
        if let Some(pinned) = self.version.as_deref().and_then(other) {
            return Err(Failure::usage(format!(
                "{pinned} is one version already, and --version asks for another"
            ))
            .into());
        }
        // Helm, too, lets --version win (pkg/action/install.go).
        let connection = self.login()?;
        let constraint = self.version.as_deref().or(self.devel.then_some(">0.0.0-0"));
        let cache = cli::cache()?;
        let client = connect::connect(&connection, &references).map_err(Failure::from)?;
        let meter = Meter::new("Pulling", self.quiet);
        let pull = |reference: &Reference| {
            let reference = verbs::resolve(&client, reference, constraint)?;
            verbs::pull(&cache, &client, &reference, &|step| meter.step(step))
        };
        cli::transfer(out, "pull", &references, self.telling(), pull, print)
    }
}

fn print(out: &mut dyn Write, pulled: &Transferred) -> io::Result<()> {
    let name = pulled.reference.name();
    let from = name.strip_prefix("oci://").unwrap_or(&name);
    writeln!(out, "{}: Pulling from {from}", pulled.reference.tag_or_digest())?;
    cli::summary(out, &pulled.summary)?;
    match pulled.up_to_date {
        true => writeln!(out, "Status: Chart is up to date for {}", pulled.reference)?,
        false => writeln!(out, "Status: Downloaded newer chart for {}", pulled.reference)?,
    }
    writeln!(out, "Digest: {}", pulled.manifest.digest)
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Pull>()
}
