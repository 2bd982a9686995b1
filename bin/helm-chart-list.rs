//! `helm-chart-list`: what is in the local cache.

use std::io::Write;
use std::process::ExitCode;

use oci::cache::Listed;
use oci::cli::{self, Command, Failures, ListRow, Output};
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
        let listed = cli::cache()?.list()?;
        if self.quiet {
            let pinned = listed.iter().map(document).map(|row| match row.manifest {
                Some(digest) if !row.reference.contains('@') => format!("{}@{digest}\n", row.reference),
                _ => format!("{}\n", row.reference),
            });
            return Ok(out.write_all(pinned.collect::<String>().as_bytes())?);
        }
        if self.output != Output::Table {
            let rows: Vec<_> = listed.iter().map(document).collect();
            return Ok(cli::write_document(out, self.output, &rows)?);
        }
        let rows: Vec<_> = listed.iter().map(row).collect();
        if listed.iter().any(|listed| listed.found.is_err()) {
            log::warn!(target: "hint", "pull or save it again, or remove it");
        }
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
            log::warn!(target: "oci", "{}: {error}", listed.reference);
            let none = || "-".to_owned();
            [listed.reference.to_string(), none(), none(), none(), none(), "(broken)".to_owned()]
        }
    }
}

fn document(listed: &Listed) -> ListRow {
    match &listed.found {
        Ok((stored, size)) => ListRow::of(stored, *size),
        Err(error) => ListRow::broken(&listed.reference, error.to_string()),
    }
}

fn main() -> ExitCode {
    cli::main::<List>()
}
