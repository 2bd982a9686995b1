//! Documents about results, for programs. A chart has the keys of Helm 4's PushResult and PullResult
//! (pkg/registry/client.go): manifest, config, chart, prov and ref; further keys of ours are next to them.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::cache::CacheFault;
use crate::causes::chain;
use crate::digest::Digest;
use crate::reference::Reference;
use crate::verbs::{
    BlobSummary, Finding, Findings, HeldEntry, ImportError, ImportRow, PruneReason, Pruned, PrunedEntry,
    RemovedRemotely, Saved, Summary, TaggedRemotely, Transferred,
};

/// A chart, in the one form that save, list, tag, push and pull use. Keys that do not apply to a command are left out;
/// what a chart does not have, or is not known yet, is null.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChartDocument {
    /// The reference.
    #[serde(rename = "ref")]
    reference: String,
    /// The chart's name.
    name: Option<String>,
    /// The chart's version.
    version: Option<String>,
    /// The digest of the manifest, which pins the chart. For a chart that was only saved, it is that of the manifest
    /// which a push will make.
    digest: Option<Digest>,
    /// The digest and size of the manifest.
    manifest: Option<BlobDocument>,
    /// The digest and size of the config.
    config: Option<BlobDocument>,
    /// The digest and size of the package in the registry.
    chart: Option<BlobDocument>,
    /// The digest and size of the provenance file.
    prov: Option<BlobDocument>,
    /// The digest and size of the cache's blob with the metadata.
    meta: Option<BlobDocument>,
    /// The digest and size of the cache's blob with the content.
    content: Option<BlobDocument>,
    /// When the entry was written, in RFC 3339 (list, tag).
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Option<String>>,
    /// Why the entry cannot be used, or null (list, tag).
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<Option<String>>,
    /// Dependencies that the chart declares and does not contain (save).
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_dependencies: Option<Vec<String>>,
    /// The path of the files that were written (export, pull with --destination or --untar).
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Whether the destination already had all of it (push, pull).
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to_date: Option<bool>,
    /// The digest of the manifest that the tag stood for before, if that was another one, or null (push).
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced: Option<Option<Digest>>,
}

/// A blob's digest and size.
#[derive(Debug, Serialize)]
struct BlobDocument {
    digest: Digest,
    size: u64,
}

impl BlobDocument {
    fn of(part: &BlobSummary) -> Self {
        Self { digest: part.digest.clone(), size: part.size }
    }
}

impl ChartDocument {
    /// A chart that was saved, with the manifest that a push will make.
    pub fn of_saved(saved: &Saved) -> Self {
        Self {
            digest: Some(saved.manifest.digest.clone()),
            manifest: Some(BlobDocument::of(&saved.manifest)),
            config: Some(BlobDocument::of(&saved.config)),
            chart: Some(BlobDocument::of(&saved.chart)),
            missing_dependencies: Some(saved.missing.clone()),
            ..Self::of_summary(&saved.reference, &saved.summary)
        }
    }

    /// A chart that was pushed or pulled.
    pub fn of_transferred(done: &Transferred) -> Self {
        Self {
            digest: Some(done.manifest.digest.clone()),
            manifest: Some(BlobDocument::of(&done.manifest)),
            config: Some(BlobDocument::of(&done.config)),
            chart: Some(BlobDocument::of(&done.chart)),
            up_to_date: Some(done.up_to_date),
            path: done.written.as_ref().map(|path| path.display().to_string()),
            replaced: done.was_pushed.then(|| done.replaced.clone()),
            ..Self::of_summary(&done.reference, &done.summary)
        }
    }

    /// An entry of the cache. What only a registry gives it, such as a manifest, may be null.
    pub fn of_entry(held: &HeldEntry) -> Self {
        let form = held.form.as_ref();
        Self {
            digest: form.map(|form| form.manifest.digest.clone()),
            manifest: form.map(|form| BlobDocument::of(&form.manifest)),
            config: form.map(|form| BlobDocument::of(&form.config)),
            chart: form.map(|form| BlobDocument::of(&form.chart)),
            created: Some(Some(humantime::format_rfc3339_seconds(held.created).to_string())),
            broken: Some(None),
            ..Self::of_summary(&held.reference, &held.summary)
        }
    }

    /// An entry that cannot be used, or a directory of the cache that cannot be read. For a directory, `reference` is
    /// the beginning of all references that it may hold.
    pub fn of_broken(reference: String, why: String) -> Self {
        Self { reference, created: Some(None), broken: Some(Some(why)), ..Self::default() }
    }

