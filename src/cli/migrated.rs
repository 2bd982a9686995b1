//! Prints the results of migrations, for people, pipelines and programs.

use std::io::{self, Write};

use serde::Serialize;

use super::failure::CommandFailure;
use super::size_and_age;
use crate::chart_index::InvalidEntry;
use crate::digest::Digest;
use crate::reference::Reference;
use crate::terminal::printable;
use crate::verbs::{Migrated, MigrationStatus, MigrationTask};

/// The result for one version, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigratedRow {
    /// The chart's name in the index.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The destination reference, if it could be determined.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// `copied`, `would-copy`, `overwritten`, `would-overwrite`, `unchanged`, `differs`, `skipped`, `failed` or `invalid`.
    pub status: &'static str,
    /// A further reason, if it is not a failure: `journal` or `mismatch`.
    pub reason: Option<&'static str>,
    /// The digest of the package, if it is known.
    pub chart_digest: Option<Digest>,
    /// The digest in the index, if there is one.
    pub index_digest: Option<Digest>,
    /// The digest of the manifest at the destination, if it is known.
    pub manifest_digest: Option<Digest>,
    /// The size of the package in bytes, if it was fetched.
    pub size: Option<u64>,
    /// Whether a provenance file was migrated with it.
    pub prov: bool,
    /// The URL that it was fetched from, without its query.
    pub url: Option<String>,
    /// Whether the index has no digest to verify it by.
    pub unverified: bool,
    /// The manifest that the tag stood for before, if that was another one.
    pub replaced: Option<Digest>,
    /// Warnings about this version of the chart; they do not make it fail.
    pub warnings: Vec<String>,
    /// Why it was not migrated.
    pub error: Option<String>,
}

/// The numbers of versions with each result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSummary {
    /// Versions that were selected.
    pub selected: usize,
    /// Versions that were copied because the destination did not have them.
    pub copied: usize,
    /// Versions that the destination already had.
    pub unchanged: usize,
    /// Versions that replaced something else.
    pub overwritten: usize,
    /// Versions of which the destination has something else.
    pub differs: usize,
    /// Versions that were skipped because they are not what the index says.
    pub skipped: usize,
    /// Versions that failed.
    pub failed: usize,
    /// Entries of the index that name nothing to fetch.
    pub invalid: usize,
    /// Versions without a digest in the index.
    pub unverified: usize,
    /// How many bytes of blobs were sent.
    pub bytes: u64,
    /// How many requests were made.
    pub requests: u64,
    /// How many seconds it took.
    pub seconds: u64,
    /// The exit code of the command.
    pub exit_code: u8,
}

/// The source of a migration.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSource {
    /// The repository's URL, or the path of a directory or an index.
    pub url: String,
    /// The digest of the index, without the time at which it was made.
    pub digest: Option<Digest>,
    /// The entity tag of the index.
    pub etag: Option<String>,
    /// How many charts the index has.
    pub charts: usize,
    /// How many versions the index has.
    pub versions: usize,
    /// Whether the index has not changed since the last run, which left nothing to do.
    pub unchanged: bool,
}

/// A whole migration, for programs, without its `charts`: these are the rows of all versions, in the order of the index; none if
/// the index has not changed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationDocument {
    /// The source.
    pub source: MigrationSource,
    /// The destination.
    pub destination: String,
    /// Whether this is a dry run, in which nothing was sent.
    pub dry_run: bool,
    /// The numbers of versions.
    pub summary: MigrationSummary,
    /// The repositories that charts go to.
    pub repositories: Vec<String>,
}

impl MigrationSummary {
    /// Adds a version, and the bytes that were sent for it.
    pub fn count(&mut self, row: &MigratedRow, sent: u64) {
        let counter = match row.status {
            "copied" | "would-copy" => &mut self.copied,
            "overwritten" | "would-overwrite" => &mut self.overwritten,
            "unchanged" => &mut self.unchanged,
            "differs" => &mut self.differs,
            "skipped" => &mut self.skipped,
            "invalid" => &mut self.invalid,
            _ => &mut self.failed,
        };
        *counter += 1;
        self.unverified += usize::from(row.unverified);
        self.bytes += sent;
    }

    /// The last line for people: `341 charts, 3254 versions: 120 copied (8.1 MiB), 3131 unchanged, 1 differs, 2 failed;
    /// 1203 requests in 41 s`.
    pub fn line(&self, source: &MigrationSource, dry_run: bool) -> String {
        let would = if dry_run { "would be " } else { "" };
        let is_known = !dry_run || self.bytes > 0;
        let size = if is_known { format!(" ({})", size_and_age::bytes(self.bytes)) } else { String::new() };
        let mut parts =
            vec![format!("{} {would}copied{size}", self.copied), format!("{} unchanged", self.unchanged)];
        let others = [
            (self.overwritten, format!("{would}overwritten")),
            (self.differs, if self.differs == 1 { "differs" } else { "differ" }.to_owned()),
            (self.skipped, "skipped".to_owned()),
            (self.failed, "failed".to_owned()),
            (self.invalid, "invalid".to_owned()),
            (self.unverified, "without a digest that fits".to_owned()),
        ];
        parts.extend(
            others.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")),
        );
        let (charts, versions) = (source.charts, self.selected);
        let plural = |count: usize, one: &str| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let requests = if self.requests == 1 { "request" } else { "requests" };
        format!(
            "{}, {}: {}; {} {requests} in {} s",
            plural(charts, "chart"),
            plural(versions, "version"),
            parts.join(", "),
            self.requests,
            self.seconds
        )
    }
}

