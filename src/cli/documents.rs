//! Results for programs. A chart has the keys of Helm 4's PushResult and PullResult (pkg/registry/client.go): manifest,
//! config, chart, prov and ref; what we know beyond that stands beside them.

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

/// A chart: the one shape in which save, list, tag, push and pull tell about it. What does not apply to a command is left
/// out; what a chart does not have, or what is not known yet, is null.
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
    /// The manifest's digest, which pins the chart: of a chart that was only saved, the one that a push will give it.
    digest: Option<Digest>,
    /// The manifest.
    manifest: Option<BlobDocument>,
    /// The config.
    config: Option<BlobDocument>,
    /// The package that goes over the wire.
    chart: Option<BlobDocument>,
    /// The provenance file.
    prov: Option<BlobDocument>,
    /// The metadata blob of the cache.
    meta: Option<BlobDocument>,
    /// The content blob of the cache.
    content: Option<BlobDocument>,
    /// When the entry was written, RFC 3339 (list, tag).
    #[serde(skip_serializing_if = "Option::is_none")]
    created: Option<Option<String>>,
    /// What is wrong with the entry, or null (list, tag).
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<Option<String>>,
    /// Dependencies that the chart declares and does not bring (save).
    #[serde(skip_serializing_if = "Option::is_none")]
    missing_dependencies: Option<Vec<String>>,
    /// Where it is now, outside of the cache (export, pull with --destination or --untar).
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Whether the side that it went to had it all before (push, pull).
    #[serde(skip_serializing_if = "Option::is_none")]
    up_to_date: Option<bool>,
    /// The digest of the manifest that it took the place of, or null (push).
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
    /// A chart that was saved, with the manifest that a push will make of it.
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

    /// An entry of the cache. What no registry has seen of it yet is null.
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

    /// An entry that cannot be used, or a directory that cannot be looked into: of that, `reference` is how all references
    /// begin that it may hold.
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
    /// Where it is now.
    pub path: String,
}

/// A reference that was removed.
#[derive(Debug, Serialize)]
pub struct RemovedReference {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whether it was there.
    pub removed: bool,
}

/// What `fsck` has found, for programs.
#[derive(Debug, Serialize)]
pub struct FsckDocument {
    /// How many references there are.
    pub references: usize,
    /// How many blobs were read.
    pub blobs: usize,
    /// How many bytes they have.
    pub size: u64,
    /// What is wrong, or was.
    pub problems: Vec<ProblemRow>,
}

/// One thing that is wrong, or was until it was repaired.
#[derive(Debug, Serialize)]
pub struct ProblemRow {
    /// Which kind.
    pub kind: &'static str,
    /// What, for people.
    pub message: String,
    /// The blob, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The references that suffer from it.
    pub refs: Vec<String>,
    /// Whether it is no more.
    pub repaired: bool,
}

impl FsckDocument {
    /// The report about what was found.
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

/// A chart that was imported, or was not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedRow {
    /// The reference; null where there is none.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// What it was called where it came from.
    pub from: String,
    /// `imported`, `unchanged`, `differs`, or `unusable`.
    pub status: &'static str,
    /// The digest of the manifest that a push will give it.
    pub digest: Option<Digest>,
    /// The digest of the manifest that it had where it came from.
    pub old_manifest: Option<Digest>,
    /// Why it was not imported, or what is odd about it.
    pub reason: Option<String>,
}

impl ImportedRow {
    /// The row about one chart.
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

/// A reference that was removed from its registry, or was not.
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
    /// Other tags of the same manifest that went with it.
    pub tags: Vec<String>,
    /// Tags and digests of what was attached to it and went.
    pub attached: Vec<String>,
    /// The repository, without tag and digest.
    #[serde(skip)]
    name: String,
}

impl RemotelyRemoved {
    /// The row about one reference; nothing was removed if nothing is said about that.
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

    /// Whether the tag of this reference went with it.
    pub fn took_along(&self, reference: &Reference) -> bool {
        let tag = reference.tag.as_ref().map(ToString::to_string);
        self.name == reference.name() && tag.is_some_and(|tag| self.tags.contains(&tag))
    }
}

/// A tag that was given in a registry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RemotelyTagged {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What was named so.
    pub source: String,
    /// The digest of the manifest.
    pub digest: Digest,
    /// Whether it had that tag before.
    pub up_to_date: bool,
}

impl RemotelyTagged {
    /// The row about one tag.
    pub fn of(source: &Reference, tagged: &TaggedRemotely) -> Self {
        Self {
            reference: tagged.reference.to_string(),
            source: source.to_string(),
            digest: tagged.digest.clone(),
            up_to_date: tagged.up_to_date,
        }
    }
}

/// What was pruned.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneDocument {
    /// Whether nothing was removed, and this is what would be.
    pub dry_run: bool,
    /// The references that went, the least recently used first.
    pub removed: Vec<PruneRow>,
    /// How many references stay.
    pub kept: usize,
    /// How many bytes of blobs went.
    pub reclaimed: u64,
}

/// A reference that was pruned.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneRow {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The manifest's digest, which pins the chart; null of one that was never pushed or pulled.
    pub digest: Option<Digest>,
    /// How many bytes it was the last one to need.
    pub size: u64,
    /// When it was last used, RFC 3339, to the day.
    pub last_used: String,
    /// Why: `age`, `size`, `number`, or `asked`.
    pub reason: &'static str,
}

impl PruneDocument {
    /// The report about what went, or would go.
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

/// A credential that is somewhere.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusRow {
    /// `host[/path]`; none if it is for every registry.
    pub host: Option<String>,
    /// The user.
    pub user: String,
    /// Where it is.
    pub store: String,
    /// Whether the secret is there in clear text.
    pub clear_text: bool,
    /// Hosts beyond the registry's own that it goes to for tokens, as the user has said.
    pub trusted_realms: Vec<String>,
    /// Whether the registry lets it in, if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub works: Option<Works>,
}

/// Whether a credential works. In documents `true`, `false`, or `null` where that cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Works {
    /// The registry lets it in.
    Yes,
    /// The registry refuses it.
    No,
    /// The registry lets everybody in.
    NotAsked,
    /// Neither the one nor the other was to be learned.
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
