//! Reports a migration, while it runs and at its end.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead as _, BufWriter, Seek as _, Write};
use std::time::Instant;

use super::failure::{CommandFailure, Failures};
use super::migrated::{MigratedRow, MigrationDocument, MigrationSource, MigrationSummary, print_migrated};
use super::output::ListOutput;
use super::run::is_debug;
use crate::chart_index::InvalidEntry;
use crate::http;
use crate::reference::{Prefix, Reference};
use crate::verbs::{Migrated, MigrationTask};
use crate::yaml_text;

/// How a migration is reported.
#[derive(Clone, Copy, Debug)]
pub struct MigrationTelling {
    /// The format.
    pub output: ListOutput,
    /// Whether to print only what was copied.
    pub quiet: bool,
    /// Whether a tag that stands for something else is not a failure.
    pub keep: bool,
    /// Whether this is a dry run, in which nothing is sent.
    pub dry_run: bool,
}

/// The result for a version, and for its line in the journal.
#[derive(Debug)]
pub enum MigrationOutcome {
    /// An earlier run has recorded it in the journal.
    Noted,
    /// It was not begun, because the time was up.
    Late,
    /// It was not begun, because a server is gone.
    Unasked,
    /// It was not migrated.
    Failed(CommandFailure),
    /// It was migrated. The failure says that it could not be recorded in the journal.
    Done(Box<Migrated>, Option<CommandFailure>),
}

/// Reports the result for each version.
pub struct MigrationReport<'o> {
    out: &'o mut dyn Write,
    telling: MigrationTelling,
    /// The text of the rows of a document: tens of thousands of them do not stay in memory.
    rows: Option<BufWriter<File>>,
    failures: Vec<CommandFailure>,
    summary: MigrationSummary,
    printed: io::Result<()>,
    unnoted: Option<CommandFailure>,
    late: usize,
    unasked: usize,
}

impl<'o> MigrationReport<'o> {
    /// A report without results yet, for this many versions.
    pub fn begin(out: &'o mut dyn Write, telling: MigrationTelling, selected: usize) -> Self {
        Self {
            out,
            telling,
            rows: None,
            failures: Vec::new(),
            summary: MigrationSummary { selected, ..MigrationSummary::default() },
            printed: Ok(()),
            unnoted: None,
            late: 0,
            unasked: 0,
        }
    }

    /// The report of a run that had nothing to do.
    pub fn unchanged(out: &'o mut dyn Write, telling: MigrationTelling, selected: usize) -> Self {
        let report = Self::begin(out, telling, selected);
        Self { summary: MigrationSummary { unchanged: selected, ..report.summary }, ..report }
    }

    /// Adds an entry of the index that names nothing to fetch.
    pub fn invalid(&mut self, entry: &InvalidEntry) {
        self.row(&MigratedRow::invalid(entry), 0, None);
    }

    /// Adds a failure that is not about one version.
    pub fn failed(&mut self, failure: CommandFailure) {
        self.failures.push(failure);
    }

    /// Adds the result for a version. Results must come in the order of the index.
    pub fn take(&mut self, task: &MigrationTask, to: Option<&Reference>, outcome: MigrationOutcome) {
        match outcome {
            MigrationOutcome::Late => self.late += 1,
            MigrationOutcome::Unasked => self.unasked += 1,
            MigrationOutcome::Noted => {
                if let Some(to) = to {
                    self.row(&MigratedRow::noted(task, to), 0, None);
                }
            }
            MigrationOutcome::Failed(failure) => {
                self.row(&MigratedRow::failed(task, to, &failure), 0, None);
                if self.telling.keep && failure.is_difference() {
                    failure.without_hint().warn();
                } else {
                    self.failures.push(failure);
                }
            }
            MigrationOutcome::Done(done, unnoted) => {
                if self.unnoted.is_none() {
                    self.unnoted = unnoted;
                }
                let row = MigratedRow::of(task, &done, self.telling.dry_run);
                for warning in &row.warnings {
                    log::warn!(target: "oci", "{}:{}: {warning}", task.chart, task.version);
                }
                let bytes = if self.telling.dry_run { done.size.unwrap_or(0) } else { done.sent };
                self.row(&row, bytes, Some(&done));
            }
        }
    }

    fn row(&mut self, row: &MigratedRow, sent: u64, done: Option<&Migrated>) {
        self.summary.count(row, sent);
        if self.printed.is_err() {
            return;
        }
        match self.telling.output {
            ListOutput::Json => self.printed = self.keep_json(row),
            ListOutput::Yaml => self.printed = self.keep_yaml(row),
            ListOutput::Jsonl => {
                let line = serde_json::to_string(row).map_err(io::Error::other).map(|line| line + "\n");
                self.printed = line.and_then(|line| {
                    self.out.write_all(line.as_bytes())?;
                    self.out.flush()
                });
            }
            ListOutput::Table if self.telling.quiet => {
                let is_new = matches!(row.status, "copied" | "overwritten");
                let new = done.filter(|_| is_new);
                if let Some((done, manifest)) = new.and_then(|done| Some((done, done.manifest.as_ref()?))) {
                    self.printed = writeln!(self.out, "{}@{manifest}", done.to);
                }
            }
            ListOutput::Table => self.printed = print_migrated(self.out, row, is_debug()),
        }
    }