impl MigratedRow {
    /// The row for a version that was handled.
    pub fn of(task: &MigrationTask, done: &Migrated, dry_run: bool) -> Self {
        let status = match (done.status, dry_run) {
            (MigrationStatus::Copied, false) => "copied",
            (MigrationStatus::Copied, true) => "would-copy",
            (MigrationStatus::Overwritten, false) => "overwritten",
            (MigrationStatus::Overwritten, true) => "would-overwrite",
            (MigrationStatus::Unchanged, _) => "unchanged",
            (MigrationStatus::Skipped, _) => "skipped",
        };
        let misnamed = done.misnamed.iter().map(ToString::to_string);
        Self {
            status,
            reason: (done.status == MigrationStatus::Skipped).then_some("mismatch"),
            chart_digest: done.chart.clone(),
            manifest_digest: done.manifest.clone(),
            size: done.size,
            prov: done.has_provenance,
            url: done.url.as_deref().map(shown),
            unverified: done.is_unverified,
            replaced: done.replaced.clone(),
            warnings: shadowed(task)
                .into_iter()
                .chain(misnamed)
                .chain(done.warnings.iter().cloned())
                .collect(),
            ..Self::planned(task, Some(&done.to))
        }
    }

    /// The row for a version that an earlier run has recorded in the journal.
    pub fn noted(task: &MigrationTask, to: &Reference) -> Self {
        let chart_digest = task.digest().cloned();
        Self { status: "unchanged", reason: Some("journal"), chart_digest, ..Self::planned(task, Some(to)) }
    }

    /// The row for a version that was not migrated.
    pub fn failed(task: &MigrationTask, to: Option<&Reference>, failure: &CommandFailure) -> Self {
        let status = if failure.is_difference() { "differs" } else { "failed" };
        Self { status, error: Some(failure.to_string()), warnings: shadowed(task), ..Self::planned(task, to) }
    }

    /// The row for an entry of the index that names nothing to fetch.
    pub fn invalid(entry: &InvalidEntry) -> Self {
        Self {
            name: entry.chart.clone(),
            version: String::new(),
            reference: None,
            status: "invalid",
            reason: None,
            chart_digest: None,
            index_digest: None,
            manifest_digest: None,
            size: None,
            prov: false,
            url: None,
            unverified: false,
            replaced: None,
            warnings: Vec::new(),
            error: Some(entry.to_string()),
        }
    }

    fn planned(task: &MigrationTask, to: Option<&Reference>) -> Self {
        Self {
            name: task.chart.to_string(),
            version: task.version.to_string(),
            reference: to.map(ToString::to_string),
            status: "failed",
            reason: None,
            chart_digest: None,
            index_digest: task.digest().cloned(),
            manifest_digest: None,
            size: None,
            prov: false,
            url: None,
            unverified: false,
            replaced: None,
            warnings: Vec::new(),
            error: None,
        }
    }
}

fn shadowed(task: &MigrationTask) -> Vec<String> {
    let warning = |version: &str| format!("{version} would have the same tag, and is left out");
    task.shadowed.iter().map(|version| warning(version)).collect()
}

/// A URL without its query, which may be a signature, and without user and password.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1))) {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None => url.to_owned(),
    }
}

/// Prints the result for one version for people; with `all` also if it was unchanged.
pub(super) fn print_migrated(out: &mut dyn Write, row: &MigratedRow, all: bool) -> io::Result<()> {
    let size = row.size.map(|size| format!(" ({})", size_and_age::bytes(size))).unwrap_or_default();
    let what = match row.status {
        "unchanged" if !all => return Ok(()),
        "would-copy" => format!("would be copied{size}"),
        "would-overwrite" => "would be overwritten".to_owned(),
        "copied" | "overwritten" if row.prov => format!("{}, with its provenance{size}", row.status),
        "copied" | "overwritten" => format!("{}{size}", row.status),
        "unchanged" | "skipped" => row.status.to_owned(),
        _ => return Ok(()),
    };
    let line = format!("{}:{}: {what}\n", printable(&row.name, 256), printable(&row.version, 256));
    out.write_all(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_says_what_there_is_to_say() {
        let source = MigrationSource { charts: 341, versions: 3254, ..MigrationSource::default() };
        let summary = MigrationSummary {
            selected: 3254,
            copied: 120,
            unchanged: 3131,
            bytes: 8 << 20,
            requests: 1203,
            seconds: 41,
            ..MigrationSummary::default()
        };
        assert_eq!(
            summary.line(&source, false),
            "341 charts, 3254 versions: 120 copied (8.0 MiB), 3131 unchanged; 1203 requests in 41 s"
        );
        let source = MigrationSource { charts: 1, ..source };
        let summary = MigrationSummary {
            selected: 1,
            differs: 1,
            failed: 2,
            invalid: 3,
            requests: 1,
            ..MigrationSummary::default()
        };
        assert_eq!(
            summary.line(&source, true),
            "1 chart, 1 version: 0 would be copied, 0 unchanged, 1 differs, 2 failed, 3 invalid; 1 request in 0 s"
        );
        assert_eq!(shown("https://me:s3cret@h/x?sig=s3cret"), "https://h/x");
    }
}
