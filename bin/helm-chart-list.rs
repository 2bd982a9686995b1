//! `helm-chart-list`: what is in the local cache.

use std::io::Write;
use std::process::ExitCode;

use oci::cache::{CacheError, Listed, Listing, Unreadable};
use oci::cli::{self, Command, Failure, Failures, ListRow, Output};
use oci::environment;

/// List the charts in the local cache.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(help_triggers("-h", "--help"), example = "helm-chart-list -o json")]
struct List {
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
        let Listing { entries, unreadable } = cli::cache()?.list()?;
        if self.quiet {
            // They are no references, and what they hold is missing here.
            unreadable.iter().for_each(warn);
            let pinned = entries.iter().map(document).map(|row| match row.manifest {
                Some(digest) if !row.reference.contains('@') => format!("{}@{digest}\n", row.reference),
                _ => format!("{}\n", row.reference),
            });
            return Ok(out.write_all(pinned.collect::<String>().as_bytes())?);
        }
        if self.output != Output::Table {
            let broken = |at: &Unreadable| ListRow::broken(at.references(), cli::chain(&at.error));
            let mut rows: Vec<_> =
                entries.iter().map(document).chain(unreadable.iter().map(broken)).collect();
            rows.sort_by(|a, b| a.reference.cmp(&b.reference));
            return Ok(cli::write_document(out, self.output, &rows)?);
        }
        let mut rows: Vec<_> = entries.iter().map(row).collect();
        let broken: Vec<_> = entries.iter().filter_map(|listed| listed.found.as_ref().err()).collect();
        match broken.iter().find(|error| matches!(error, CacheError::Foreign(_))) {
            // What the cache has not made is in the way of all of them.
            Some(foreign) => Failure::new("", *foreign).advise(),
            None if broken.is_empty() => {}
            None => log::warn!(target: "hint", "pull or save it again, or remove it"),
        }
        unreadable.iter().for_each(warn);
        rows.extend(unreadable.iter().map(|at| marked(at.references(), "(unreadable)")));
        rows.sort_by(|a, b| a[0].cmp(&b[0]));
        Ok(cli::table(out, &["REF", "NAME", "VERSION", "DIGEST", "SIZE", "CREATED"], &rows)?)
    }
}

fn row(listed: &Listed) -> [String; 6] {
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
            log::warn!(target: "oci", "{}: {}", listed.reference, cli::chain(error));
            marked(listed.reference.to_string(), "(broken)")
        }
    }
}

fn marked(reference: String, mark: &str) -> [String; 6] {
    let none = || "-".to_owned();
    [reference, none(), none(), none(), none(), mark.to_owned()]
}

fn document(listed: &Listed) -> ListRow {
    match &listed.found {
        Ok((stored, size)) => ListRow::of(stored, *size),
        Err(error) => ListRow::broken(listed.reference.to_string(), cli::chain(error)),
    }
}

fn warn(unreadable: &Unreadable) {
    Failure::new("", &unreadable.error).warn();
}

fn main() -> ExitCode {
    cli::main::<List>()
}
