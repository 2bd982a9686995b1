//! `helm-chart-prune`: removes from the local cache what was not used for long, or is too much.

use std::collections::HashSet;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use oci::cache::{Cache, CacheError};
use oci::cli::{self, Bytes, Command, CommandFailure, Days, Failures, Output, PruneDocument};
use oci::environment;
use oci::reference::{Glob, Reference};
use oci::verbs::{self, Pruned, PrunedEntry, Pruning};

/// Remove charts from the local cache that were not used for long, or are too many.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-prune --older-than 30d",
    example = "helm-chart-prune --max-size 500MiB -f",
    example = "helm-chart-prune --keep 3 --ref \"localhost:5000/myrepo/*\" --dry-run",
    note = "--ref and --keep say what may go, --older-than and --max-size when it goes; without --older-than and --max-size all that may go goes.",
    note = "What was saved and never pushed or pulled stays, unless --unpushed is given: it may be nowhere else.",
    note = "A chart is used by save, push, pull, export, get and tag. That is noted once a day."
)]
struct Prune {
    /// remove what was not used for so long, for example 30d
    #[argh(option, arg_name = "duration")]
    older_than: Option<Days>,
    /// remove the least recently used until the cache has this size, for example 2GiB
    #[argh(option, arg_name = "size")]
    max_size: Option<Bytes>,
    /// keep so many of each repository, the most recently used
    #[argh(option, arg_name = "number")]
    keep: Option<usize>,
    /// remove only references like this, where * stands for any characters
    #[argh(option, long = "ref", arg_name = "glob")]
    glob: Option<String>,
    /// remove everything but what was never pushed or pulled; that too with --unpushed
    #[argh(switch)]
    all: bool,
    /// remove what was never pushed or pulled, too
    #[argh(switch)]
    unpushed: bool,
    /// remove nothing, and tell what would be
    #[argh(switch)]
    dry_run: bool,
    /// do not ask
    #[argh(switch, short = 'f')]
    force: bool,
    /// how long to wait for other processes that use the cache (default: 5m)
    #[argh(option, arg_name = "duration")]
    wait: Option<Days>,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing but the references that went, with their digests where they have been pushed or pulled
    #[argh(switch, short = 'q')]
    quiet: bool,
}

/// How long to wait for other processes. None of them holds the lock during a transfer.
const WAIT: Duration = Duration::from_secs(5 * 60);

impl Command for Prune {
    const NAME: &'static str = "helm-chart-prune";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let mut pruning = self.pruning()?;
        let wait = self.wait.map_or(WAIT, Into::into);
        let cache = cli::cache()?;
        let pruned = if self.dry_run {
            look(&cache, &pruning, None)?
        } else if cli::must_be_asked(self.force)? {
            let planned = look(&cache, &pruning, None)?;
            if !planned.removed.is_empty() {
                for entry in &planned.removed {
                    writeln!(io::stderr(), "{}", line(entry, "would be removed"))?;
                }
                let count = planned.removed.len();
                let what = if count == 1 { "this chart" } else { &format!("these {count} charts") };
                let size = cli::bytes(planned.reclaimed);
                if !cli::confirm(&format!("Remove {what} ({size})?"))? {
                    return Err(io::Error::other("nothing was removed").into());
                }
            }
            // Only what was shown to the user is removed.
            pruning.only = Some(planned.references());
            look(&cache, &pruning, Some(wait))?
        } else {
            look(&cache, &pruning, Some(wait))?
        };
        self.tell(&pruned, pruning.max_size);
        if self.output != Output::Table {
            let document = PruneDocument::of(&pruned, self.dry_run);
            return Ok(cli::write_document(out, self.output, &document)?);
        }
        let mut out = io::BufWriter::new(out);
        for entry in &pruned.removed {
            match &entry.digest {
                _ if !self.quiet => writeln!(out, "{}", line(entry, self.verb()))?,
                Some(digest) if entry.reference.digest.is_none() => {
                    writeln!(out, "{}@{digest}", entry.reference)?;
                }
                _ => writeln!(out, "{}", entry.reference)?,
            }
        }
        if !self.quiet {
            let reclaimed = cli::bytes(pruned.reclaimed);
            match self.dry_run {
                true => writeln!(out, "Total space that would be reclaimed: {reclaimed}")?,
                false => writeln!(out, "Total reclaimed space: {reclaimed}")?,
            }
        }
        Ok(out.flush()?)
    }
}

impl Prune {
    fn pruning(&self) -> Result<Pruning, CommandFailure> {
        let glob = self.glob.as_deref().map(str::parse::<Glob>).transpose()?;
        let pruning = Pruning {
            older_than: self.older_than.map(Into::into),
            max_size: self.max_size.map(Into::into),
            keep: self.keep,
            glob,
            unpushed: self.unpushed,
            spared: HashSet::new(),
            only: None,
        };
        match (self.all, pruning.is_empty()) {
            (true, false) => {
                Err(CommandFailure::usage("--all removes everything, and another flag says otherwise"))
            }
            (false, true) => Err(CommandFailure::usage(
                "nothing says what to remove: expected --older-than, --max-size, --keep, --ref or --all",
            )),
            _ => Ok(pruning),
        }
    }

    fn verb(&self) -> &'static str {
        if self.dry_run { "would be removed" } else { "removed" }
    }

    /// Warns about entries that stay and might be expected to go.
    fn tell(&self, pruned: &Pruned, max_size: Option<u64>) {
        for (reference, why) in &pruned.broken {
            log::warn!(target: "oci", "{reference} stays: {why}");
        }
        if !pruned.broken.is_empty() {
            log::warn!(target: "hint", "pull or save it again, or remove it");
        }
        if let Some(limit) = max_size.filter(|limit| pruned.left > *limit) {
            let (left, limit) = (cli::bytes(pruned.left), cli::bytes(limit));
            log::warn!(target: "oci", "the cache has {left}, more than {limit}: what is left may not go");
        }
        if pruned.unpushed > 0 {
            let (charts, stay) = match pruned.unpushed {
                1 => ("1 chart that was".to_owned(), "stays"),
                count => (format!("{count} charts that were"), "stay"),
            };
            log::warn!(target: "hint", "{charts} never pushed or pulled {stay}: --unpushed removes them, too");
        }
    }
}

fn look(cache: &Cache, pruning: &Pruning, wait: Option<Duration>) -> Result<Pruned, CommandFailure> {
    verbs::prune(cache, pruning, wait)
        .map_err(|error: CacheError| CommandFailure::new("cannot prune the cache", &error))
}

fn line(entry: &PrunedEntry, verb: &str) -> String {
    let (size, age) = (cli::bytes(entry.size), cli::age(environment::age(entry.used)));
    let reference: &Reference = &entry.reference;
    format!("{reference}: {verb} ({size}, last used {} ago)", lower(&age))
}

/// An age within a sentence: its first letter in lower case.
fn lower(age: &str) -> String {
    let mut age = age.to_owned();
    if let Some(first) = age.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    age
}

fn main() -> ExitCode {
    cli::main::<Prune>()
}
