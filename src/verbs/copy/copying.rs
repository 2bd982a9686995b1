//! Copies charts from one registry to another: how it is told to, and what became of each.

use std::num::NonZeroU64;
use std::sync::Arc;

use super::place::{CopyPlace, CopyPlaces};
use super::rate::Throttle;
use crate::digest::Digest;
use crate::graph::BondVia;
use crate::limits::Budget;
use crate::reference::Reference;
use crate::registry::{self, Client};
use crate::verbs::naming::Misnamed;

/// How charts are copied.
#[derive(Clone, Copy, Debug, Default)]
pub struct CopyOptions {
    /// Whether what is attached stays behind.
    pub without_attached: bool,
    /// Whether a tag that stands for another manifest is given to the copy.
    pub force: bool,
    /// Whether nothing is copied, and it is only told what would be.
    pub dry_run: bool,
    /// How many bytes of blobs are sent in a second at most, by all threads together.
    pub rate: Option<NonZeroU64>,
}

/// One chart, from where to where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopyTask {
    /// What is there, with a tag or a digest.
    pub from: Reference,
    /// Where it goes, with the tag that it gets. Without one it is kept under its digest alone.
    pub to: Reference,
}

impl CopyTask {
    /// Whether it stays in its repository.
    pub(super) fn is_within(&self) -> bool {
        (&self.from.host, &self.from.repository) == (&self.to.host, &self.to.repository)
    }
}

/// What became of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStatus {
    /// The destination had nothing under that name, or something else.
    Copied,
    /// The destination had the chart, and not all that is attached to it.
    Updated,
    /// The destination had all of it.
    Current,
}

/// A manifest that is attached to a chart that was copied.
#[derive(Clone, Debug)]
pub struct CopiedAttachment {
    /// The manifest.
    pub digest: Digest,
    /// What it is attached to.
    pub subject: Digest,
    /// What kind of artifact it is, as far as it tells.
    pub artifact_type: Option<String>,
    /// How it is attached.
    pub via: BondVia,
    /// Whether the destination lacked it.
    pub is_new: bool,
}

/// How many blobs went, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CopiedBlobs {
    /// Those that were sent.
    pub sent: u64,
    /// Those that the registry took over from another of its repositories.
    pub mounted: u64,
    /// The size of those that were sent, in bytes.
    pub bytes: u64,
}

/// A chart that was copied.
#[derive(Clone, Debug)]
pub struct Copied {
    /// What it is called at the destination.
    pub to: Reference,
    /// The manifest.
    pub digest: Digest,
    /// What became of it.
    pub status: CopyStatus,
    /// What is attached to it.
    pub attached: Vec<CopiedAttachment>,
    /// Its blobs, and those of what is attached.
    pub blobs: CopiedBlobs,
    /// The manifest that the destination had under this tag before, if that was another one.
    pub replaced: Option<Digest>,
    /// What Helm will not find at the destination and found at the source.
    pub misnamed: Vec<Misnamed>,
}

/// Copies charts. Several may be copied at once; what they have to ask of the same repository, it is asked once.
pub struct Copying<'a> {
    pub(super) options: CopyOptions,
    pub(super) throttle: Option<Arc<Throttle>>,
    pub(super) budget: &'a Budget,
    sources: CopyPlaces<'a>,
    /// Those that are in the destination's registry, where its login serves for both.
    neighbours: Option<CopyPlaces<'a>>,
    pub(super) destinations: CopyPlaces<'a>,
}

impl<'a> Copying<'a> {
    /// `from` speaks to the registries that are copied from, `to` to those that are copied to. With `one_login`, the
    /// destination's login serves on both sides where they are one registry.
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

    /// Prepares for these charts: where many go to the same repository, it is asked for its tags once, and not for each.
    pub fn expect(&mut self, tasks: &[CopyTask]) {
        self.destinations.expect(tasks.iter().map(|task| &task.to));
    }

    /// The repository that a chart comes from, and who speaks to it.
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
