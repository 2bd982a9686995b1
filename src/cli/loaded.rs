//! How what was loaded is told: to people, and to programs.

use std::io::{self, Write};

use serde::Serialize;

use super::failure::CommandFailure;
use crate::digest::Digest;
use crate::verbs::{LoadStatus, LoadedChart};

/// What became of a chart of a layout, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadedRow {
    /// What it is called now; null where it has no name.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its manifest.
    pub digest: Digest,
    /// `loaded`, `copied`, `updated`, `current`, `differs` or `failed`.
    pub status: &'static str,
    /// How many manifests are attached to it.
    pub attached: usize,
    /// Why it was not loaded.
    pub error: Option<String>,
}

impl LoadedRow {
    /// The row about a chart that was loaded; into a registry, if `is_sent`.
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

    /// The row about one that was not.
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

/// Tells people about a chart that was loaded.
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