    fn of_summary(reference: &Reference, summary: &Summary) -> Self {
        Self {
            reference: reference.to_string(),
            name: Some(summary.name.clone()),
            version: Some(summary.version.clone()),
            prov: summary.provenance.as_ref().map(BlobDocument::of),
            meta: Some(BlobDocument::of(&summary.meta)),
            content: Some(BlobDocument::of(&summary.content)),
            ..Self::default()
        }
    }
}

/// A chart that was exported.
#[derive(Debug, Serialize)]
pub struct Exported {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The chart's name.
    pub name: String,
    /// The chart's version.
    pub version: String,
    /// The path of the directory or package.
    pub path: String,
}

/// A reference that was removed.
#[derive(Debug, Serialize)]
pub struct RemovedReference {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whether the cache had it.
    pub removed: bool,
}

/// The result of `fsck`, for programs.
#[derive(Debug, Serialize)]
pub struct FsckDocument {
    /// How many references were checked.
    pub references: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// How many bytes these blobs have.
    pub size: u64,
    /// The problems, including those that were repaired.
    pub problems: Vec<ProblemRow>,
}

/// One problem.
#[derive(Debug, Serialize)]
pub struct ProblemRow {
    /// The kind of problem, as a fixed word.
    pub kind: &'static str,
    /// A description for people.
    pub message: String,
    /// The digest of the affected blob, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The references that it affects.
    pub refs: Vec<String>,
    /// Whether it has been repaired.
    pub repaired: bool,
}

impl FsckDocument {
    /// The document for the result of a check.
    pub fn of(findings: &Findings) -> Self {
        let row = |found: &Finding| {
            let fault = &found.problem.fault;
            let (kind, digest) = match fault {
                CacheFault::Entry(_) => ("broken-entry", None),
                CacheFault::Link(_) => ("wrong-link", None),
                CacheFault::Properties(_) => ("damaged-properties", None),
                CacheFault::Missing(digest) => ("missing-blob", Some(digest.clone())),
                CacheFault::Damaged(digest) => ("damaged-blob", Some(digest.clone())),
                CacheFault::Disagreement(_) => ("disagreement", None),
                CacheFault::Foreign { .. } => ("foreign", None),
                CacheFault::Unreadable { .. } => ("unreadable", None),
                CacheFault::Orphan(_) => ("orphan", None),
                CacheFault::LeftOver(_) => ("left-over", None),
            };
            let refs = found.problem.references.iter().map(ToString::to_string).collect();
            ProblemRow { kind, message: fault.to_string(), digest, refs, repaired: found.repaired }
        };
        let problems = findings.found.iter().map(row).collect();
        Self { references: findings.references, blobs: findings.blobs, size: findings.size, problems }
    }
}

/// A chart that was imported or could not be imported.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedRow {
    /// Its reference in the cache; null if there is none.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its name in the source.
    pub from: String,
    /// `imported`, `unchanged`, `differs`, or `unusable`.
    pub status: &'static str,
    /// The digest of the manifest that a push will make.
    pub digest: Option<Digest>,
    /// The digest of its manifest in the source.
    pub old_manifest: Option<Digest>,
    /// Why it was not imported, or what is unusual about it.
    pub reason: Option<String>,
}

impl ImportedRow {
    /// The row for one chart.
    pub fn of(row: &ImportRow) -> Self {
        let (status, reason) = match &row.outcome {
            Ok(taken) if taken.was_there => ("unchanged", row.note.clone()),
            Ok(_) => ("imported", row.note.clone()),
            Err(error @ ImportError::Differs(_)) => ("differs", Some(chain(error))),
            Err(error) => ("unusable", Some(chain(error))),
        };
        Self {
            reference: row.reference.as_ref().map(ToString::to_string),
            from: row.from.clone(),
            status,
            digest: row.outcome.as_ref().ok().map(|taken| taken.manifest.clone()),
            old_manifest: row.old_manifest.clone(),
            reason,
        }
    }
}

/// A reference whose tag in its registry was removed, or was not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemotelyRemoved {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whether it was removed.
    pub removed: bool,
    /// The digest of the manifest that it stood for; null if it was not removed.
    pub digest: Option<Digest>,
    /// Other tags of the same manifest that were removed with it.
    pub tags: Vec<String>,
    /// The tags and digests of what was attached to it and was removed.
    pub attached: Vec<String>,
    /// The repository with its registry, without tag and digest.
    #[serde(skip)]
    name: String,
}

