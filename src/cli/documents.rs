//! Results for programs. Push and pull have the shape of Helm 4's PushResult and PullResult (pkg/registry/client.go),
//! so that what reads those reads these; what we know beyond that stands beside it.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::cache::{Fault, Stored};
use crate::digest::Digest;
use crate::verbs::{Found, Part, Saved, Transferred, Verified};

/// One entry of the cache.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListRow {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The chart's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The chart's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The content blob's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The content blob's size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// When it was written, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The metadata blob's digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<Digest>,
    /// The manifest's digest, once it has been pushed or pulled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Digest>,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken: Option<String>,
}

impl ListRow {
    /// The row of an entry and the size of its content.
    pub fn of(stored: &Stored, size: u64) -> Self {
        let entry = &stored.entry;
        Self {
            reference: stored.reference.to_string(),
            name: Some(entry.name.clone()),
            version: Some(entry.version.clone()),
            digest: Some(entry.content.clone()),
            size: Some(size),
            created: Some(humantime::format_rfc3339_seconds(stored.created).to_string()),
            meta: Some(entry.meta.clone()),
            manifest: entry.pushed.as_ref().map(|pushed| pushed.manifest.clone()),
            broken: None,
        }
    }

    /// The row of an entry that cannot be used, or of a directory that cannot be looked into: of that it is how all references
    /// begin that it may hold.
    pub fn broken(reference: String, why: String) -> Self {
        Self {
            reference,
            name: None,
            version: None,
            digest: None,
            size: None,
            created: None,
            meta: None,
            manifest: None,
            broken: Some(why),
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
pub struct Removed {
    /// The reference.
    #[serde(rename = "ref")]
    pub reference: String,
    /// Whether it was there.
    pub removed: bool,
}

/// What a look at the cache has found.
#[derive(Debug, Serialize)]
pub struct VerifyReport {
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

impl VerifyReport {
    /// The report about what was found.
    pub fn of(verified: &Verified) -> Self {
        let row = |found: &Found| {
            let fault = &found.problem.fault;
            let (kind, digest) = match fault {
                Fault::Entry(_) => ("broken-entry", None),
                Fault::Link(_) => ("wrong-link", None),
                Fault::Properties(_) => ("damaged-properties", None),
                Fault::Missing(digest) => ("missing-blob", Some(digest.clone())),
                Fault::Damaged(digest) => ("damaged-blob", Some(digest.clone())),
                Fault::Disagreement(_) => ("disagreement", None),
                Fault::Foreign { .. } => ("foreign", None),
                Fault::Unreadable { .. } => ("unreadable", None),
                Fault::Orphan(_) => ("orphan", None),
                Fault::LeftOver(_) => ("left-over", None),
            };
            let refs = found.problem.references.iter().map(ToString::to_string).collect();
            ProblemRow { kind, message: fault.to_string(), digest, refs, repaired: found.repaired }
        };
        let problems = verified.found.iter().map(row).collect();
        Self { references: verified.references, blobs: verified.blobs, size: verified.size, problems }
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
    /// Whether whoever reads that place reads the secret.
    pub clear_text: bool,
    /// Hosts beyond the registry's own that it goes to for tokens, as the user has said.
    #[serde(skip_serializing_if = "Vec::is_empty")]
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

fn part(part: &Part) -> Value {
    json!({ "digest": part.digest, "size": part.size })
}

/// What `helm push -o json` would print: manifest, config, chart, prov, ref.
pub(super) fn chart_document(done: &Transferred) -> Value {
    // Helm's type for a provenance file that is not there is an empty descriptor.
    let prov = done.summary.provenance.as_ref().map_or_else(|| json!({ "digest": "", "size": 0 }), part);
    json!({
        "manifest": part(&done.manifest),
        "config": part(&done.config),
        "chart": {
            "digest": done.chart.digest,
            "size": done.chart.size,
            "meta": done.metadata,
        },
        "prov": prov,
        "ref": done.reference.to_string(),
        "meta": part(&done.summary.meta),
        "content": part(&done.summary.content),
        "upToDate": done.up_to_date,
    })
}

/// A chart that was saved, with the manifest that a push will make of it.
pub fn saved_document(saved: &Saved) -> Value {
    json!({
        "ref": saved.reference.to_string(),
        "name": saved.summary.name,
        "version": saved.summary.version,
        "meta": part(&saved.summary.meta),
        "content": part(&saved.summary.content),
        "prov": saved.summary.provenance.as_ref().map(part),
        "manifest": part(&saved.manifest),
        "missingDependencies": saved.missing,
    })
}
