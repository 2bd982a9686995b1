//! `helm-chart-list`: lists the charts in the local cache.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use oci::cache::{Cache, CacheEntry, CacheError, ListedEntry, Listing, Stored, Unreadable};
use oci::causes::chain;
use oci::cli::{self, ChartDocument, Command, CommandFailure, Failures, Filter, Output};
use oci::digest::Digest;
use oci::{environment, verbs};

/// List the charts in the local cache.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-list -o json",
    example = "helm-chart-list localhost:5000/myrepo",
    note = "DIGEST and SIZE are the content's. The digest of -q and of documents is the manifest's, which pins a chart."
)]
struct List {
    /// only these: host[:port][/path], or host[:port]/repository:tag; or what repositories end with, like mychart
    #[argh(positional, arg_name = "reference")]
    wanted: Option<String>,
    /// print table, json or yaml
    #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
    output: Output,
    /// print nothing but references, with their digests where they have been pushed or pulled
    #[argh(switch, short = 'q')]
    quiet: bool,
}

impl Command for List {
    const NAME: &'static str = "helm-chart-list";

    fn run(self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let cache = cli::cache()?;
        let wanted = self.wanted.as_deref().map(Filter::of).transpose()?;
        let mut listing = cache.list()?;
        if let Some(wanted) = &wanted {
            listing.entries.retain(|listed| wanted.fits(&listed.reference, manifest(listed)));
            listing.unreadable.retain(|at| wanted.may_fit_below(&at.references()));
        }
        let Listing { entries, unreadable } = listing;
        if let Some(wanted) = self.wanted.filter(|_| entries.is_empty() && unreadable.is_empty()) {
            if !self.quiet && self.output != Output::Table {
                cli::write_list(
                    out,
                    self.output,
                    std::iter::empty::<Result<ChartDocument, CommandFailure>>(),
                )?;
            }
            let failure = CommandFailure::not_found(format!("nothing in the cache is called {wanted}"));
            return Err(failure.hint("helm oci list shows what is there").into());
        }
        if self.quiet {
            // These are directories and not references; a warning says that their contents are missing here.
            unreadable.iter().for_each(warn);
            let mut out = BufWriter::new(out);
            for listed in &entries {
                out.write_all(pinned(listed).as_bytes())?;
            }
            return Ok(out.flush()?);
        }
        if self.output != Output::Table {
            // Documents are larger than entries, so they are made one at a time.
            let found = entries.iter().map(|listed| (listed.reference.to_string(), Ok(listed)));
            let mut rows: Vec<_> =
                found.chain(unreadable.iter().map(|at| (at.references(), Err(at)))).collect();
            rows.sort_by(|(a, _), (b, _)| a.cmp(b));
            let rows = rows.into_iter().map(|(beginning, row)| match row {
                Ok(listed) => Ok(document(&cache, listed)),
                Err(at) => Ok(ChartDocument::of_broken(beginning, chain(&at.error))),
            });
            return Ok(cli::write_list(out, self.output, rows)?);
        }
        let mut rows: Vec<_> = entries.iter().map(row).collect();
        let broken: Vec<_> = entries.iter().filter_map(|listed| listed.found.as_ref().err()).collect();
        match broken.iter().find(|error| matches!(error, CacheError::Foreign(_))) {
            // Something that the cache has not made concerns all of them.
            Some(foreign) => CommandFailure::new("", *foreign).advise(),
            None if broken.is_empty() => {}
            None => log::warn!(target: "hint", "pull or save it again, or remove it"),
        }
        unreadable.iter().for_each(warn);
        rows.extend(unreadable.iter().map(|at| marked(at.references(), "(unreadable)")));
        rows.sort_by(|a, b| a[0].cmp(&b[0]));
        Ok(cli::table(out, &["REF", "NAME", "VERSION", "DIGEST", "SIZE", "CREATED"], &rows)?)
    }
}

fn row(listed: &ListedEntry) -> [String; 6] {
    match &listed.found {
        Ok((stored, size)) => [
            listed.reference.to_string(),
            stored.entry.name.clone(),
            stored.entry.version.clone(),
            stored.entry.content.short().to_owned(),
            cli::bytes(*size),
            cli::age(environment::age(stored.created)),
        ],
        Err(error) => {
            log::warn!(target: "oci", "{}: {}", listed.reference, chain(error));
            marked(listed.reference.to_string(), "(broken)")
        }
    }
}

/// The digest of the manifest that it was pushed or pulled as.
fn manifest(listed: &ListedEntry) -> Option<&Digest> {
    let (stored, _) = listed.found.as_ref().ok()?;
    stored.entry.pushed.as_ref().map(|pushed| &pushed.manifest)
}

/// The reference, with the digest that pins it if that is known.
fn pinned(listed: &ListedEntry) -> String {
    match &listed.found {
        Ok((Stored { reference, entry: CacheEntry { pushed: Some(pushed), .. }, .. }, _))
            if reference.digest.is_none() =>
        {
            format!("{reference}@{}\n", pushed.manifest)
        }
        _ => format!("{}\n", listed.reference),
    }
}

fn marked(reference: String, mark: &str) -> [String; 6] {
    let none = || "-".to_owned();
    [reference, none(), none(), none(), none(), mark.to_owned()]
}

fn document(cache: &Cache, listed: &ListedEntry) -> ChartDocument {
    let held = listed.found.as_ref().map_err(|error| chain(error));
    let held = held.and_then(|(stored, _)| verbs::held(cache, stored).map_err(|error| chain(&error)));
    match held {
        Ok(held) => ChartDocument::of_entry(&held),
        Err(why) => ChartDocument::of_broken(listed.reference.to_string(), why),
    }
}

fn warn(unreadable: &Unreadable) {
    CommandFailure::new("", &unreadable.error).warn();
}

fn main() -> ExitCode {
    cli::main::<List>()
}
