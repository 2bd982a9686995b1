//! `helm-chart-migrate`: copies a classic chart repository into a registry, and the next time only what is new.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use oci::chart_index::{IndexError, MAX_INDEX, read_index};
use oci::chart_repository::{
    ChartRepository, FetchedIndex, IndexValidators, RepositoryAddress, RepositoryLogin,
};
use oci::cli::{
    self, ByteRate, Command, CommandFailure, Failures, IndexBase, Journal, LastMigration, ListOutput,
    MadeSince, Meter, MigrationFrom, MigrationOutcome, MigrationReport, MigrationSource, MigrationTelling,
    Output, Patience, Replacement, Shard, Tally,
};
use oci::connect::{self, ConnectFlags};
use oci::credential::{Credential, Secret};
use oci::credentials::Side;
use oci::digest::Digest;
use oci::environment;
use oci::http;
use oci::limits::{Budget, OverBudget};
use oci::reference::{Glob, Prefix, Reference};
use oci::threads::in_parallel;
use oci::verbs::{
    ChartSource, MigrateError, Migrating, MigrationOptions, MigrationPlan, MigrationSelection, MigrationTask,
    OnMismatch, Planner, Renames, SourceRegistries, read_directory,
};
use oci::version::Constraint;

oci::registry_command! {
    /// Migrate a classic chart repository to a registry: all of it, and the next time what is new.
    #[argh(
        example = "helm-chart-migrate https://charts.example.com oci://localhost:5000/charts",
        example = "helm-chart-migrate --dry-run --chart \"web*\" --latest 3 stable oci://localhost:5000/charts",
        example = "helm-chart-migrate ./synced-bucket oci://localhost:5000/charts",
        note = "Packages and what signs them keep their bytes, and a chart becomes PREFIX/NAME:VERSION with the manifest that \
                helm-chart-push makes of it. What has not the digest that the index has for it is not pushed: 7.",
        note = "A tag that stands for something else stays, and the exit code is 5; of several failures the worst counts: 7, 4, 6, \
                1, 3, 5. The same chart is success, whoever has pushed it.",
        note = "What is done is noted below Helm's cache: when nothing is new, the next run is one request. --check looks whether \
                the registry still has all of it.",
        note = "A login for the source goes to its scheme, host and port alone, unless --pass-credentials says otherwise."
    )]
    connection struct Migrate {
        /// where charts come from: the URL of a repository or of its index, the name of one that helm repo list shows, an
        /// index in a file or - for standard input, or a directory of packages
        #[argh(positional, arg_name = "source")]
        from: String,
        /// where they go, oci://host[:port]/path
        #[argh(positional, arg_name = "prefix")]
        to: Prefix,
        /// migrate charts of this name alone, with * and ?; may be given several times
        #[argh(option, arg_name = "glob")]
        chart: Vec<Glob>,
        /// leave out charts of this name; may be given several times
        #[argh(option, arg_name = "glob")]
        skip: Vec<Glob>,
        /// migrate versions that this constraint allows
        #[argh(option, arg_name = "range")]
        version: Option<String>,
        /// with --version and --latest, count prereleases, too
        #[argh(switch)]
        devel: bool,
        /// migrate the newest of each chart, so many
        #[argh(option, arg_name = "n")]
        latest: Option<NonZeroUsize>,
        /// migrate what the index says was made since: 2024-01-31, 30d; many indexes say when they were made themselves
        #[argh(option, arg_name = "date")]
        since: Option<MadeSince>,
        /// leave out charts that say they are no longer maintained
        #[argh(switch)]
        no_deprecated: bool,
        /// call a chart something else; may be given several times
        #[argh(option, arg_name = "old=new")]
        rename: Vec<Replacement>,
        /// in URLs of the index, replace what they begin with; may be given several times
        #[argh(option, arg_name = "old=new")]
        replace_url: Vec<Replacement>,
        /// what the URLs of an index in a file are relative to
        #[argh(option, arg_name = "url")]
        base: Option<String>,
        /// what to do with a package that is not what the index says: fail, skip or take
        #[argh(option, default = "MismatchRule::Fail", arg_name = "fail|skip|take")]
        on_mismatch: MismatchRule,
        /// leave provenance files behind
        #[argh(switch)]
        no_prov: bool,
        /// migrate nothing, and tell what would be
        #[argh(switch)]
        dry_run: bool,
        /// with --dry-run, ask how large each package is: one HEAD request for each
        #[argh(switch)]
        sizes: bool,
        /// ask the registry for every version, and not the journal
        #[argh(switch)]
        check: bool,
        /// in the end read every manifest back, and compare it with the index
        #[argh(switch)]
        recheck: bool,
        /// give the chart a tag that stands for something else
        #[argh(switch)]
        force: bool,
        /// it is no failure that a tag stands for something else
        #[argh(switch)]
        keep: bool,
        /// do one share of the repositories, for example 2/4, the second of four
        #[argh(option, arg_name = "i/n")]
        shard: Option<Shard>,
        /// send no more bytes of blobs in a second than this, all charts together: 500k, 2M
        #[argh(option, arg_name = "size")]
        rate: Option<ByteRate>,
        /// begin nothing more after this time: 50m, 6h
        #[argh(option, arg_name = "duration")]
        until: Option<Patience>,
        /// note in this file what is done, and leave out what an earlier run has noted there; `none` keeps no journal
        #[argh(option, arg_name = "file")]
        journal: Option<PathBuf>,
        /// the user to log in as at the source
        #[argh(option, arg_name = "name")]
        from_username: Option<String>,
        /// the password there, for all to see in the list of processes: better is --from-password-stdin
        #[argh(option, arg_name = "password")]
        from_password: Option<String>,
        /// read that password from standard input
        #[argh(switch)]
        from_password_stdin: bool,
        /// show the login to other hosts, too, where the index has its charts there
        #[argh(switch)]
        pass_credentials: bool,
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
        /// how many versions at once (default 8), of which at most 4 come from one server
        #[argh(option, default = "NonZeroUsize::MIN.saturating_add(7)", arg_name = "n")]
        concurrency: NonZeroUsize,
        /// print table, json, jsonl or yaml
        #[argh(option, short = 'o', default = "ListOutput::Table", arg_name = "table|json|jsonl|yaml")]
        output: ListOutput,
        /// print nothing but the reference of what was copied, with its digest
        #[argh(switch, short = 'q')]
        quiet: bool,
    }
}

