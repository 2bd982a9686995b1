//! What looks through registries, and what it finds.

use crate::cache::Cache;
use crate::chart::Metadata;
use crate::digest::Digest;
use crate::kept_documents::KeptDocuments;
use crate::limits::HeldBudget;
use crate::reference::{Reference, Tag};
use crate::registry::Client;

/// As many repositories are looked at.
pub(super) const MOST_REPOSITORIES: usize = 5000;

/// Looks through registries.
pub struct Browser<'a> {
    /// The chart cache. What is held in memory is taken from its budget.
    pub cache: &'a Cache,
    /// The registries' client; none if nothing but what is on this machine may be asked.
    pub client: Option<&'a Client>,
    /// What was fetched before.
    pub kept: &'a KeptDocuments,
    /// How many requests at once.
    pub at_once: usize,
}

/// A version of a chart.
#[derive(Clone, Debug)]
pub struct ChartVersion {
    /// Where it is, with its tag.
    pub reference: Reference,
    /// The digest of its manifest.
    pub digest: Option<Digest>,
    /// When it was pushed or made, RFC 3339, where somebody has said so.
    pub created: Option<String>,
    /// The size of its package, in bytes.
    pub size: Option<u64>,
    /// What it says about itself.
    pub metadata: Metadata,
}

/// ChartVersions of a chart, the newest first.
#[derive(Debug)]
pub struct ChartVersions<'a> {
    pub(super) _held: HeldBudget<'a>,
    /// Those that were looked at.
    pub versions: Vec<ChartVersion>,
    /// How many more were wanted than may be shown.
    pub more: usize,
    /// Tags that stand for something else than a chart, or for nothing.
    pub foreign: Vec<Tag>,
}

impl std::fmt::Debug for Browser<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Browser")
    }
}
