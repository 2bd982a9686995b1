//! How migrations are told: to people, to pipelines, and to programs.

use std::io::{self, Write};

use serde::Serialize;

use super::failure::CommandFailure;
use super::size_and_age;
use crate::chart_index::InvalidEntry;
use crate::digest::Digest;
use crate::reference::Reference;
use crate::terminal::printable;
use crate::verbs::{Migrated, MigrationStatus, MigrationTask};

/// What became of one version, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigratedRow {
    /// The chart's name in the index.
    pub name: String,
    /// The version.
    pub version: String,
    /// Where it goes, if that can be said.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// `copied`, `would-copy`, `overwritten`, `would-overwrite`, `unchanged`, `differs`, `skipped`, `failed` or `invalid`.
    pub status: &'static str,
    /// Why, where that is no failure: `journal`, `mismatch`.
    pub reason: Option<&'static str>,
    /// The package's digest, if it is known.
    pub chart_digest: Option<Digest>,
    /// The digest that the index has, if it has one.
    pub index_digest: Option<Digest>,
    /// The manifest at the destination, if it is known.
    pub manifest_digest: Option<Digest>,
    /// The package's size in bytes, if it was fetched.
    pub size: Option<u64>,
    /// Whether a provenance file went along.
    pub prov: bool,
    /// Where it was fetched from, without any query.
    pub url: Option<String>,
    /// Whether the index has no digest that fits.
    pub unverified: bool,
    /// The manifest that the tag stood for before, if another one did.
    pub replaced: Option<Digest>,
    /// What is to be said of it.
    pub warnings: Vec<String>,
    /// Why it was not migrated.
    pub error: Option<String>,
}

/// How many there were of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSummary {
    /// Versions that were meant.
    pub selected: usize,
    /// Those that the destination had not, and has now.
    pub copied: usize,
    /// Those that it had.
    pub unchanged: usize,
    /// Those that took the place of something else.
    pub overwritten: usize,
    /// Those of which it has something else.
    pub differs: usize,
    /// Those that were left out because they are not what the index says.
    pub skipped: usize,
    /// Those that failed.
    pub failed: usize,
    /// Entries that name nothing which could be fetched.
    pub invalid: usize,
    /// Those whose digest the index does not say.
    pub unverified: usize,
    /// How many bytes of blobs were sent.
    pub bytes: u64,
    /// How many requests were made.
    pub requests: u64,
    /// How long it took.
    pub seconds: u64,
    /// What the command ends with.
    pub exit_code: u8,
}

/// Where charts came from.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationSource {
    /// The repository's URL, or the path of a directory or an index.
    pub url: String,
    /// The digest of the index, but for when it was made.
    pub digest: Option<Digest>,
    /// The entity tag that its server gave.
    pub etag: Option<String>,
    /// How many charts it has.
    pub charts: usize,
    /// How many versions of them.
    pub versions: usize,
    /// Whether it is the one of the last run, of which nothing was left to do.
    pub unchanged: bool,
}

/// A whole migration, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct MigrationDocument {
    /// Where charts came from.
    pub source: MigrationSource,
    /// Where they went.
    pub destination: String,
    /// Whether nothing was sent.
    pub dry_run: bool,
    /// How many.
    pub summary: MigrationSummary,
    /// Each, in the index's order; none of an index that is unchanged.
    pub charts: Vec<MigratedRow>,
    /// The repositories that charts go to.
    pub repositories: Vec<String>,
}

impl MigrationSummary {
    /// Counts one more.
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

    /// `341 charts, 3254 versions: 120 copied (8.1 MiB), 3131 unchanged, 1 differs, 2 failed; 1203 requests in 41 s`
    pub fn line(&self, source: &MigrationSource, dry_run: bool) -> String {
        let would = if dry_run { "would be " } else { "" };
        let size = if dry_run { String::new() } else { format!(" ({})", size_and_age::bytes(self.bytes)) };
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
    /// The row about a version that was dealt with.
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

    /// The row about one that an earlier run has noted.
    pub fn noted(task: &MigrationTask, to: &Reference) -> Self {
        let chart_digest = task.digest().cloned();
        Self { status: "unchanged", reason: Some("journal"), chart_digest, ..Self::planned(task, Some(to)) }
    }

    /// The row about one that was not migrated.
    pub fn failed(task: &MigrationTask, to: Option<&Reference>, failure: &CommandFailure) -> Self {
        let status = if failure.is_difference() { "differs" } else { "failed" };
        Self { status, error: Some(failure.to_string()), warnings: shadowed(task), ..Self::planned(task, to) }
    }

    /// The row about an entry that names nothing.
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

/// A URL without its query, which may be a signature, and without a password.
fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1))) {
        Some((scheme, rest)) => format!("{scheme}://{rest}"),
        None => url.to_owned(),
    }
}

/// Tells people about a version: what is new, and with `all` what is not.
pub(super) fn print_migrated(out: &mut dyn Write, row: &MigratedRow, all: bool) -> io::Result<()> {
    let size = row.size.map(|size| format!(" ({})", size_and_age::bytes(size))).unwrap_or_default();
    let what = match row.status {
        "unchanged" if !all => return Ok(()),
        "would-copy" => "would be copied".to_owned(),
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
