//! Prints the result of making a classic chart repository, for people and for programs.

use std::io::Write;

use serde::Serialize;

use super::failure::CommandFailure;
use super::output::{Output, write_document};
use crate::digest::Digest;
use crate::environment;
use crate::reference::Reference;
use crate::verbs::{ClassicRow, ClassicStatus, IndexedRepository};

/// A classic repository that was made, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassicDocument {
    /// The path of the index.
    file: String,
    /// Whether the index was written because it differs from the one before.
    changed: bool,
    charts: Vec<ClassicDocumentRow>,
    /// How many tags stand for something other than a chart.
    foreign: usize,
}

/// A version in the repository.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ClassicDocumentRow {
    #[serde(rename = "ref")]
    reference: String,
    digest: Option<Digest>,
    /// `written` (its package), `current` (its package was there), `named` (only in the index) or `failed`.
    status: &'static str,
    /// The URL in the index: a file name, or a reference; empty if it failed.
    url: String,
    error: Option<String>,
}

impl ClassicDocument {
    /// The document for an index at this path, without charts yet.
    pub fn new(file: String) -> Self {
        Self { file, changed: false, charts: Vec::new(), foreign: 0 }
    }

    /// Whether there are no charts, not even failed ones.
    pub fn is_empty(&self) -> bool {
        self.charts.is_empty()
    }

    /// Adds the charts of a repository, and prints their results for people. Returns the failures.
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

    /// Prints the result for the whole repository: a line for people, or the document.
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

/// SOURCE_DATE_EPOCH in RFC 3339, as an index has it; `None` if it is not set.
pub fn source_date() -> Result<Option<String>, CommandFailure> {
    let epoch = environment::source_date_epoch();
    let epoch = epoch.map_err(|error| CommandFailure::called_wrongly(&error))?;
    Ok(epoch.and_then(|seconds| {
        let time = std::time::SystemTime::UNIX_EPOCH.checked_add(std::time::Duration::from_secs(seconds))?;
        Some(humantime::format_rfc3339_seconds(time).to_string())
    }))
}
