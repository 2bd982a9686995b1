//! Sends one chart of a layout to a registry: its blobs, the manifest, what is attached to it, and its tag last.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::error::LoadError;
use super::graph::ChartGraph;
use super::loading::{LayoutLoading, LoadStatus, LoadedChart};
use super::task::LoadTask;
use crate::bundle::{BundleError, FileRange};
use crate::cache::CachedBlob;
use crate::digest::Digest;
use crate::http::BodySource;
use crate::manifest::Descriptor;
use crate::reference::{Reference, Tag, Target};
use crate::registry;
use crate::threads::try_in_parallel;
use crate::verbs::attached::{AttachedError, Sending, put_listed};
use crate::verbs::copy::CopyPlace;
use crate::verbs::outcome::{OnProgress, Progress};
use crate::verbs::source::increments;

/// How many blobs of a chart are sent at a time.
const AT_ONCE: usize = 4;

/// The source of a blob that the registry may lack.
enum BlobHere {
    /// The layout has it.
    Layout(FileRange, Descriptor),
    /// The cache has it.
    Cache(CachedBlob),
    /// Neither has it: it is missing unless the registry has it.
    Nowhere,
}

impl BodySource for BlobHere {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        match self {
            Self::Layout(range, blob) => Ok(Box::new(range.verified(&blob.digest, blob.size))),
            Self::Cache(blob) => Ok(Box::new(blob.read()?)),
            Self::Nowhere => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl LayoutLoading<'_> {
    /// Sends a chart with everything that is attached to it, as far as the registry lacks it.
    pub(super) fn send(
        &self,
        task: &LoadTask,
        to: &Reference,
        place: &CopyPlace<'_>,
        progress: OnProgress<'_>,
    ) -> Result<LoadedChart, LoadError> {
        let graph = self.graph(task)?;
        if graph.origin.is_some() {
            return Err(LoadError::Index);
        }
        let digest = &graph.descriptor.digest;
        let target = to.tag.as_ref().map_or(Target::Digest(digest), Target::Tag);
        let may_be_there = to.tag.as_ref().is_none_or(|tag| place.may_have_this(tag));
        let there = match may_be_there {
            false => None,
            true if self.options.force => place.client.manifest_there(target)?,
            true => place.client.head_manifest(target)?.map(|head| head.digest),
        };
        let is_current = there.as_ref() == Some(digest);
        if let Some(other) = there.filter(|_| !is_current && !self.options.force) {
            return Err(LoadError::DiffersThere(other));
        }
        let own = if is_current { &[][..] } else { &graph.node.blobs };
        let attached = graph.attached_blobs();
        let here = self.here(own.iter().chain(&attached))?;
        self.absent(&here, place)?;
        progress(Progress::Whole(own.iter().map(|blob| blob.size).sum()));
        let push = |blob: &Descriptor| -> Result<(), registry::RegistryError> {
            let from = here.get(&blob.digest).map_or(&BlobHere::Nowhere, |(_, from)| from);
            place.client.push_blob_once(blob, from, &increments(progress)).map(drop)
        };
        let sent = (|| {
            if !is_current {
                try_in_parallel(own, AT_ONCE, |blob| push(blob))?;
                let first = if graph.attached.is_empty() { target } else { Target::Digest(digest) };
                put(place, &graph, first)?;
            }
            if graph.attached.is_empty() {
                return Ok(Vec::new());
            }
            let may_have = &|tag: &Tag| place.may_have(tag);
            let push_blob = |blob: &Descriptor| -> Result<(), AttachedError> { Ok(push(blob)?) };
            let attachments = &graph.attached;
            let (to, asks) = (&place.client, is_current);
            let sent = Sending { attachments, to, push_blob, asks, may_have, progress }.send()?;
            if !is_current && target != Target::Digest(digest) {
                put(place, &graph, target)?;
            }
            Ok::<_, LoadError>(sent)
        })();
        let sent = sent.map_err(|error| damaged(&here).unwrap_or(error))?;
        let status = match (is_current, sent.is_empty()) {
            (false, _) => LoadStatus::Loaded,
            (true, false) => LoadStatus::Updated,
            (true, true) => LoadStatus::Current,
        };
        let (reference, attached) = (to.clone(), graph.attached.len());
        Ok(LoadedChart { reference, digest: digest.clone(), status, attached })
    }

    /// The source of each blob.
    fn here<'b>(
        &self,
        blobs: impl Iterator<Item = &'b Descriptor>,
    ) -> Result<BTreeMap<Digest, (Descriptor, BlobHere)>, LoadError> {
        let mut here = BTreeMap::new();
        for blob in blobs {
            if here.contains_key(&blob.digest) {
                continue;
            }
            let from = match self.contents().blob(&blob.digest)? {
                Some(range) => BlobHere::Layout(range, blob.clone()),
                None => self.cache.blob(&blob.digest).map_or(BlobHere::Nowhere, BlobHere::Cache),
            };
            here.insert(blob.digest.clone(), (blob.clone(), from));
        }
        Ok(here)
    }

    /// Checks before anything is sent that the registry has the blobs that are not here. An error names those that it
    /// lacks.
    fn absent(
        &self,
        here: &BTreeMap<Digest, (Descriptor, BlobHere)>,
        place: &CopyPlace<'_>,
    ) -> Result<(), LoadError> {
        let nowhere: Vec<_> = here.values().filter(|(_, from)| matches!(from, BlobHere::Nowhere)).collect();
        let asked = try_in_parallel(&nowhere, AT_ONCE, |(blob, from)| {
            match place.client.push_blob_once(blob, from, &|_| {}) {
                Ok(_) => Ok(None),
                Err(error) if is_absent(&error) => Ok(Some(blob.digest.clone())),
                Err(error) => Err(error),
            }
        })?;
        let missing: Vec<_> = asked.into_iter().flatten().collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(self.contents().missing(missing)),
        }
    }
}

/// Whether sending failed because the registry needed a blob that is not here.
fn is_absent(error: &registry::RegistryError) -> bool {
    matches!(error, registry::RegistryError::Http(crate::http::HttpError::Source { .. }))
}

/// The error for a damaged blob of the layout, if sending failed because of one.
fn damaged(here: &BTreeMap<Digest, (Descriptor, BlobHere)>) -> Option<LoadError> {
    here.values().find_map(|(blob, from)| {
        let BlobHere::Layout(range, _) = from else { return None };
        let read = io::copy(&mut range.verified(&blob.digest, blob.size), &mut io::sink());
        read.is_err().then(|| BundleError::Damaged(blob.digest.clone()).into())
    })
}

fn put(
    place: &CopyPlace<'_>,
    graph: &ChartGraph<'_>,
    target: Target<'_>,
) -> Result<(), registry::RegistryError> {
    put_listed(&place.client, target, &graph.node, &graph.descriptor.digest, &graph.manifest)
}
