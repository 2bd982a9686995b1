//! `helm-chart-copy`: copies charts from one registry to another, with everything that is attached to them.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use oci::cli::{
    self, ByteRate, Command, CommandFailure, CopiedRow, Copies, Failures, Journal, ListOutput, Mapping,
    Meter, Output, Patience, Shard, Tally,
};
use oci::connect::{self, ConnectFlags};
use oci::credentials::Side;
use oci::environment;
use oci::limits::Budget;
use oci::reference::{Prefix, Reference};
use oci::threads::in_parallel;
use oci::verbs::{Copied, CopyError, CopyOptions, CopySelection, CopyTask, Copying};
use oci::version::Constraint;

oci::registry_command! {
    /// Copy charts from one registry to another, with everything that is attached to them.
    #[argh(
        example = "helm-chart-copy localhost:5000/myrepo/mychart:2.7.0 localhost:5001/mirror/mychart",
        example = "helm-chart-copy localhost:5000/myrepo/mychart:2.7.0 --to oci://localhost:5001/mirror",
        example = "helm-chart-copy --all --new-only localhost:5000/myrepo/mychart localhost:5001/mirror/mychart",
        example = "helm-chart-copy --file charts.txt --to oci://registry.example.com",
        note = "Signatures, SBOMs and whatever else is attached go along, whether the registry lists it, an index under a tag \
                does, or a tag of cosign's names it. All manifests keep their bytes.",
        note = "The tag is set last: who sees it sees the signatures. A tag that stands for something else stays, and the exit \
                code is 5; of several failures the worst counts: 7, 4, 6, 1, 3, 5.",
        note = "The login is the destination's, and serves for the source only where both are one registry; \
                --from-username and what is stored log in to the source."
    )]
    connection struct Copy {
        /// what to copy, host[:port]/repository:tag or @digest, one or more; then where to, a reference or a repository,
        /// unless --to or --file says that
        #[argh(positional, arg_name = "reference")]
        references: Vec<String>,
        /// copy to this registry or path, and keep the names of the repositories
        #[argh(option, arg_name = "prefix")]
        to: Option<Prefix>,
        /// copy what lies below OLD to below NEW; of several that fit, the longest OLD counts; may be given several times
        #[argh(option, arg_name = "old=new")]
        map: Vec<Mapping>,
        /// copy what this file lists, `SOURCE [DESTINATION]` a line; - is standard input
        #[argh(option, short = 'f', arg_name = "file")]
        file: Option<PathBuf>,
        /// copy all tags of repositories, but for those that are made of a digest
        #[argh(switch)]
        all: bool,
        /// copy all versions of repositories that this constraint allows
        #[argh(option, arg_name = "constraint")]
        version: Option<String>,
        /// leave out every tag that the destination has, whatever it stands for
        #[argh(switch)]
        new_only: bool,
        /// copy nothing, and tell what would be
        #[argh(switch)]
        dry_run: bool,
        /// do one share of the repositories, for example 2/4, the second of four
        #[argh(option, arg_name = "i/n")]
        shard: Option<Shard>,
        /// send no more bytes of blobs in a second than this, all charts together: 500k, 2M
        #[argh(option, arg_name = "size")]
        rate: Option<ByteRate>,
        /// start no further chart after this much time: 50m, 6h
        #[argh(option, arg_name = "duration")]
        until: Option<Patience>,
        /// note in this file what is done, and leave out what an earlier run has noted there
        #[argh(option, arg_name = "file")]
        journal: Option<PathBuf>,
        /// look again at tags that the journal has: they may stand for something else by now
        #[argh(switch)]
        recheck: bool,
        /// leave behind what is attached
        #[argh(switch)]
        no_attached: bool,
        /// replace another chart under the same tag
        #[argh(switch)]
        force: bool,
        /// the user to log in as at the source
        #[argh(option, arg_name = "name")]
        from_username: Option<String>,
        /// the password there, for all to see in the list of processes: better is --from-password-stdin
        #[argh(option, arg_name = "password")]
        from_password: Option<String>,
        /// read that password from standard input
        #[argh(switch)]
        from_password_stdin: bool,
        /// speak plain HTTP with the source
        #[argh(switch)]
        from_plain_http: bool,
        /// trust any TLS certificate of the source
        #[argh(switch)]
        from_insecure: bool,
        /// trust the certificate authorities in this PEM file at the source, and no others
        #[argh(option, arg_name = "file")]
        from_ca_file: Option<PathBuf>,
        /// the user to log in as at the destination, instead of any stored credential; `<token>` for an identity token
        #[argh(option, short = 'u', arg_name = "name")]
        username: Option<String>,
        /// the password, for all to see in the list of processes: better is --password-stdin
        #[argh(option, short = 'p', arg_name = "password")]
        password: Option<String>,
        /// read the password from standard input
        #[argh(switch)]
        password_stdin: bool,
        /// how many charts at once (default 4)
        #[argh(option, default = "std::num::NonZeroUsize::MIN.saturating_add(3)", arg_name = "n")]
        concurrency: std::num::NonZeroUsize,
        /// print table, json, jsonl or yaml
        #[argh(option, short = 'o', default = "ListOutput::Table", arg_name = "table|json|jsonl|yaml")]
        output: ListOutput,
        /// print nothing but the copy's reference with its digest
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

impl Command for Copy {
    const NAME: &'static str = "helm-chart-copy";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        if self.quiet && self.output != ListOutput::Table {
            cli::one_form(Output::Json, true)?;
        }
        let listed_there = self.file.as_deref().is_some_and(|path| path.as_os_str() == "-");
        let readers = [listed_there, self.password_stdin, self.from_password_stdin];
        if readers.into_iter().filter(|reads| *reads).count() > 1 {
            return Err(CommandFailure::usage(
                "standard input is read once: for a list, or for one password",
            )
            .into());
        }
        let selection = self.selection()?;
        let copies = Copies {
            arguments: &self.references,
            to: self.to.as_ref(),
            maps: &self.map,
            list: self.file.as_deref(),
            selects: selection.is_some(),
        };
        if self.recheck && self.journal.is_none() {
            return Err(CommandFailure::usage("--recheck is for a --journal").into());
        }
        let end = self.until.map(|until| Instant::now() + Duration::from(until));
        let mut tasks = copies.tasks(Self::NAME)?;
        if let Some(shard) = self.shard {
            tasks.retain(|task| shard.has(&task.to));
        }
        let journal = self.journal.as_deref().filter(|_| !self.dry_run).map(Journal::open).transpose()?;
        let (from, to) = (self.source()?, self.destination()?);
        let has_own_login = from.credential.is_some()
            || environment::FROM_LOGIN.iter().any(|name| environment::variable(name).is_some());
        let references = |of: fn(&CopyTask) -> &Reference| tasks.iter().map(of).cloned().collect::<Vec<_>>();
        let from = connect::connect(&from, &references(|task| &task.from)).map_err(CommandFailure::from)?;
        let to = connect::connect(&to, &references(|task| &task.to)).map_err(CommandFailure::from)?;
        let options = CopyOptions {
            without_attached: self.no_attached,
            force: self.force,
            dry_run: self.dry_run,
            rate: self.rate.map(Into::into),
        };
        let budget = Budget::default();
        let mut copying = Copying::new(&from, &to, !has_own_login, options, &budget);
        let (mut tasks, failures) = match selection.is_some() || self.new_only {
            true => self.select(&copying, selection.as_ref(), &tasks),
            false => (tasks, Vec::new()),
        };
        if let Some(journal) = &journal {
            // A digest always stands for the same manifest, so it is not checked again.
            let has = |task: &CopyTask| journal.has(&task.from.to_string(), &task.to.to_string());
            tasks.retain(|task| !has(task) || (self.recheck && task.from.digest.is_none()));
        }
        copying.expect(&tasks);
        let meter = Meter::of_job("Copying", self.quiet, tasks.len());
        let tally = Tally::of("copied", tasks.len(), self.dry_run, journal.as_ref())?;
        let copy = |task: &CopyTask| {
            if end.is_some_and(|end| Instant::now() >= end) {
                return None;
            }
            let result = copying.copy(task, &|step| meter.step(step));
            let noted = match (&result, &journal) {
                (Ok(copied), Some(journal)) => {
                    let (from, to) = (task.from.to_string(), task.to.to_string());
                    journal.note(&from, &to, &copied.digest, copied.attached.len())
                }
                _ => Ok(()),
            };
            meter.item();
            if result.is_ok() {
                tally.add();
            }
            Some((result, noted))
        };
        self.tell(out, &tasks, failures, copy)
    }
}

