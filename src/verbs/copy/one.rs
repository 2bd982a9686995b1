//! Copies one chart from one registry to another.

use std::collections::{BTreeMap, HashSet};

use super::attached::attached;
use super::blobs::BlobWay;
use super::copying::{Copied, CopiedAttachment, CopyStatus, CopyTask, Copying};
use super::error::CopyError;
use super::place::CopyPlace;
use crate::digest::Digest;
use crate::graph::{Attachment, Node};
use crate::limits::MAX_ATTACHED_BLOB;
use crate::manifest::{Descriptor, ManifestError};
use crate::reference::{Tag, Target};
use crate::registry::{self, ManifestAnswer, RawManifest};
use crate::threads::try_in_parallel;
use crate::verbs::attached::{AttachedError, Sending, put_listed};
use crate::verbs::naming::{Misnamed, misnamed};
use crate::verbs::outcome::{OnProgress, Progress};
use crate::verbs::unclobbered::{Standing, standing_after};

/// How many blobs of a chart are copied at a time.
const AT_ONCE: usize = 4;
/// How many times its own bytes a parsed manifest takes in memory.
const READ: u64 = 3;

/// The annotations for a chart's name and version (pkg/registry/util.go, generateOCIAnnotations).
const TITLE: &str = "org.opencontainers.image.title";
const VERSION: &str = "org.opencontainers.image.version";

type CopyBlob<'a> = &'a (dyn Fn(&Descriptor) -> Result<(), AttachedError> + Sync);
type AnySending<'a> = Sending<'a, CopyBlob<'a>>;

/// A chart at its source.
struct CopyOrigin {
    manifest: RawManifest,
    node: Node,
}

impl Copying<'_> {
    /// Copies one chart: its blobs, then what is attached to it, and its tag last, so that a client that sees the tag
    /// finds the signatures. `progress` is called with the number of bytes to send, and then with those that were sent.
    pub fn copy(&self, task: &CopyTask, progress: OnProgress<'_>) -> Result<Copied, CopyError> {
        let CopyTask { from, to } = task;
        let wanted = from.target().ok_or_else(|| CopyError::NoTarget(from.clone()))?;
        let destination = self.destinations.at(to)?;
        let (source, is_within) = (self.source(task)?, task.is_within());
        let there = self.there(&destination, task, wanted)?;
        let origin = match &there {
            // A digest was asked for, and the destination has that manifest.
            Some(there) if from.digest.as_ref() == Some(there) => None,
            there => origin(&source, wanted, there.as_ref())?,
        };
        let digest = match (&origin, &there) {
            (Some(origin), _) => origin.manifest.digest.clone(),
            (None, Some(there)) => there.clone(),
            (None, None) => return Err(ManifestError::Neither.into()),
        };
        let is_current = there.as_ref() == Some(&digest);
        if let Some(other) = there.as_ref().filter(|_| !is_current && !self.options.force) {
            return Err(CopyError::Differs(other.clone()));
        }
        let size = origin.as_ref().map_or(0, |origin| origin.manifest.bytes.len() as u64);
        let mut held = self.budget.hold(READ * size)?;
        let attached = match is_within || self.options.without_attached {
            true => Vec::new(),
            false => attached(&source, self.budget, &digest)?,
        };
        held.grow(READ * attached.iter().map(|attachment| attachment.bytes.len() as u64).sum::<u64>())?;
        let way = BlobWay::new(&source, &destination, self.throttle.as_ref(), progress);
        let target = to.tag.as_ref().map_or(Target::Digest(&digest), Target::Tag);
        let origin = origin.filter(|_| !is_current);
        let misnamed = origin.as_ref().map_or_else(Vec::new, |origin| misnamed_there(task, &origin.node));
        let sent = match origin {
            Some(_) if self.options.dry_run => {
                attached.iter().map(|attachment| attachment.digest.clone()).collect()
            }
            Some(origin) => {
                let blobs = if is_within { &[][..] } else { &origin.node.blobs };
                put_chart(&way, &origin, blobs, &attached, target)
                    .or_else(|error| self.unless_there(error, &destination, target, &digest))?
            }
            None if attached.is_empty() => Vec::new(),
            None => sending(&way, &attached, true, |sending| match self.options.dry_run {
                true => sending.missing(),
                false => sending.send(),
            })?,
        };
        let status = match (is_current, sent.is_empty()) {
            (false, _) => CopyStatus::Copied,
            (true, false) => CopyStatus::Updated,
            (true, true) => CopyStatus::Current,
        };
        Ok(Copied {
            to: to.clone(),
            digest,
            status,
            attached: attachments(&attached, &sent),
            blobs: way.counts(),
            replaced: there.filter(|_| !is_current),
            misnamed,
        })
    }

    /// Handles a refusal by the destination: it is no error if the destination has this manifest by now, and `Differs`
    /// if it has another one.
    fn unless_there(
        &self,
        error: CopyError,
        destination: &CopyPlace<'_>,
        target: Target<'_>,
        digest: &Digest,
    ) -> Result<Vec<Digest>, CopyError> {
        match error {
            CopyError::Registry(refusal) if !self.options.force => {
                // Even of the same chart another manifest counts as different: signatures are for the manifest.
                match standing_after(refusal, &destination.client, target, digest, &|_| false)? {
                    Standing::Other(there) => Err(CopyError::Differs(there)),
                    _ => Ok(Vec::new()),
                }
            }
            error => Err(error),
        }
    }

    /// The manifest that the destination has under the tag of the copy. It is an error if the destination does not say,
    /// unless the tag may be overwritten anyway.
    fn there(
        &self,
        destination: &CopyPlace<'_>,
        task: &CopyTask,
        wanted: Target<'_>,
    ) -> Result<Option<Digest>, CopyError> {
        let target = match &task.to.tag {
            Some(tag) if !destination.may_have_this(tag) => return Ok(None),
            Some(tag) => tag.into(),
            None => wanted,
        };
        Ok(match self.options.force {
            true => destination.client.manifest_there(target)?,
            false => destination.client.head_manifest(target)?.map(|head| head.digest),
        })
    }
}

