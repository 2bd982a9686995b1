//! Prints the results of copies, for people, pipelines and programs.

use std::io::{self, Write};

use serde::Serialize;

use super::failure::CommandFailure;
use super::size_and_age;
use crate::digest::Digest;
use crate::graph::BondVia;
use crate::verbs::{Copied, CopiedAttachment, CopyStatus, CopyTask};

/// The result of one copy, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CopiedRow {
    /// The source reference.
    pub from: String,
    /// The destination reference.
    pub to: String,
    /// The digest of the manifest, if it is known.
    pub digest: Option<Digest>,
    /// `copied`, `updated`, `current`, `differs` or `failed`.
    pub status: &'static str,
    /// Whether this is a dry run, in which nothing was copied.
    pub dry_run: bool,
    /// The manifest that the tag stood for before, if that was another one.
    pub replaced: Option<Digest>,
    /// The manifests that are attached to it.
    pub attached: Vec<AttachedRow>,
    /// The transferred blobs of the chart and of what is attached to it.
    pub blobs: BlobsRow,
    /// Why it was not copied.
    pub error: Option<String>,
}

/// A manifest that is attached to a chart.
#[derive(Debug, Serialize)]
pub struct AttachedRow {
    digest: Digest,
    subject: Digest,
    #[serde(rename = "type")]
    artifact_type: Option<String>,
    via: &'static str,
    status: &'static str,
}

/// How many blobs were sent and mounted, and the size of those that were sent.
#[derive(Debug, Default, Serialize)]
pub struct BlobsRow {
    sent: u64,
    mounted: u64,
    bytes: u64,
}

impl CopiedRow {
    /// The row for a chart that was copied.
    pub fn of(task: &CopyTask, copied: &Copied, dry_run: bool) -> Self {
        let attached = |one: &CopiedAttachment| AttachedRow {
            digest: one.digest.clone(),
            subject: one.subject.clone(),
            artifact_type: one.artifact_type.clone(),
            via: match one.via {
                BondVia::Subject => "referrers",
                BondVia::Index => "index",
                BondVia::Tag(_) => "tag",
            },
            status: if one.is_new { "copied" } else { "current" },
        };
        let blobs = &copied.blobs;
        Self {
            digest: Some(copied.digest.clone()),
            status: match copied.status {
                CopyStatus::Copied => "copied",
                CopyStatus::Updated => "updated",
                CopyStatus::Current => "current",
            },
            dry_run,
            replaced: copied.replaced.clone(),
            attached: copied.attached.iter().map(attached).collect(),
            blobs: BlobsRow { sent: blobs.sent, mounted: blobs.mounted, bytes: blobs.bytes },
            ..Self::planned(task)
        }
    }

    /// The row for a chart that was not copied.
    pub fn failed(task: &CopyTask, failure: &CommandFailure) -> Self {
        let status = if failure.is_difference() { "differs" } else { "failed" };
        Self { status, error: Some(failure.to_string()), ..Self::planned(task) }
    }

    fn planned(task: &CopyTask) -> Self {
        Self {
            from: task.from.to_string(),
            to: task.to.to_string(),
            digest: None,
            status: "failed",
            dry_run: false,
            replaced: None,
            attached: Vec::new(),
            blobs: BlobsRow::default(),
            error: None,
        }
    }
}

/// Prints the result of one copy for people.
pub fn print_copied(out: &mut dyn Write, copied: &Copied, dry_run: bool) -> io::Result<()> {
    let Copied { to, digest, .. } = copied;
    let name = to.name();
    let name = name.strip_prefix("oci://").unwrap_or(&name);
    let what = to.tag.as_ref().map_or_else(|| digest.to_string(), ToString::to_string);
    let would = if dry_run { "would be " } else { "" };
    let parts = match parts(copied, dry_run) {
        parts if parts.is_empty() => parts,
        parts => format!(" ({parts})"),
    };
    match copied.status {
        CopyStatus::Copied => writeln!(out, "{what}: {would}copied to {name}{parts}")?,
        CopyStatus::Updated => writeln!(out, "{what}: {would}added to {name}{parts}")?,
        CopyStatus::Current => writeln!(out, "{what}: up to date in {name}")?,
    }
    writeln!(out, "Digest: {digest}")?;
    match &copied.replaced {
        Some(replaced) => writeln!(out, "Replaced: {replaced}"),
        None => Ok(()),
    }
}

/// The new attachments and transferred blobs, such as `2 signatures, 1 SBOM, 14 blobs, 11.2 KiB`.
fn parts(copied: &Copied, dry_run: bool) -> String {
    let mut counts = [
        ("signature", "signatures", 0_u64),
        ("attestation", "attestations", 0),
        ("SBOM", "SBOMs", 0),
        ("other artifact", "other artifacts", 0),
        ("blob", "blobs", copied.blobs.sent),
        ("mounted blob", "mounted blobs", copied.blobs.mounted),
    ];
    for attached in copied.attached.iter().filter(|attached| attached.is_new) {
        if let Some((.., count)) = counts.get_mut(attached.kind() as usize) {
            *count += 1;
        }
    }
    let mut parts: Vec<_> = counts
        .iter()
        .filter(|(.., count)| *count > 0)
        .map(|(one, many, count)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    if copied.blobs.bytes > 0 || (parts.is_empty() && !dry_run) {
        parts.push(size_and_age::bytes(copied.blobs.bytes));
    }
    parts.join(", ")
}
