//! `helm-chart-list`: what is in the local cache.

use std::io::{BufWriter, Write};
use std::process::ExitCode;

use oci::cache::{Cache, Entry, Listed, Stored};
use oci::cli::{self, ChartDocument, Command, Failure, Failures, Output, Table};
use oci::{environment, verbs};

/// List the charts in the local cache.
#[derive(argh::FromArgs, argh::ArgsInfo)]
#[argh(
    help_triggers("-h", "--help"),
    example = "helm-chart-list -o json",
    note = "DIGEST and SIZE are the content's. The digest of -q and of documents is the manifest's, which pins a chart."
)]
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
        let cache = cli::cache()?;
        let listed = cache.list()?.map(|listed| listed.map_err(Failure::from));
        if self.quiet {
            let mut out = BufWriter::new(out);
            for listed in listed {
                out.write_all(pinned(&listed?).as_bytes())?;
            }
            return Ok(out.flush()?);
        }
        if self.output != Output::Table {
            let documents = listed.map(|listed| listed.map(|listed| document(&cache, &listed)));
            return Ok(cli::write_list(out, self.output, documents)?);
        }
        let mut table = Table::new(&["REF", "NAME", "VERSION", "DIGEST", "SIZE", "CREATED"]);
        let mut is_broken = false;
        for listed in listed {
            let listed = listed?;
            is_broken |= listed.found.is_err();
            table.push(&row(&listed));
        }
        if is_broken {
            log::warn!(target: "hint", "pull or save it again, or remove it");
        }
        Ok(table.print(out)?)
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
            log::warn!(target: "oci", "{}: {error}", listed.reference);
            let none = || "-".to_owned();
            [listed.reference.to_string(), none(), none(), none(), none(), "(broken)".to_owned()]
        }
    }
}

/// The reference, with the digest that pins it where that is known.
fn pinned(listed: &Listed) -> String {
    match &listed.found {
        Ok((Stored { reference, entry: Entry { pushed: Some(pushed), .. }, .. }, _))
            if reference.digest.is_none() =>
        {
            format!("{reference}@{}\n", pushed.manifest)
        }
        _ => format!("{}\n", listed.reference),
    }
}

fn document(cache: &Cache, listed: &Listed) -> ChartDocument {
    let held = listed.found.as_ref().map_err(ToString::to_string);
    let held = held.and_then(|(stored, _)| verbs::held(cache, stored).map_err(|error| error.to_string()));
    match held {
        Ok(held) => ChartDocument::of_entry(&held),
        Err(why) => ChartDocument::of_broken(&listed.reference, why),
    }
}

fn main() -> ExitCode {
    cli::main::<List>()
}
