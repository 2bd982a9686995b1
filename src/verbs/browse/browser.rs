//! The browser of registries, and the charts and versions that it finds.

use crate::cache::Cache;
use crate::chart::Metadata;
use crate::digest::Digest;
use crate::kept_documents::KeptDocuments;
use crate::limits::HeldBudget;
use crate::manifest::Descriptor;
use crate::reference::{Reference, Tag};
use crate::registry::Client;

/// How many repositories are examined at most.
pub(super) const MOST_REPOSITORIES: usize = 5000;

/// Finds charts and their versions in registries.
pub struct Browser<'a> {
    /// The chart cache. Memory is taken from its budget.
    pub cache: &'a Cache,
    /// The client for registries; `None` to use only what is on this machine.
    pub client: Option<&'a Client>,
    /// Manifests and configs that were fetched earlier.
    pub kept: &'a KeptDocuments,
    /// How many requests are made at a time.
    pub at_once: usize,
}

/// One version of a chart.
#[derive(Clone, Debug)]
pub struct ChartVersion {
    /// The reference of the version, with its tag.
    pub reference: Reference,
    /// The digest of its manifest, if it is known.
    pub digest: Option<Digest>,
    /// When it was pushed or made, in RFC 3339, if the registry or the manifest says so.
    pub created: Option<String>,
    /// The size of its package in bytes, if it is known.
    pub size: Option<u64>,
    /// The digest of its package, if it is known.
    pub package: Option<Digest>,
    /// The descriptor of its provenance file, if it is known to have one.
    pub provenance: Option<Descriptor>,
    /// The chart's metadata.
    pub metadata: Metadata,
}

/// Versions of a chart, the newest first.
#[derive(Debug)]
pub struct ChartVersions<'a> {
    pub(super) _held: HeldBudget<'a>,
    /// The versions that were examined.
    pub versions: Vec<ChartVersion>,
    /// How many further versions match and were not examined, because of the limit on their number.
    pub more: usize,
    /// Tags that stand for something other than a chart, or for nothing.
    pub foreign: Vec<Tag>,
}

impl std::fmt::Debug for Browser<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Browser")
    }
}