/// The chart at the source; `None` if it is the manifest `there` that the destination has.
fn origin(
    source: &CopyPlace<'_>,
    wanted: Target<'_>,
    there: Option<&Digest>,
) -> Result<Option<CopyOrigin>, CopyError> {
    let manifest = match source.client.get_manifest(wanted, there)? {
        ManifestAnswer::NotModified => return Ok(None),
        ManifestAnswer::Manifest(manifest) => manifest,
    };
    let node = Node::parse(&manifest.bytes, &manifest.content_type)?;
    if !node.manifests.is_empty() {
        return Err(CopyError::Index);
    }
    if let Some(blob) = node.blobs.iter().find(|blob| blob.size > MAX_ATTACHED_BLOB) {
        let (what, size, limit) = ("blob", blob.size, MAX_ATTACHED_BLOB);
        return Err(ManifestError::TooLarge { what, size, limit }.into());
    }
    Ok(Some(CopyOrigin { manifest, node }))
}

/// Puts a chart with everything that is attached to it. Returns the digests of the attached manifests that the
/// destination lacked.
fn put_chart(
    way: &BlobWay<'_, '_>,
    origin: &CopyOrigin,
    blobs: &[Descriptor],
    attached: &[Attachment],
    target: Target<'_>,
) -> Result<Vec<Digest>, CopyError> {
    let blobs: BTreeMap<_, _> = blobs.iter().map(|blob| (&blob.digest, blob)).collect();
    let blobs: Vec<_> = blobs.into_values().collect();
    (way.progress)(Progress::Whole(blobs.iter().map(|blob| blob.size).sum()));
    let send = || try_in_parallel(&blobs, AT_ONCE, |blob| way.send(blob, false)).map(drop);
    let digest = Target::Digest(&origin.manifest.digest);
    let first = if attached.is_empty() { target } else { digest };
    send()?;
    match put(way, origin, first) {
        // The registry's garbage collection may have removed blobs in between: send them again, once.
        Err(registry::RegistryError::BlobsUnknown { .. }) if !blobs.is_empty() => {
            send()?;
            put(way, origin, first)?;
        }
        result => result?,
    }
    if attached.is_empty() {
        return Ok(Vec::new());
    }
    let sent = sending(way, attached, false, |sending| sending.send())?;
    if target != digest {
        put(way, origin, target)?;
    }
    Ok(sent)
}

fn put(
    way: &BlobWay<'_, '_>,
    origin: &CopyOrigin,
    target: Target<'_>,
) -> Result<(), registry::RegistryError> {
    let CopyOrigin { manifest, node } = origin;
    put_listed(&way.to.client, target, node, &manifest.digest, &manifest.bytes)
}

/// Calls `work` with what is attached to the chart. With `asks`, the destination is asked before anything is sent: if
/// it has the chart, it probably has most of that as well.
fn sending<T>(
    way: &BlobWay<'_, '_>,
    attachments: &[Attachment],
    asks: bool,
    work: impl FnOnce(&AnySending<'_>) -> Result<T, AttachedError>,
) -> Result<T, AttachedError> {
    let push_blob = |blob: &Descriptor| Ok(way.send(blob, true)?);
    let may_have = &|tag: &Tag| way.to.may_have(tag);
    let (to, progress) = (&way.to.client, way.progress);
    work(&Sending { attachments, to, push_blob: &push_blob, asks, may_have, progress })
}

fn attachments(attached: &[Attachment], sent: &[Digest]) -> Vec<CopiedAttachment> {
    let sent: HashSet<_> = sent.iter().collect();
    let rows = attached.iter().filter_map(|attachment| {
        let bond = attachment.bonds.first()?;
        Some(CopiedAttachment {
            digest: attachment.digest.clone(),
            subject: bond.to.clone(),
            artifact_type: attachment.node.artifact_type.clone(),
            via: bond.via,
            is_new: sent.contains(&attachment.digest),
        })
    });
    rows.collect()
}

/// The ways in which Helm finds a chart at the source and not at the destination.
fn misnamed_there(task: &CopyTask, node: &Node) -> Vec<Misnamed> {
    let (Some(name), Some(version)) = (node.annotations.get(TITLE), node.annotations.get(VERSION)) else {
        return Vec::new();
    };
    let same_kind =
        |one: &Misnamed, other: &Misnamed| std::mem::discriminant(one) == std::mem::discriminant(other);
    let before = misnamed(&task.from, name, version);
    let mut after = misnamed(&task.to, name, version);
    after.retain(|one| !before.iter().any(|other| same_kind(one, other)));
    after
}
