//! `helm-chart-versions`: lists the versions of a chart.

use std::io::Write;
use std::process::ExitCode;

use oci::cli::{self, Browsing, Command, CommandFailure, Failures, Output};
use oci::reference::Reference;
use oci::verbs::VersionSelection;

oci::registry_command! {
    /// List the versions of a chart that a registry has, and what each says about itself.
    #[argh(
        example = "helm-chart-versions localhost:5000/myrepo/mychart",
        example = "helm-chart-versions localhost:5000/myrepo/mychart --version \"^2.0\" --all",
        example = "helm-chart-versions -q --latest 1 localhost:5000/myrepo/mychart",
        note = "Manifests and configs are kept by their digests below Helm's cache, so that a second look asks for \
                the list of tags, and whether each is the same still. With -q the list alone is asked for. They are kept for \
                90 days, and go earlier when they take more than 128 MiB.",
        note = "Helm finds a tag that is no semantic version only by its exact name; --tags shows such tags, too."
    )]
    login struct ListVersions {
        /// host[:port]/repository
        #[argh(positional, arg_name = "repository")]
        repository: String,
        /// those that this constraint allows
        #[argh(option, arg_name = "constraint")]
        version: Option<String>,
        /// take prereleases, too
        #[argh(switch)]
        devel: bool,
        /// all of them, and not only the newest 20
        #[argh(switch)]
        all: bool,
        /// so many of the newest
        #[argh(option, arg_name = "n")]
        latest: Option<usize>,
        /// tags that are no versions, too
        #[argh(switch)]
        tags: bool,
        /// ask no registry: tell what was seen before, and what is in the cache
        #[argh(switch)]
        offline: bool,
        /// how many requests at once (default 8)
        #[argh(option, default = "std::num::NonZeroUsize::MIN.saturating_add(7)", arg_name = "n")]
        concurrency: std::num::NonZeroUsize,
    } then {
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
        /// print nothing but references
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

/// How many versions are shown by default.
const SHOWN: usize = 20;

impl Command for ListVersions {
    const NAME: &'static str = "helm-chart-versions";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        if self.all && self.latest.is_some() {
            return Err(CommandFailure::usage("--all and --latest are two answers to one question").into());
        }
        let reference = cli::references(Self::NAME, std::slice::from_ref(&self.repository))?.remove(0);
        if reference.target().is_some() {
            let bare = Reference { tag: None, digest: None, ..reference.clone() };
            return Err(CommandFailure::usage(format!("{reference} is one version already"))
                .hint(format!("its siblings: helm oci versions {bare}"))
                .into());
        }
        let shown = if self.quiet { usize::MAX } else { SHOWN };
        let selection = VersionSelection {
            constraint: self.version.take(),
            devel: self.devel,
            all_tags: self.tags,
            most: (!self.all).then_some(self.latest.unwrap_or(shown)),
        };
        let browsing = self.browsing()?;
        let failed = |error: oci::verbs::BrowseError| {
            CommandFailure::new(&format!("cannot list {}", reference.name()), &error)
        };
        browsing.browse(&reference, |browser| {
            let (host, repository) = (&reference.host, &reference.repository);
            if self.quiet {
                let (tags, _) = browser.tags_of(host, repository, &selection).map_err(failed)?;
                let found: Vec<_> = tags.into_iter().map(|tag| reference.with_tag(tag)).collect();
                cli::print_references(out, found.iter())?;
                return if found.is_empty() { Err(self.nothing(&reference)) } else { Ok(()) };
            }
            let found = browser.versions(host, repository, &selection).map_err(failed)?;
            if !found.versions.is_empty() || self.output != Output::Table {
                cli::print_versions(out, &found.versions, self.output)?;
            }
            if found.more > 0 && self.latest.is_none() {
                log::warn!(target: "hint", "{} more; --all shows them", found.more);
            }
            if !found.foreign.is_empty() {
                log::warn!(target: "oci", "{}", foreign(&found.foreign));
            }
            if found.versions.is_empty() { Err(self.nothing(&reference)) } else { Ok(()) }
        })
    }
}

fn foreign(tags: &[oci::reference::Tag]) -> String {
    const NAMED: usize = 3;
    let named: Vec<_> = tags.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if tags.len() > NAMED { ", …" } else { "" };
    let tags = if tags.len() == 1 { "1 tag stands".to_owned() } else { format!("{} tags stand", tags.len()) };
    format!("{tags} for no chart: {}{more}", named.join(", "))
}

impl ListVersions {
    fn browsing(&mut self) -> Result<Browsing, CommandFailure> {
        let connection = self.login()?;
        Ok(Browsing { connection, offline: self.offline, at_once: self.concurrency.get() })
    }

    fn nothing(&self, reference: &Reference) -> Failures {
        let failure = CommandFailure::not_found(format!("{} has no such version", reference.name()));
        let hint = match (self.offline, self.devel || self.tags) {
            (true, _) => "without --offline the registry is asked",
            (false, false) => "--devel takes prereleases, --tags what is no version",
            (false, true) => "",
        };
        if hint.is_empty() { failure.into() } else { failure.hint(hint).into() }
    }
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<ListVersions>()
}