    /// Whether nothing is left to do for another run.
    pub fn is_whole(&self) -> bool {
        self.failures.is_empty()
            && self.unnoted.is_none()
            && self.summary.failed + self.summary.differs + self.late + self.unasked == 0
    }

    /// Ends the report, and returns the failures.
    pub fn conclude(
        mut self,
        source: MigrationSource,
        destination: &Prefix,
        repositories: BTreeSet<String>,
        begun: Instant,
    ) -> Result<(), Failures> {
        self.failures.extend(self.unnoted.take());
        let all = self.summary.selected;
        let not_begun = [
            (self.late, "the time was up before", "were begun"),
            (self.unasked, "a server is not there, and", "were not begun"),
        ];
        for (count, why, were) in not_begun.into_iter().filter(|(count, ..)| *count > 0) {
            let message = format!("{why} {count} of {all} versions {were}");
            self.failures.push(CommandFailure::from(io::Error::other(message)));
        }
        let elapsed = begun.elapsed();
        self.summary.seconds = elapsed.as_secs() + u64::from(elapsed.subsec_millis() >= 500);
        self.summary.requests = http::requests_made();
        self.summary.exit_code = Failures::worst_code(&self.failures);
        // A closed output is not a failure of the migration, and must not hide one.
        let printed = std::mem::replace(&mut self.printed, Ok(()));
        let told =
            printed.map_err(CommandFailure::from).and_then(|()| self.tell(source, destination, repositories));
        self.failures.extend(told.err());
        Failures::worst_of(self.failures)
    }

    fn tell(
        &mut self,
        source: MigrationSource,
        destination: &Prefix,
        repositories: BTreeSet<String>,
    ) -> Result<(), CommandFailure> {
        let MigrationTelling { output, quiet, dry_run, .. } = self.telling;
        let document = MigrationDocument {
            source,
            destination: destination.to_string(),
            dry_run,
            summary: self.summary,
            repositories: repositories.into_iter().collect(),
        };
        match output {
            ListOutput::Table if quiet => Ok(()),
            ListOutput::Table => {
                // In some registries repositories have to be created before, so a dry run lists them.
                for repository in document.repositories.iter().filter(|_| dry_run) {
                    writeln!(self.out, "{repository}")?;
                }
                Ok(writeln!(self.out, "{}", self.summary.line(&document.source, dry_run))?)
            }
            ListOutput::Jsonl => Ok(()),
            ListOutput::Json => {
                let text = serde_json::to_string_pretty(&document).map_err(io::Error::other)?;
                let open = text.strip_suffix("\n}").unwrap_or(&text);
                write!(self.out, "{open},\n  \"charts\": [")?;
                if self.copy_rows()? {
                    write!(self.out, "  ")?;
                }
                Ok(writeln!(self.out, "]\n}}")?)
            }
            ListOutput::Yaml => {
                let rest = serde_json::to_value(&document).map_err(io::Error::other)?;
                if self.rows.is_none() {
                    writeln!(self.out, "charts: []")?;
                } else {
                    writeln!(self.out, "charts:")?;
                    self.copy_rows()?;
                }
                Ok(self.out.write_all(yaml_text::document(&rest).as_bytes())?)
            }
        }
    }

    /// Keeps a row as a part of the JSON document.
    fn keep_json(&mut self, row: &MigratedRow) -> io::Result<()> {
        let separator = if self.rows.is_some() { "," } else { "" };
        let mut text = separator.to_owned();
        // No string of JSON has a line break in it.
        for line in serde_json::to_string_pretty(row)?.lines() {
            text.push_str("\n    ");
            text.push_str(line);
        }
        self.keep(&text)
    }

    /// The same of the YAML document.
    fn keep_yaml(&mut self, row: &MigratedRow) -> io::Result<()> {
        let mut text = String::new();
        yaml_text::item(&mut text, 0, &serde_json::to_value(row)?);
        self.keep(&text)
    }

    fn keep(&mut self, text: &str) -> io::Result<()> {
        let rows = match self.rows.take() {
            Some(rows) => rows,
            None => BufWriter::new(tempfile::tempfile()?),
        };
        self.rows.insert(rows).write_all(text.as_bytes())
    }

    /// Writes the rows that were kept, if there are any.
    fn copy_rows(&mut self) -> io::Result<bool> {
        let Some(mut rows) = self.rows.take() else { return Ok(false) };
        rows.flush()?;
        let mut file = rows.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        // In whole lines: what is written is made fit for a terminal piece by piece.
        for line in io::BufReader::new(file).lines() {
            let line = line?;
            match line.is_empty() {
                true => self.out.write_all(b"\n")?,
                false => self.out.write_all(line.as_bytes()).and_then(|()| self.out.write_all(b"\n"))?,
            }
        }
        Ok(true)
    }
}
