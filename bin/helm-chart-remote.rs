//! `helm-chart-remote`: runs for `helm-chart-remove --remote` and `helm-chart-tag --remote`, which have no network
//! access.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::process::ExitCode;

use oci::cli::{self, Command, CommandFailure, Failures, Output, RemotelyRemoved, RemotelyTagged};
use oci::connect;
use oci::digest::Digest;
use oci::reference::Reference;
use oci::registry::Client;
use oci::verbs::{self, RemoteError, RemoteRemoval, RemovedRemotely, TaggedRemotely};

oci::registry_command! {
    /// Remove tags from their registries, or give what is there another tag: what remove --remote and tag --remote run.
    #[argh(
        example = "helm-chart-remove --remote localhost:5000/myrepo/mychart:2.7.0",
        example = "helm-chart-tag --remote localhost:5000/myrepo/mychart:2.7.0 localhost:5000/myrepo/mychart:stable",
        note = "It is called by remove --remote and tag --remote, which take its flags, and not by hand.",
        note = "A tag goes alone. Where a registry only deletes a manifest with all of its tags, it has to be the only one, \
                unless --all-tags is given.",
        note = "A tag is given as it is: the manifest keeps its bytes. Within a registry no chart is sent."
    )]
    login struct Remote {
        /// which one has run this: remove or tag
        #[argh(option, hidden_help, arg_name = "remove|tag")]
        operation: String,
        /// host[:port]/repository:tag, or @digest; to tag, what is there and what it is to be called
        #[argh(positional, arg_name = "reference")]
        references: Vec<String>,
        /// remove all other tags of the same manifest, too
        #[argh(switch)]
        all_tags: bool,
        /// remove signatures and whatever else is attached, if no tag is left
        #[argh(switch)]
        signatures: bool,
        /// what is not there is no failure
        #[argh(switch)]
        ignore_missing: bool,
        /// remove nothing, and tell what would be
        #[argh(switch)]
        dry_run: bool,
        /// do not ask before removing
        #[argh(switch, short = 'f')]
        force: bool,
        /// tag nothing that is the tag of something else
        #[argh(switch)]
        no_clobber: bool,
    } then {
        /// print table, json or yaml
        #[argh(option, short = 'o', default = "Output::Table", arg_name = "format")]
        output: Output,
        /// print nothing but, of a tag that was given, the reference with its digest
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Remote {
    const NAME: &'static str = "helm-chart-remote";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        cli::one_form(self.output, self.quiet)?;
        let of_remove = [
            (self.all_tags, "--all-tags"),
            (self.signatures, "--signatures"),
            (self.ignore_missing, "--ignore-missing"),
            (self.dry_run, "--dry-run"),
            (self.force, "--force"),
        ];
        let foreign = match self.operation.as_str() {
            "remove" => self.no_clobber.then_some("--no-clobber"),
            "tag" => of_remove.iter().find(|(given, _)| *given).map(|(_, flag)| *flag),
            other => {
                return Err(CommandFailure::usage(format!(
                    "`--operation {other}` is neither remove nor tag"
                ))
                .into());
            }
        };
        if let Some(flag) = foreign {
            return Err(CommandFailure::usage(format!("{flag} is no flag of {}", self.operation)).into());
        }
        let references = cli::references(Self::NAME, &self.references)?;
        let connection = self.login()?;
        let client = connect::connect(&connection, &references).map_err(CommandFailure::from)?;
        match self.operation.as_str() {
            "tag" => self.tag(&client, &references, out),
            _ => self.remove(&client, &references, out),
        }
    }
}

impl Remote {
    fn remove(&self, client: &Client, references: &[Reference], out: &mut dyn Write) -> Result<(), Failures> {
        if let Some(reference) = references.iter().find(|reference| reference.target().is_none()) {
            return Err(failed("remove", reference, &RemoteError::NoTarget(reference.clone())).into());
        }
        if self.dry_run {
            return self.look(client, references, out);
        }
        let planned = match cli::must_be_asked(self.force)? {
            true => self.ask(client, references)?,
            false => BTreeMap::new(),
        };
        let options = RemoteRemoval { all_tags: self.all_tags, signatures: self.signatures };
        let (mut rows, mut failures) = (Vec::new(), Vec::new());
        let mut printed = Ok::<_, CommandFailure>(());
        for reference in references {
            // Only the manifest that the user has agreed to is removed, and not one that has replaced it meanwhile.
            let pinned = Reference {
                digest: reference.digest.clone().or_else(|| planned.get(&reference.to_string()).cloned()),
                ..reference.clone()
            };
            match verbs::remove_remote(client, &pinned, references, &options) {
                Ok(removed) => {
                    if self.output == Output::Table && !self.quiet && printed.is_ok() {
                        printed = print(out, reference, &removed).map_err(CommandFailure::from);
                    }
                    self.tell(reference, &removed);
                    rows.push(RemotelyRemoved::of(reference, Some(&removed)));
                }
                Err(RemoteError::Missing) if self.is_gone(reference, &rows) => {
                    rows.push(RemotelyRemoved::of(reference, None));
                }
                Err(error) => {
                    rows.push(RemotelyRemoved::of(reference, None));
                    failures.push(failed("remove", reference, &error));
                }
            }
        }
        if self.output != Output::Table {
            printed = cli::write_document(out, self.output, &rows);
        }
        failures.extend(printed.err());
        Failures::of(failures)
    }