/// What to do with a package that is not what the index says.
#[derive(Clone, Copy, Debug, argh::FromArgValue)]
enum MismatchRule {
    Fail,
    Skip,
    Take,
}

/// A job whose index has not been read yet.
struct MigrationJob {
    source: ChartSource,
    /// The name of the source, without secrets.
    name: String,
    index: IndexPlaceOf,
    registries: (oci::registry::Client, oci::registry::Client),
}

/// Where the index of a job is.
enum IndexPlaceOf {
    /// It is at the repository's URL.
    Repository,
    File(File),
    /// There is none: it is made from the packages.
    Directory(PathBuf),
}

/// The result of reading an index.
enum MigratedIndex<'b> {
    /// It is the same as in the last run.
    Unchanged,
    New(MigrationPlan<'b>, IndexValidators),
}

impl Command for Migrate {
    const NAME: &'static str = "helm-chart-migrate";

    fn run(mut self, out: &mut dyn Write) -> Result<(), Failures> {
        let begun = Instant::now();
        if self.quiet && self.output != ListOutput::Table {
            cli::one_form(Output::Json, true)?;
        }
        let readers = [self.from == "-", self.password_stdin, self.from_password_stdin];
        if readers.into_iter().filter(|reads| *reads).count() > 1 {
            return Err(CommandFailure::usage(
                "standard input is read once: for an index, or for one password",
            )
            .into());
        }
        if self.sizes && !self.dry_run {
            return Err(CommandFailure::usage(
                "--sizes is for --dry-run: a package that is migrated tells its size",
            )
            .into());
        }
        let (selection, job_digest) = (self.selection()?, self.digest());
        let renames = Renames(self.rename.iter().map(|one| (one.old.clone(), one.new.clone())).collect());
        let replaced: Vec<_> =
            self.replace_url.iter().map(|one| (one.old.clone(), one.new.clone())).collect();
        let end = self.until.map(|until| begun + Duration::from(until));
        let mut job = self.job()?;
        let journal = self.journal(&job.name)?;
        let last = journal.as_ref().and_then(|journal| LastMigration::read(journal.path(), &job_digest));
        let last = last.filter(|_| !self.check && !self.recheck && !self.dry_run);
        let budget = Budget::default();
        let planner = Planner::new(&selection, &replaced, &budget).map_err(CommandFailure::from)?;
        let index = job.read(planner, &budget, last.as_ref().map(|last| &last.index))?;
        let mut source = MigrationSource { url: job.name.clone(), ..MigrationSource::default() };
        let (plan, validators) = match (index, last) {
            (MigratedIndex::New(plan, validators), _) => (plan, validators),
            (MigratedIndex::Unchanged, last) => {
                let last = last.ok_or_else(|| CommandFailure::not_found("the repository has no index"))?;
                let (charts, versions) = (last.charts, last.versions);
                source = MigrationSource { charts, versions, unchanged: true, ..source };
                let report = MigrationReport::unchanged(out, self.telling(), last.selected);
                return report.conclude(source, &self.to, BTreeSet::new(), begun);
            }
        };
        (source.charts, source.versions) = plan.listed;
        source.digest.clone_from(&validators.content);
        source.etag = Some(validators.etag.clone()).filter(|etag| !etag.is_empty());
        self.warn_of_index(&plan)?;
        let MigrationPlan { tasks, invalid, .. } = &plan;
        // Made where they are needed: of tens of thousands they would take megabytes.
        let placed = |task: &MigrationTask| task.to(&self.to, &renames);
        let mine = |task: &&MigrationTask| match (self.shard, placed(task)) {
            (Some(shard), Ok(to)) => shard.has(&to),
            _ => true,
        };
        let tasks: Vec<_> = tasks.iter().filter(mine).collect();
        let options = MigrationOptions {
            without_provenance: self.no_prov,
            force: self.force,
            dry_run: self.dry_run,
            sizes: self.sizes,
            on_mismatch: match self.on_mismatch {
                MismatchRule::Fail => OnMismatch::Fail,
                MismatchRule::Skip => OnMismatch::Skip,
                MismatchRule::Take => OnMismatch::Take,
            },
            rate: self.rate.map(Into::into),
        };
        let registries = SourceRegistries { from: &job.registries.0, to: &job.registries.1 };
        let mut migrating = Migrating::new(&job.source, registries, options, &budget);
        let is_noted = |task: &MigrationTask, to: &Reference| {
            !self.check
                && journal
                    .as_ref()
                    .is_some_and(|journal| journal.has(&noted(&job.name, task), &to.to_string()))
        };
        let open = |task: &&MigrationTask| placed(task).ok().filter(|to| !is_noted(task, to));
        migrating.expect(tasks.iter().filter_map(open));
        let count = tasks.iter().filter_map(open).count();
        let meter = Meter::of_job("Migrating", self.quiet, count);
        let tally = Tally::of("migrated", count, self.dry_run, journal.as_ref())?;
        if !self.dry_run
            && let Some(journal) = &journal
        {
            LastMigration::forget(journal.path());
        }
        let is_gone = AtomicBool::new(false);
        let work = |task: &MigrationTask, to: &Reference| {
            if is_noted(task, to) {
                return MigrationOutcome::Noted;
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return MigrationOutcome::Late;
            }
            if is_gone.load(Ordering::Relaxed) {
                return MigrationOutcome::Unasked;
            }
            let done = migrating.migrate(task, to, &|step| meter.step(step));
            meter.item();
            match done {
                Err(error) => {
                    // After this no further version is begun: each would wait as long for a registry that is gone.
                    is_gone.fetch_or(error.is_refused(), Ordering::Relaxed);
                    MigrationOutcome::Failed(failed(task, &error))
                }
                Ok(done) => {
                    tally.add();
                    let is_done = !self.dry_run && task.digest().is_some() && done.manifest.is_some();
                    let note = |journal: &Journal| match &done.manifest {
                        Some(manifest) => journal.note(&noted(&job.name, task), &to.to_string(), manifest, 0),
                        None => Ok(()),
                    };
                    let unnoted = journal.as_ref().filter(|_| is_done).map_or(Ok(()), note).err();
                    MigrationOutcome::Done(Box::new(done), unnoted)
                }
            }
        };
        let mut report = MigrationReport::begin(out, self.telling(), tasks.len());
        invalid.iter().for_each(|entry| report.invalid(entry));
        let begin = |task| match placed(task) {
            Ok(to) => {
                let outcome = work(task, &to);
                (task, Some(to), outcome)
            }
            Err(error) => (task, None, MigrationOutcome::Failed(misplaced(task, &error))),
        };
        let mut repositories = BTreeSet::new();
        in_parallel(
            &tasks,
            self.concurrency.get(),
            |task| begin(*task),
            |(task, to, outcome)| {
                repositories.extend(to.as_ref().map(Reference::name));
                report.take(task, to.as_ref(), outcome);
            },
        );
        if self.recheck && !self.dry_run {
            let look = |task| {
                let found = placed(task).ok().map(|to| migrating.recheck(task, &to));
                (task, found.map_or(Ok(()), |found| found.map(drop)))
            };
            in_parallel(
                &tasks,
                self.concurrency.get(),
                |task| look(*task),
                |(task, found)| {
                    if let Err(error) = found {
                        report.failed(failed(task, &error));
                    }
                },
            );
        }
        if let (true, Some(journal)) = (report.is_whole() && !self.dry_run, &journal) {
            let (charts, versions) = plan.listed;
            let selected = tasks.len();
            LastMigration { index: validators, job: job_digest, charts, versions, selected }
                .write(journal.path());
        }
        report.conclude(source, &self.to, repositories, begun)
    }
}

