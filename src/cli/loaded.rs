//! Prints the results of loading, for people and for programs.

use std::io::{self, Write};

use serde::Serialize;

use super::failure::CommandFailure;
use crate::digest::Digest;
use crate::verbs::{LoadStatus, LoadedChart};

/// The result for one chart of a layout, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadedRow {
    /// Its reference at the destination; null if it has no name.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The digest of its manifest.
    pub digest: Digest,
    /// `loaded`, `copied`, `updated`, `current`, `differs` or `failed`.
    pub status: &'static str,
    /// How many manifests are attached to it.
    pub attached: usize,
    /// Why it was not loaded.
    pub error: Option<String>,
}

impl LoadedRow {
    /// The row for a chart that was loaded. `is_sent` is whether it was sent to a registry.
    pub fn of(loaded: &LoadedChart, is_sent: bool) -> Self {
        Self {
            reference: Some(loaded.reference.to_string()),
            digest: loaded.digest.clone(),
            status: match loaded.status {
                LoadStatus::Loaded if is_sent => "copied",
                LoadStatus::Loaded => "loaded",
                LoadStatus::Updated => "updated",
                LoadStatus::Current => "current",
            },
            attached: loaded.attached,
            error: None,
        }
    }

    /// The row for a chart that was not loaded.
    pub fn failed(reference: Option<String>, digest: &Digest, failure: &CommandFailure) -> Self {
        Self {
            reference,
            digest: digest.clone(),
            status: if failure.is_difference() { "differs" } else { "failed" },
            attached: 0,
            error: Some(failure.to_string()),
        }
    }
}

/// Prints the result for one chart for people.
pub fn print_loaded(out: &mut dyn Write, loaded: &LoadedChart, is_sent: bool) -> io::Result<()> {
    let name = loaded.reference.name();
    let name = name.strip_prefix("oci://").unwrap_or(&name);
    let what = loaded.reference.tag_or_digest();
    let attached = match loaded.attached {
        0 => String::new(),
        count => format!(" ({count} attached)"),
    };
    match (loaded.status, is_sent) {
        (LoadStatus::Loaded, false) => writeln!(out, "{what}: loaded as {name}{attached}"),
        (LoadStatus::Loaded, true) => writeln!(out, "{what}: copied to {name}{attached}"),
        (LoadStatus::Updated, _) => writeln!(out, "{what}: added to {name}{attached}"),
        (LoadStatus::Current, _) => writeln!(out, "{what}: up to date in {name}"),
    }
}
