//! The options, tasks and results of copying charts from one registry to another.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::place::{CopyPlace, CopyPlaces};
use super::rate::Throttle;
use crate::digest::Digest;
use crate::graph::BondVia;
use crate::limits::Budget;
use crate::reference::Reference;
use crate::registry::{self, Client};
use crate::verbs::attached::AttachedKind;
use crate::verbs::naming::Misnamed;

/// How charts are copied.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopyOptions {
    /// Whether to leave out what is attached to the charts.
    pub without_attached: bool,
    /// Whether to overwrite a tag that stands for another manifest.
    pub force: bool,
    /// Whether to only report what would be copied.
    pub dry_run: bool,
    /// The most bytes of blobs that all threads together send per second.
    pub rate: Option<NonZeroU64>,
}

/// One chart to copy, with source and destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyTask {
    /// The source, with a tag or a digest.
    pub from: Reference,
    /// The destination, with its tag. Without a tag, the manifest is only stored under its digest.
    pub to: Reference,
}

impl CopyTask {
    /// Whether source and destination are the same repository.
    pub(super) fn is_within(&self) -> bool {
        (&self.from.host, &self.from.repository) == (&self.to.host, &self.to.repository)
    }
}

/// The result of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStatus {
    /// The destination had nothing under that name, or something else.
    Copied,
    /// The destination had the chart, but not all that is attached to it.
    Updated,
    /// The destination had the chart and all that is attached to it.
    Current,
}

/// A manifest that is attached to a copied chart.
#[derive(Clone, Debug)]
pub struct CopiedAttachment {
    /// The digest of the manifest.
    pub digest: Digest,
    /// The digest of the manifest that it is attached to.
    pub subject: Digest,
    /// Its artifact type, if it has one.
    pub artifact_type: Option<String>,
    /// How it is attached.
    pub via: BondVia,
    /// Whether this copy sent it (would, in a dry run): it was missing, or the destination was not asked for it.
    pub is_new: bool,
}

impl CopiedAttachment {
    /// Its kind, for people.
    pub fn kind(&self) -> AttachedKind {
        AttachedKind::of(self.via, self.artifact_type.as_deref())
    }
}

/// How many blobs were transferred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopiedBlobs {
    /// The number of blobs that were sent.
    pub sent: u64,
    /// The number of blobs that the registry mounted from another of its repositories.
    pub mounted: u64,
    /// The size of the blobs that were sent, in bytes.
    pub bytes: u64,
}

/// A chart that was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// The reference at the destination.
    pub to: Reference,
    /// The digest of the manifest.
    pub digest: Digest,
    /// The result.
    pub status: CopyStatus,
    /// The manifests that are attached to it.
    pub attached: Vec<CopiedAttachment>,
    /// The transferred blobs of the chart and of what is attached to it.
    pub blobs: CopiedBlobs,
    /// The manifest that the tag stood for at the destination before, if that was another one.
    pub replaced: Option<Digest>,
    /// Ways in which Helm finds the chart at the source and not at the destination.
    pub misnamed: Vec<Misnamed>,
}

/// Copies charts. Several can be copied at the same time; what they need to know about one repository is requested
/// once.
pub struct Copying<'a> {
    pub(super) options: CopyOptions,
    pub(super) throttle: Option<Arc<Throttle>>,
    pub(super) budget: &'a Budget,
    sources: CopyPlaces<'a>,
    /// Sources in the destination's registry, where one login serves both.
    neighbours: Option<CopyPlaces<'a>>,
    pub(super) destinations: CopyPlaces<'a>,
}

impl<'a> Copying<'a> {
    /// `from` is the client for the sources, and `to` the one for the destinations. With `one_login`, the destination's
    /// client is also used for sources in the same registry.
    pub fn new(
        from: &Client,
        to: &Client,
        one_login: bool,
        options: CopyOptions,
        budget: &'a Budget,
    ) -> Self {
        Self {
            options,
            throttle: options.rate.map(|rate| Arc::new(Throttle::new(rate))),
            budget,
            sources: CopyPlaces::new(from, budget, false),
            neighbours: one_login.then(|| CopyPlaces::new(to, budget, false)),
            destinations: CopyPlaces::new(to, budget, true),
        }
    }

    /// Announces these charts: if many go to the same repository, its list of tags is requested once, instead of each
    /// tag.
    pub fn expect(&mut self, tasks: &[CopyTask]) {
        self.destinations.expect(tasks.iter().map(|task| &task.to));
    }

    /// The repository that a chart comes from, with its client.
    pub(in crate::verbs) fn source(
        &self,
        task: &CopyTask,
    ) -> Result<Arc<CopyPlace<'a>>, registry::RegistryError> {
        let CopyTask { from, to } = task;
        match &self.neighbours {
            Some(_) if task.is_within() => self.destinations.at(from),
            Some(neighbours) if from.host == to.host => neighbours.at(from),
            _ => self.sources.at(from),
        }
    }
}