impl Migrate {
    fn telling(&self) -> MigrationTelling {
        let Self { output, quiet, keep, dry_run, .. } = *self;
        MigrationTelling { output, quiet, keep, dry_run }
    }

    fn selection(&self) -> Result<MigrationSelection, CommandFailure> {
        let versions = self.version.as_deref().map(Constraint::parse).transpose();
        Ok(MigrationSelection {
            charts: self.chart.clone(),
            skipped: self.skip.clone(),
            versions: versions.map_err(|error| CommandFailure::called_wrongly(&error))?,
            prereleases: self.devel,
            latest: self.latest.map(NonZeroUsize::get),
            since: self.since.as_ref().map(|since| since.time),
            without_deprecated: self.no_deprecated,
        })
    }

    /// A digest of the arguments that decide what is migrated. Of `--since` it contains the argument and not the time,
    /// which differs in each run for one like `30d`: what such a later run selects was selected by the last one, too.
    fn digest(&self) -> Digest {
        let Self { chart, skip, version, devel, latest, no_deprecated, rename, replace_url, .. } = self;
        let Self { on_mismatch, no_prov, shard, to, since, .. } = self;
        let text = format!(
            "{chart:?} {skip:?} {version:?} {devel} {latest:?} {no_deprecated} {rename:?} {replace_url:?} {on_mismatch:?} {no_prov} \
             {shard:?} {to} {}",
            since.as_ref().map_or("", |since| &since.text)
        );
        Digest::of(text.as_bytes())
    }

