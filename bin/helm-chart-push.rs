//! `helm-chart-push`: pushes charts from the local cache, or from files, to their registries.

use std::io::{self, Write};
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, Failures, Meter, Pushes};
use oci::verbs::{self, PushError, PushOptions, Transferred};
use oci::{connect, environment};

oci::registry_command! {
    /// Push charts from the local cache to their registries; directories and packages are saved in it first.
    #[argh(
        example = "helm-chart-push localhost:5000/myrepo/mychart:2.7.0",
        example = "helm-chart-push mychart-2.7.0.tgz oci://localhost:5000/myrepo",
        note = "A chart that was pulled, or pushed before, keeps its manifest: its digest is the same everywhere.",
        note = "A tag that stands for another chart in the registry is replaced, and `Replaced:` tells the digest that it had; \
                --no-clobber refuses, with exit code 5.",
        note = "With --no-clobber the same chart is up to date, whoever has pushed it. No registry makes this atomic: of two that \
                push at once, each looks again if it is refused, and the last one wins where both are taken.",
        note = "After paths comes a prefix: a chart is pushed as PREFIX/NAME:VERSION, as helm push does it."
    )]
    struct Push {
        /// host[:port]/repository:tag, one or more; or paths of charts, and oci://host[:port]/path
        #[argh(positional, arg_name = "reference")]
        arguments: Vec<String>,
        /// refuse what Helm would not find: a tag that is not the chart's version, a repository not called like it
        #[argh(switch)]
        strict: bool,
        /// leave a tag that stands for another chart as it is; the exit code is 5 then
        #[argh(switch)]
        no_clobber: bool,
    }
}

impl Command for Push {
    const NAME: &'static str = "helm-chart-push";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let pushes = Pushes::of(Self::NAME, &self.arguments)?;
        // A saved chart already has its time.
        let epoch = match &pushes {
            Pushes::References(_) => None,
            Pushes::Paths(..) => {
                environment::source_date_epoch().map_err(|error| CommandFailure::called_wrongly(&error))?
            }
        };
        let (cache, connection) = (cli::cache()?, self.login()?);
        let references = pushes.references(&cache, epoch, self.strict, self.quiet)?;
        let client = connect::connect(&connection, &references).map_err(CommandFailure::from)?;
        let meter = Meter::new("Pushing", self.quiet);
        let options = PushOptions { strict: self.strict, no_clobber: self.no_clobber };
        let push = |reference: &_| {
            let pushed = verbs::push(&cache, &client, reference, options, &|step| meter.step(step))?;
            cli::warn_of_names(&pushed.reference, &pushed.summary);
            Ok::<_, PushError>(pushed)
        };
        let done = cli::transfer(out, "push", &references, self.telling(), push, print);
        cli::keep_within_limit(&cache, &references);
        done
    }
}

fn print(out: &mut dyn Write, pushed: &Transferred) -> io::Result<()> {
    let name = pushed.reference.name();
    writeln!(out, "The push refers to repository [{}]", name.strip_prefix("oci://").unwrap_or(&name))?;
    cli::summary(out, &pushed.summary)?;
    let parts = [&pushed.summary.meta, &pushed.summary.content].into_iter().chain(&pushed.summary.provenance);
    let (layers, size) = parts.fold((0, 0), |(count, size), part| (count + 1, size + part.size));
    let tag = pushed.reference.tag_or_digest();
    writeln!(out, "{tag}: pushed to remote ({layers} layers, {} total)", cli::bytes(size))?;
    writeln!(out, "Digest: {}", pushed.manifest.digest)?;
    if pushed.attached > 0 {
        writeln!(out, "Attached: {}", cli::manifests(pushed.attached))?;
    }
    if let Some(replaced) = &pushed.replaced {
        writeln!(out, "Replaced: {replaced}")?;
    }
    if pushed.up_to_date {
        writeln!(out, "Status: Registry is up to date for {}", pushed.reference)?;
    }
    Ok(())
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Push>()
}