impl Copy {
    /// The connection to the source.
    fn source(&mut self) -> Result<ConnectFlags, CommandFailure> {
        let (username, password) = (self.from_username.take(), self.from_password.take());
        let credential = cli::given_credential(username, password, self.from_password_stdin)
            .map_err(|failure| failure.at("the source's login"))?;
        Ok(ConnectFlags {
            plain_http: self.from_plain_http,
            insecure: self.from_insecure,
            ca_file: self.from_ca_file.clone(),
            cert_file: None,
            key_file: None,
            trusted_realms: Vec::new(),
            credential,
            side: Side::Source,
            ..self.connection()
        })
    }

    fn destination(&mut self) -> Result<ConnectFlags, CommandFailure> {
        let (username, password) = (self.username.take(), self.password.take());
        let credential = cli::given_credential(username, password, self.password_stdin)?;
        Ok(ConnectFlags { credential, ..self.connection() })
    }

    fn selection(&self) -> Result<Option<CopySelection>, CommandFailure> {
        match (self.all, &self.version) {
            (true, Some(_)) => Err(CommandFailure::usage("--all and --version exclude each other")),
            (true, None) => Ok(Some(CopySelection::All)),
            (false, None) => Ok(None),
            (false, Some(range)) => match Constraint::parse(range) {
                Ok(range) => Ok(Some(CopySelection::Range(range))),
                Err(error) => Err(CommandFailure::called_wrongly(&error)),
            },
        }
    }