    /// Determines the source, and connects to it and to the destination.
    fn job(&mut self) -> Result<MigrationJob, CommandFailure> {
        let from = MigrationFrom::of(&self.from, self.base.as_deref())?;
        let mut connection = self.source()?;
        let given = connection.credential.clone();
        if let MigrationFrom::Configured(_, known) = &from {
            connection.ca_file = connection.ca_file.or_else(|| known.ca_file.clone());
            connection.cert_file.clone_from(&known.cert_file);
            connection.key_file.clone_from(&known.key_file);
            connection.insecure |= known.insecure;
        }
        let login = self.login(given, &from);
        let options = connect::http_options(&connection);
        let repository = |address: Box<RepositoryAddress>, login| {
            let name = address.to_string();
            let client = ChartRepository::new(&options, *address, login).map_err(CommandFailure::from)?;
            Ok::<_, CommandFailure>((ChartSource::Repository(Box::new(client)), name))
        };
        let ((source, name), index) = match from {
            MigrationFrom::Repository(address) | MigrationFrom::Configured(address, _) => {
                (repository(address, login)?, IndexPlaceOf::Repository)
            }
            MigrationFrom::Index(file, IndexBase::Repository(address)) => {
                (repository(address, login)?, IndexPlaceOf::File(file))
            }
            MigrationFrom::Index(file, IndexBase::Directory(path)) => {
                (local(&path, &options)?, IndexPlaceOf::File(file))
            }
            MigrationFrom::Directory(path) => (local(&path, &options)?, IndexPlaceOf::Directory(path)),
        };
        // Registries that the index names do not get the repository's login.
        let elsewhere =
            ConnectFlags { credential: None, ca_file: None, cert_file: None, key_file: None, ..connection };
        let destination = self.destination()?;
        let to = self.to.with_name("x").map_err(CommandFailure::from)?;
        let from = connect::connect(&elsewhere, &[]).map_err(CommandFailure::from)?;
        let to = connect::connect(&destination, &[to]).map_err(CommandFailure::from)?;
        Ok(MigrationJob { source, name, index, registries: (from, to) })
    }

