//! How a classic repository that was made is told: to people, and to programs.

use std::io::Write;

use serde::Serialize;

use super::failure::CommandFailure;
use super::output::{Output, write_document};
use crate::digest::Digest;
use crate::environment;
use crate::reference::Reference;
use crate::verbs::{ClassicRow, ClassicStatus, IndexedRepository};

/// A classic repository, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassicDocument {
    /// The index.
    file: String,
    /// Whether it is another one than was there.
    changed: bool,
    charts: Vec<ClassicDocumentRow>,
    /// How many tags stand for no chart.
    foreign: usize,
}

/// A version in it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClassicDocumentRow {
    #[serde(rename = "ref")]
    reference: String,
    digest: Option<Digest>,
    /// `written`, `current`, `named` or `failed`.
    status: &'static str,
    /// A file's name, or a reference; empty where it failed.
    url: String,
    error: Option<String>,
}

impl ClassicDocument {
    /// That of an index, with nothing in it yet.
    pub fn new(file: String) -> Self {
        Self { file, changed: false, charts: Vec::new(), foreign: 0 }
    }

    /// Whether no chart is in it, well or not.
    pub fn is_empty(&self) -> bool {
        self.charts.is_empty()
    }

    /// Adds a repository, and tells people what became of its charts. Gives what went wrong.
    pub fn add(
        &mut self,
        out: &mut dyn Write,
        added: IndexedRepository,
        output: Output,
        quiet: bool,
    ) -> Result<Vec<CommandFailure>, CommandFailure> {
        let mut failures = Vec::new();
        self.foreign += added.foreign;
        for ClassicRow { reference, manifest, url, result } in added.rows {
            let (status, error) = match result {
                Ok(ClassicStatus::Written) => ("written", None),
                Ok(ClassicStatus::Current) => ("current", None),
                Ok(ClassicStatus::Named) => ("named", None),
                Err(error) => {
                    let failure = CommandFailure::new(&format!("cannot index {reference}"), &error);
                    let text = failure.to_string();
                    failures.push(failure);
                    ("failed", Some(text))
                }
            };
            if output == Output::Table && status == "written" {
                match (quiet, &manifest) {
                    (true, Some(digest)) => {
                        writeln!(out, "{}@{digest}", Reference { digest: None, ..reference.clone() })?;
                    }
                    (true, None) => writeln!(out, "{reference}")?,
                    (false, _) => writeln!(out, "{url}: written")?,
                }
            }
            let reference = reference.to_string();
            self.charts.push(ClassicDocumentRow { reference, digest: manifest, status, url, error });
        }
        Ok(failures)
    }

    /// Tells what became of all of it.
    pub fn end(
        &mut self,
        out: &mut dyn Write,
        changed: bool,
        output: Output,
        quiet: bool,
    ) -> Result<(), CommandFailure> {
        self.changed = changed;
        if output != Output::Table {
            return write_document(out, output, self);
        }
        if quiet {
            return Ok(());
        }
        let count = |status| self.charts.iter().filter(|row| row.status == status).count();
        let all = self.charts.len() - count("failed");
        let versions = if all == 1 { "1 version".to_owned() } else { format!("{all} versions") };
        let files = match count("named") {
            0 => format!("{} written, {} up to date", count("written"), count("current")),
            _ => "none written".to_owned(),
        };
        let index = if changed { "written" } else { "up to date" };
        Ok(writeln!(out, "{}: {index}, {versions}, {files}", self.file)?)
    }
}

/// SOURCE_DATE_EPOCH as an index has it.
pub fn source_date() -> Result<Option<String>, CommandFailure> {
    let epoch = environment::source_date_epoch();
    let epoch = epoch.map_err(|error| CommandFailure::called_wrongly(&error))?;
    Ok(epoch.and_then(|seconds| {
        let time = std::time::SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds))?;
        Some(humantime::format_rfc3339_seconds(time).to_string())
    }))
}