impl RemotelyRemoved {
    /// The row for one reference. `removed` is what was removed, or `None` if nothing was.
    pub fn of(reference: &Reference, removed: Option<&RemovedRemotely>) -> Self {
        Self {
            reference: reference.to_string(),
            removed: removed.is_some(),
            digest: removed.map(|removed| removed.digest.clone()),
            tags: removed.map_or_else(Vec::new, |r| r.tags.iter().map(ToString::to_string).collect()),
            attached: removed.map_or_else(Vec::new, |removed| removed.attached.clone()),
            name: reference.name(),
        }
    }

    /// The row of a dry run: the reference stands for this manifest, and nothing was removed.
    pub fn planned(reference: &Reference, digest: Digest) -> Self {
        Self { digest: Some(digest), ..Self::of(reference, None) }
    }

    /// Whether the tag of this reference was removed with it.
    pub fn took_along(&self, reference: &Reference) -> bool {
        let tag = reference.tag.as_ref().map(ToString::to_string);
        self.name == reference.name() && tag.is_some_and(|tag| self.tags.contains(&tag))
    }
}

/// A tag that was set in a registry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemotelyTagged {
    /// The reference with the new tag.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The reference of the source.
    pub source: String,
    /// The digest of the manifest.
    pub digest: Digest,
    /// Whether the tag already stood for that manifest.
    pub up_to_date: bool,
}

impl RemotelyTagged {
    /// The row for one tag.
    pub fn of(source: &Reference, tagged: &TaggedRemotely) -> Self {
        Self {
            reference: tagged.reference.to_string(),
            source: source.to_string(),
            digest: tagged.digest.clone(),
            up_to_date: tagged.up_to_date,
        }
    }
}

/// The result of `prune`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneDocument {
    /// Whether this is a dry run, in which nothing was removed.
    pub dry_run: bool,
    /// The removed references, the least recently used first.
    pub removed: Vec<PruneRow>,
    /// How many references stay.
    pub kept: usize,
    /// How many bytes the removed blobs had.
    pub reclaimed: u64,
}

/// A reference that was removed by `prune`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneRow {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The digest of the manifest, which pins the chart; null if it was never pushed or pulled.
    pub digest: Option<Digest>,
    /// How many bytes of blobs only this entry needed.
    pub size: u64,
    /// When it was last used, in RFC 3339, to the day.
    pub last_used: String,
    /// Why it was removed: `age`, `size`, `number`, or `asked`.
    pub reason: &'static str,
}

impl PruneDocument {
    /// The document for the result of pruning, or of a dry run.
    pub fn of(pruned: &Pruned, dry_run: bool) -> Self {
        let row = |entry: &PrunedEntry| PruneRow {
            reference: entry.reference.to_string(),
            digest: entry.digest.clone(),
            size: entry.size,
            last_used: humantime::format_rfc3339_seconds(entry.used).to_string(),
            reason: match entry.reason {
                PruneReason::Age => "age",
                PruneReason::Size => "size",
                PruneReason::Number => "number",
                PruneReason::Asked => "asked",
            },
        };
        let removed = pruned.removed.iter().map(row).collect();
        Self { dry_run, removed, kept: pruned.kept, reclaimed: pruned.reclaimed }
    }
}

/// A stored credential.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRow {
    /// The registry or part of it, `host[/path]`; null if it is for every registry.
    pub host: Option<String>,
    /// The user name.
    pub user: String,
    /// The place where it is stored.
    pub store: String,
    /// Whether the secret is stored in clear text.
    pub clear_text: bool,
    /// Hosts of token services that may receive it in addition to the registry's own, by the user's choice.
    pub trusted_realms: Vec<String>,
    /// Whether the registry accepts it, if that was tested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub works: Option<Works>,
}

/// Whether a registry accepts a credential. In documents it is `true`, `false`, or `null` if that is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Works {
    /// The registry accepts it.
    Yes,
    /// The registry refuses it.
    No,
    /// The registry did not ask for a credential.
    NotAsked,
    /// It could not be tested.
    Unknown,
}

impl fmt::Display for Works {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::NotAsked => "not asked",
            Self::Unknown => "unknown",
        })
    }
}

impl Serialize for Works {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Yes => serializer.serialize_bool(true),
            Self::No => serializer.serialize_bool(false),
            Self::NotAsked | Self::Unknown => serializer.serialize_none(),
        }
    }
}
