//! Reads one chart of a layout with everything that is attached to it.

use std::collections::{BTreeMap, HashSet};

use super::contents::{Contents, Home};
use super::error::LoadError;
use super::loading::LayoutLoading;
use super::task::LoadTask;
use crate::digest::Digest;
use crate::graph::{Attachment, FoundManifest, Node, WalkAnswer, WalkQuestion, attachments};
use crate::layout::EntryName;
use crate::limits::{HeldBudget, MAX_ATTACHED_BLOB, MAX_ATTACHED_BLOBS};
use crate::manifest::{Descriptor, ManifestError};
use crate::verbs::attached::AttachedError;

/// How many times its own bytes a parsed manifest takes in memory.
const READ: u64 = 3;

/// A chart with everything that is attached to it. All manifests have been read.
pub(super) struct ChartGraph<'a> {
    /// The content of the chart's manifest.
    pub(super) manifest: Vec<u8>,
    /// The parsed manifest.
    pub(super) node: Node,
    /// The index that the layout names, with its descriptor, if the chart is in an index.
    pub(super) origin: Option<(Descriptor, Vec<u8>)>,
    /// The descriptor of the chart's manifest.
    pub(super) descriptor: Descriptor,
    /// What is attached to the chart.
    pub(super) attached: Vec<Attachment>,
    _held: HeldBudget<'a>,
}

impl ChartGraph<'_> {
    /// All blobs of what is attached, each once.
    pub(super) fn attached_blobs(&self) -> Vec<Descriptor> {
        let blobs = self.attached.iter().flat_map(|attachment| &attachment.node.blobs);
        blobs.map(|blob| (&blob.digest, blob)).collect::<BTreeMap<_, _>>().into_values().cloned().collect()
    }
}

impl<'a> LayoutLoading<'a> {
    /// Reads the manifests of a chart and of what is attached to it.
    pub(super) fn graph(&self, task: &LoadTask) -> Result<ChartGraph<'a>, LoadError> {
        let budget = self.cache.budget();
        let (contents, home) = (&mut *self.contents(), home(&task.name));
        let mut descriptor = task.manifest.clone();
        let mut manifest = of(contents, &descriptor)?;
        let mut origin = None;
        let mut node = Node::parse(&manifest, &descriptor.media_type)?;
        if !node.manifests.is_empty() {
            let chosen = crate::manifest::ImageIndex { manifests: node.manifests }.chart()?.clone();
            let member = of(contents, &chosen)?;
            node = Node::parse(&member, &chosen.media_type)?;
            origin = Some((descriptor, std::mem::replace(&mut manifest, member)));
            descriptor = chosen;
        }
        let limit = MAX_ATTACHED_BLOB;
        if let Some(blob) = node.blobs.iter().find(|blob| blob.size > limit) {
            return Err(ManifestError::TooLarge { what: "blob", size: blob.size, limit }.into());
        }
        let mut held = budget.hold(READ * manifest.len() as u64)?;
        let attached = attachments(&descriptor.digest, budget, |questions| {
            questions.iter().map(|question| answer(contents, home.as_ref(), question)).collect()
        });
        let attached: Vec<Attachment> = attached.map_err(|error: LoadError| error)?;
        held.grow(READ * attached.iter().map(|attachment| attachment.bytes.len() as u64).sum::<u64>())?;
        let mut blobs = HashSet::new();
        for blob in attached.iter().flat_map(|attachment| &attachment.node.blobs) {
            if blob.size > limit {
                let (digest, size) = (blob.digest.clone(), blob.size);
                return Err(AttachedError::TooLarge { digest, size }.into());
            }
            blobs.insert(&blob.digest);
        }
        if blobs.len() > MAX_ATTACHED_BLOBS {
            return Err(AttachedError::TooMany.into());
        }
        Ok(ChartGraph { manifest, node, origin, descriptor, attached, _held: held })
    }
}

fn home(name: &EntryName) -> Home {
    match name {
        EntryName::Full(reference) => Some((reference.host.clone(), reference.repository.clone())),
        _ => None,
    }
}

fn of(contents: &mut Contents<'_>, descriptor: &Descriptor) -> Result<Vec<u8>, LoadError> {
    match contents.manifest(descriptor)? {
        Some(bytes) => Ok(bytes),
        None => Err(contents.missing(vec![descriptor.digest.clone()])),
    }
}

fn answer(
    contents: &mut Contents<'_>,
    home: Option<&(crate::reference::Host, crate::reference::Repository)>,
    question: &WalkQuestion,
) -> Result<WalkAnswer, LoadError> {
    let found = |contents: &mut Contents<'_>, descriptor: &Descriptor| {
        let bytes = of(contents, descriptor)?;
        let (digest, content_type): (Digest, _) = (descriptor.digest.clone(), descriptor.media_type.clone());
        Ok(WalkAnswer::Found(FoundManifest { digest, bytes, content_type }))
    };
    match question {
        WalkQuestion::Referrers(subject) => {
            Ok(WalkAnswer::Listed(contents.subjects.get(subject).cloned().unwrap_or_default()))
        }
        WalkQuestion::Tag(tag) => {
            let own = contents.tags.get(&(home.cloned(), tag.clone()));
            match own.or_else(|| contents.tags.get(&(None, tag.clone()))).cloned() {
                Some(descriptor) => found(contents, &descriptor),
                None => Ok(WalkAnswer::Nothing),
            }
        }
        WalkQuestion::Manifest(descriptor) => found(contents, descriptor),
    }
}
