//! `helm-chart-push`: charts from the local cache to their registries.

use std::io::{self, Write};
use std::process::ExitCode;

use oci::cli::{self, Command, Failure, Failures, Meter};
use oci::connect;
use oci::verbs::{self, Transferred};

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
        cli::one_form(self.output, self.quiet)?;
        let references = cli::references(Self::NAME, &self.references)?;
        let cache = cli::cache()?;
        let client = connect::connect(&self.login()?, &references).map_err(Failure::from)?;
        let meter = Meter::new("Pushing", self.quiet);
        let push = |reference: &_| verbs::push(&cache, &client, reference, &|step| meter.step(step));
        cli::transfer(out, "push", &references, self.telling(), push, print)
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
    writeln!(out, "Digest: {}", pushed.manifest.digest)
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Push>()
}