    /// Whether a missing reference is not a failure: because of a flag, or because it was removed with an earlier one.
    fn is_gone(&self, reference: &Reference, rows: &[RemotelyRemoved]) -> bool {
        self.ignore_missing || rows.iter().any(|row| row.took_along(reference))
    }

    /// Reports what would be removed, and removes nothing. Whether the registry would allow it is not known.
    fn look(&self, client: &Client, references: &[Reference], out: &mut dyn Write) -> Result<(), Failures> {
        let (mut rows, mut failures) = (Vec::new(), Vec::new());
        for reference in references {
            match verbs::find_remote(client, reference) {
                Ok(digest) => {
                    if self.output == Output::Table && !self.quiet {
                        writeln!(out, "{reference}: would be removed from its registry ({digest})")?;
                    }
                    rows.push(RemotelyRemoved::planned(reference, digest));
                }
                Err(RemoteError::Missing) if self.ignore_missing => {
                    rows.push(RemotelyRemoved::of(reference, None));
                }
                Err(error) => {
                    rows.push(RemotelyRemoved::of(reference, None));
                    failures.push(failed("remove", reference, &error));
                }
            }
        }
        if self.output != Output::Table {
            cli::write_document(out, self.output, &rows)?;
        }
        Failures::of(failures)
    }

    /// Asks the user, and returns the manifest of each reference that may be removed. Missing references are reported
    /// later.
    fn ask(
        &self,
        client: &Client,
        references: &[Reference],
    ) -> Result<BTreeMap<String, Digest>, CommandFailure> {
        let mut planned = BTreeMap::new();
        for reference in references {
            match verbs::find_remote(client, reference) {
                Ok(digest) => {
                    writeln!(io::stderr(), "{reference}: would be removed from its registry ({digest})")?;
                    planned.insert(reference.to_string(), digest);
                }
                Err(RemoteError::Missing) => {}
                Err(error) => return Err(failed("remove", reference, &error)),
            }
        }
        let more = if self.all_tags { " and all other tags" } else { "" };
        let question = match planned.len() {
            0 => return Ok(planned),
            1 => format!("Remove this tag{more}?"),
            count => format!("Remove these {count} tags{more}?"),
        };
        match cli::confirm(&question)? {
            true => Ok(planned),
            false => Err(CommandFailure::from(io::Error::other("nothing was removed"))),
        }
    }

    /// Warns about what was kept and might be expected to go.
    fn tell(&self, reference: &Reference, removed: &RemovedRemotely) {
        if let Some(tag) = removed.kept_for.first() {
            log::warn!(target: "oci", "{reference}: signatures stay, because {tag} has the same manifest");
        }
    }

    fn tag(&self, client: &Client, references: &[Reference], out: &mut dyn Write) -> Result<(), Failures> {
        let [source, target] = references else {
            return Err(CommandFailure::usage(
                "two references are needed: what is there, and what it is to be called",
            )
            .into());
        };
        if target.digest.is_some() {
            return Err(
                CommandFailure::usage(format!("`{target}` has a digest: a chart is named by a tag")).into()
            );
        }
        let tagged = verbs::tag_remote(client, source, target, self.no_clobber)
            .map_err(|error| failed("tag", source, &error))?;
        let TaggedRemotely { reference, digest, up_to_date } = &tagged;
        if self.output != Output::Table {
            return Ok(cli::write_document(out, self.output, &[RemotelyTagged::of(source, &tagged)])?);
        }
        Ok(match (self.quiet, up_to_date) {
            (true, _) => writeln!(out, "{reference}@{digest}"),
            (false, true) => writeln!(out, "{reference}: tagged in its registry already ({digest})"),
            (false, false) => writeln!(out, "{reference}: tagged in its registry ({digest})"),
        }?)
    }
}

fn print(out: &mut dyn Write, reference: &Reference, removed: &RemovedRemotely) -> io::Result<()> {
    let mut text = format!("{reference}: removed from its registry ({})\n", removed.digest);
    let name = reference.name();
    for tag in &removed.tags {
        text.push_str(&format!("{name}:{tag}: removed with it\n"));
    }
    for attached in &removed.attached {
        let separator = if attached.contains(':') { '@' } else { ':' };
        text.push_str(&format!("{name}{separator}{attached}: removed with it\n"));
    }
    out.write_all(text.as_bytes())
}

fn failed(verb: &str, reference: &Reference, error: &RemoteError) -> CommandFailure {
    let failure = CommandFailure::new(&format!("cannot {verb} {reference}"), error);
    match error {
        RemoteError::DeletionOff(_) => failure.hint(cli::instead_of_deletion(reference)),
        _ => failure,
    }
}

fn main() -> ExitCode {
    cli::main::<Remote>()
}
