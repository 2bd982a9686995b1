//! Migrates charts: how it is told to, and what became of each.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::error::MigrateError;
use super::plan::MigrationTask;
use super::source::ChartSource;
use crate::digest::Digest;
use crate::limits::Budget;
use crate::reference::Reference;
use crate::registry::{self, Client};
use crate::verbs::copy::{CopyOptions, CopyPlaces, Copying, Throttle};
use crate::verbs::naming::Misnamed;

/// What is done with a package that has not the digest that the index has for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnMismatch {
    /// It is not pushed, and that is a failure.
    #[default]
    Fail,
    /// It is not pushed, and that is said.
    Skip,
    /// It is pushed as it is, and that is said.
    Take,
}

/// How charts are migrated.
#[derive(Clone, Copy, Debug, Default)]
pub struct MigrationOptions {
    /// Whether provenance files stay behind.
    pub without_provenance: bool,
    /// Whether a tag that stands for something else is given to the chart.
    pub force: bool,
    /// Whether nothing is sent, and it is only told what would be.
    pub dry_run: bool,
    /// Whether a dry run asks how large each package is, with one HEAD request for each.
    pub sizes: bool,
    /// What becomes of a package that is not what the index says.
    pub on_mismatch: OnMismatch,
    /// How many bytes of blobs are sent in a second at most, by all threads together.
    pub rate: Option<NonZeroU64>,
}

/// What became of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MigrationStatus {
    /// The destination had nothing under that name.
    Copied,
    /// It had something else, which was replaced.
    Overwritten,
    /// It had the chart.
    Unchanged,
    /// It is left out, because it is not what the index says.
    Skipped,
}

/// A version that was dealt with.
#[derive(Clone, Debug)]
pub struct Migrated {
    /// What it is called at the destination.
    pub to: Reference,
    /// What became of it.
    pub status: MigrationStatus,
    /// The package's digest, if it is known.
    pub chart: Option<Digest>,
    /// The manifest at the destination, if it is known.
    pub manifest: Option<Digest>,
    /// The size of the package in bytes, if it was fetched or asked for.
    pub size: Option<u64>,
    /// How many bytes were sent.
    pub sent: u64,
    /// Whether a provenance file went along.
    pub has_provenance: bool,
    /// Where it came from, if it was fetched.
    pub url: Option<Box<str>>,
    /// Whether the index has no digest that fits.
    pub is_unverified: bool,
    /// The manifest that the tag stood for before, if it was another one.
    pub replaced: Option<Digest>,
    /// What Helm will not find of it.
    pub misnamed: Vec<Misnamed>,
    /// What else is to be said.
    pub warnings: Vec<String>,
}

/// Registries that an index points to by `oci://` URLs, and the destination's.
#[derive(Clone, Copy, Debug)]
pub struct SourceRegistries<'c> {
    /// Speaks to those.
    pub from: &'c Client,
    /// Speaks to the destination.
    pub to: &'c Client,
}

/// Migrates versions of charts. Several may be at once; what they have to ask of the same repository, it is asked once.
pub struct Migrating<'a> {
    pub(super) source: &'a ChartSource,
    pub(super) options: MigrationOptions,
    pub(super) throttle: Option<Arc<Throttle>>,
    pub(super) budget: &'a Budget,
    pub(super) destinations: CopyPlaces<'a>,
    /// For what is in a registry already.
    pub(super) copying: Copying<'a>,
}

impl<'a> Migrating<'a> {
    /// From a source into the registries that `registries` speaks to.
    pub fn new(
        source: &'a ChartSource,
        registries: SourceRegistries<'_>,
        options: MigrationOptions,
        budget: &'a Budget,
    ) -> Self {
        let MigrationOptions { force, dry_run, rate, .. } = options;
        let copied = CopyOptions { without_attached: false, force, dry_run, rate };
        Self {
            source,
            options,
            throttle: rate.map(|rate| Arc::new(Throttle::new(rate))),
            budget,
            destinations: CopyPlaces::new(registries.to, budget, true),
            copying: Copying::new(registries.from, registries.to, true, copied, budget),
        }
    }

    /// Prepares for these: where many go to the same repository, it is asked for its tags once, and not for each.
    pub fn expect(&mut self, references: impl Iterator<Item = Reference>) {
        self.destinations.expect(references);
    }

    /// Looks once more at what the destination has: an error if that is no chart, or another one than the index says. Returns the
    /// manifest's digest.
    pub fn recheck(&self, task: &MigrationTask, to: &Reference) -> Result<Digest, MigrateError> {
        let target = to.target().ok_or(MigrateError::Recheck)?;
        let place = self.destinations.at(to)?;
        let registry::ManifestAnswer::Manifest(there) = place.client.get_manifest(target, None)? else {
            return Err(MigrateError::Recheck);
        };
        let chart = crate::verbs::unclobbered::chart_of(&there).ok_or(MigrateError::Recheck)?;
        let mut digests = task.digests().peekable();
        match digests.peek().is_none() || digests.any(|digest| *digest == chart || *digest == there.digest) {
            true => Ok(there.digest),
            false => Err(MigrateError::Recheck),
        }
    }
}

impl Migrated {
    pub(super) fn of(to: &Reference, status: MigrationStatus) -> Self {
        Self {
            to: to.clone(),
            status,
            chart: None,
            manifest: None,
            size: None,
            sent: 0,
            has_provenance: false,
            url: None,
            is_unverified: false,
            replaced: None,
            misnamed: Vec::new(),
            warnings: Vec::new(),
        }
    }
}