    /// The copies of selected tags, and the repositories that could not be listed.
    fn select(
        &self,
        copying: &Copying<'_>,
        selection: Option<&CopySelection>,
        tasks: &[CopyTask],
    ) -> (Vec<CopyTask>, Vec<(CopyTask, CommandFailure)>) {
        let (mut all, mut failures) = (Vec::new(), Vec::new());
        let select = |task: &CopyTask| (task.clone(), copying.select(task, selection, self.new_only));
        in_parallel(tasks, self.concurrency.get(), select, |(task, selected)| match selected {
            Ok(selected) => all.extend(selected),
            Err(error) => {
                let failure = failed(&task, &error);
                failures.push((task, failure));
            }
        });
        (all, failures)
    }

    /// Makes all copies, and reports each as soon as those before it are done.
    fn tell(
        &self,
        out: &mut dyn Write,
        tasks: &[CopyTask],
        unread: Vec<(CopyTask, CommandFailure)>,
        copy: impl Fn(&CopyTask) -> Option<Outcome> + Sync,
    ) -> Result<(), Failures> {
        let mut printed = Ok::<_, io::Error>(());
        let tasks: Vec<_> = tasks.iter().collect();
        let mut rows: Vec<_> =
            unread.iter().map(|(task, failure)| CopiedRow::failed(task, failure)).collect();
        let mut failures: Vec<_> = unread.into_iter().map(|(_, failure)| failure).collect();
        if self.output == ListOutput::Jsonl {
            printed = rows.drain(..).try_for_each(|row| write_line(out, &row));
        }
        let (mut late, mut unnoted) = (0_usize, None);
        let finished = |(task, outcome): (&CopyTask, Option<Outcome>)| {
            let Some((result, noted)) = outcome else {
                late += 1;
                return;
            };
            let result = result.map_err(|error| failed(task, &error));
            if let Ok(copied) = &result {
                unnoted = unnoted.take().or(noted.err());
                for misnamed in &copied.misnamed {
                    log::warn!(target: "oci", "{}: {misnamed}", copied.to);
                }
            }
            if self.output != ListOutput::Table {
                let row = match &result {
                    Ok(copied) => CopiedRow::of(task, copied, self.dry_run),
                    Err(failure) => CopiedRow::failed(task, failure),
                };
                match self.output {
                    ListOutput::Jsonl if printed.is_ok() => printed = write_line(out, &row),
                    ListOutput::Jsonl => {}
                    _ => rows.push(row),
                }
            } else if let (Ok(copied), Ok(())) = (&result, &printed) {
                printed = self.print(out, copied);
            }
            failures.extend(result.err());
        };
        in_parallel(&tasks, self.concurrency.get(), |task| (*task, copy(task)), finished);
        let printed = match self.output {
            ListOutput::Json => cli::write_document(out, Output::Json, &rows),
            ListOutput::Yaml => cli::write_document(out, Output::Yaml, &rows),
            ListOutput::Table | ListOutput::Jsonl => printed.map_err(CommandFailure::from),
        };
        failures.extend(unnoted);
        if late > 0 {
            let message = format!("the time was up before {late} of {} charts were begun", tasks.len());
            failures.push(CommandFailure::from(io::Error::other(message)));
        }
        // A closed output is not a failure of a copy, and must not hide one.
        failures.extend(printed.err());
        Failures::worst_of(failures)
    }

    /// Prints one result at once, as another process may write to the same output.
    fn print(&self, out: &mut dyn Write, copied: &Copied) -> io::Result<()> {
        if self.quiet {
            return writeln!(out, "{}@{}", copied.to, copied.digest);
        }
        let mut text = Vec::new();
        cli::print_copied(&mut text, copied, self.dry_run)?;
        out.write_all(&text)
    }
}

/// The result of a copy, and of recording it in the journal.
type Outcome = (Result<Copied, CopyError>, Result<(), CommandFailure>);

fn failed(task: &CopyTask, error: &CopyError) -> CommandFailure {
    CommandFailure::new(&format!("cannot copy {} to {}", task.from, task.to), error)
}

fn write_line(out: &mut dyn Write, row: &CopiedRow) -> io::Result<()> {
    let line = serde_json::to_string(row)? + "\n";
    out.write_all(line.as_bytes())?;
    out.flush()
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Copy>()
}