    /// The login for the repository: from the flags, else the environment, else Helm's configuration, else the URL.
    fn login(&self, given: Option<Credential>, from: &MigrationFrom) -> Option<RepositoryLogin> {
        let passed_on = self.pass_credentials;
        let of = |username: String, password: Secret| RepositoryLogin { username, password, passed_on };
        if let Some(Credential::Basic { username, password }) = given {
            return Some(of(username, password));
        }
        let [user, password] = environment::FROM_LOGIN.map(environment::variable);
        if let (Some(user), Some(password)) = (user, password) {
            return Some(of(user, Secret::new(password)));
        }
        match from {
            MigrationFrom::Configured(_, known) if !known.username.is_empty() => {
                let password = known.password.clone().unwrap_or_else(|| Secret::new(String::new()));
                let login = of(known.username.clone(), password);
                Some(RepositoryLogin { passed_on: passed_on || known.passed_on, ..login })
            }
            _ => None,
        }
    }

    fn source(&mut self) -> Result<ConnectFlags, CommandFailure> {
        let (username, password) = (self.from_username.take(), self.from_password.take());
        let credential = cli::given_credential(username, password, self.from_password_stdin)
            .map_err(|failure| failure.at("the source's login"))?;
        if matches!(credential, Some(Credential::IdentityToken(_) | Credential::RegistryToken(_))) {
            return Err(CommandFailure::usage(
                "a repository takes a user and a password, and no token of a registry",
            ));
        }
        Ok(ConnectFlags {
            plain_http: false,
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

    /// The journal that was asked for, or the job's default one. If the default one cannot be written, the migration
    /// runs without it.
    fn journal(&self, name: &str) -> Result<Option<Journal>, CommandFailure> {
        match &self.journal {
            Some(path) if path == Path::new("none") => Ok(None),
            _ if self.dry_run => Ok(None),
            Some(path) => Journal::open(path).map(Some),
            None => {
                let destination = format!("{} {:?}", self.to, self.shard);
                let Some(path) = cli::default_journal(name, &destination) else { return Ok(None) };
                let made = path.parent().map_or(Ok(()), fs::create_dir_all);
                match made.map_err(CommandFailure::from).and_then(|()| Journal::open(&path)) {
                    Ok(journal) => Ok(Some(journal)),
                    Err(failure) if failure.is_usage() => Err(failure),
                    Err(failure) => {
                        failure.at("nothing is noted of what is done").warn();
                        Ok(None)
                    }
                }
            }
        }
    }

    /// Warns about anomalies of an index. An error if a name of `--chart` matches nothing.
    fn warn_of_index(&self, plan: &MigrationPlan<'_>) -> Result<(), CommandFailure> {
        for glob in &self.chart {
            let has = |name: &str| glob.matches_name(name);
            if !plan.tasks.iter().any(|task| has(&task.chart)) {
                let message = format!("no chart of the index that is meant is called {glob}");
                return Err(CommandFailure::not_found(message));
            }
        }
        if plan.listed.1 == 300 {
            log::warn!(target: "oci", "the index has just 300 versions: GitLab lists no more, whatever it has");
        }
        for entry in &plan.invalid {
            log::warn!(target: "oci", "{entry}");
        }
        Ok(())
    }
}

fn local(path: &Path, options: &http::HttpOptions) -> Result<(ChartSource, String), CommandFailure> {
    let failed = |source| oci::disk::PathError { verb: "read", path: path.to_owned(), source };
    let path = fs::canonicalize(path).map_err(failed)?;
    let name = path.display().to_string();
    Ok((ChartSource::directory(path, options.clone()), name))
}

impl MigrationJob {
    /// Reads the index from any kind of source.
    fn read<'b>(
        &mut self,
        mut planner: Planner<'b>,
        budget: &Budget,
        known: Option<&IndexValidators>,
    ) -> Result<MigratedIndex<'b>, CommandFailure> {
        let (mut file, validators) = match (&mut self.index, &self.source) {
            (IndexPlaceOf::Directory(path), _) => {
                let mut take = |item| Ok(planner.take(item)?);
                read_directory(path, budget, &mut take).map_err(CommandFailure::from)?;
                return Ok(MigratedIndex::New(planner.finish(), IndexValidators::default()));
            }
            (IndexPlaceOf::File(file), _) => {
                let again = file.try_clone().map_err(CommandFailure::from)?;
                (again, IndexValidators::default())
            }
            (IndexPlaceOf::Repository, ChartSource::Repository(repository)) => {
                match repository.index(known, MAX_INDEX).map_err(|error| self.unread(&error))? {
                    FetchedIndex::Unchanged => return Ok(MigratedIndex::Unchanged),
                    FetchedIndex::New { file, validators, .. } => (file, validators),
                }
            }
            (IndexPlaceOf::Repository, ChartSource::Directory(_)) => return Ok(MigratedIndex::Unchanged),
        };
        let mut take = |item| planner.take(item).map_err(IndexError::from);
        let read = read_index(&mut file, budget, &mut take);
        match read {
            Ok(()) => Ok(MigratedIndex::New(planner.finish(), validators)),
            Err(IndexError::Memory(OverBudget)) => Err(CommandFailure::new(&self.name, &OverBudget)
                .hint("--chart and --skip choose a part of the index; several runs migrate all of it")),
            Err(error) => Err(CommandFailure::new(&self.name, &error)),
        }
    }

    fn unread(&self, error: &oci::chart_repository::RepositoryError) -> CommandFailure {
        CommandFailure::new(&format!("cannot read the index of {}", self.name), error)
    }
}

/// The key of a version in the journal. It contains the digest of the package and not its URL.
fn noted(source: &str, task: &MigrationTask) -> String {
    let digest = task.digest().map(ToString::to_string).unwrap_or_default();
    format!("{source} {} {} {digest}", task.chart, task.version)
}

fn failed(task: &MigrationTask, error: &MigrateError) -> CommandFailure {
    CommandFailure::new(&format!("cannot migrate {} {}", task.chart, task.version), error)
}

fn misplaced(task: &MigrationTask, error: &oci::reference::ReferenceError) -> CommandFailure {
    let place = format!("cannot migrate {} {}", task.chart, task.version);
    CommandFailure::from(io::Error::other(error.to_string()))
        .at(&place)
        .hint("--rename OLD=NEW calls the chart something else")
}

oci::allocator_for_threads!();

fn main() -> ExitCode {
    cli::main::<Migrate>()
}
