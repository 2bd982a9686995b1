//! Collects one chart for a bundle: its manifest, what is attached to it, and the sources of all blobs.

use super::bundling::Bundling;
use super::cached::{CachedChart, cached};
use super::error::BundlingError;
use super::origin::{BlobOrigin, FoundChart};
use crate::cache::CacheError;
use crate::digest::Digest;
use crate::graph::{Attachment, Bond, BondVia, Node};
use crate::layout::{PlannedAttachment, PlannedChart};
use crate::limits::{HeldBudget, MAX_ATTACHED_BLOB};
use crate::manifest::{Descriptor, ManifestError};
use crate::reference::Reference;
use crate::registry::{ManifestAnswer, RawManifest};
use crate::verbs::attached::kept;
use crate::verbs::copy::attached;

/// How many bytes of memory a chart takes, and each of its blobs, besides the manifests.
const REMEMBERED: u64 = 512;

/// A chart whose manifests were read and whose blobs are all known, but not read.
pub struct Gathered<'a> {
    pub(super) chart: PlannedChart,
    /// The chart's manifest and those attached to it, by digest.
    pub(super) manifests: Vec<(Digest, Vec<u8>)>,
    pub(super) origins: Vec<(Digest, BlobOrigin<'a>)>,
    /// Whether it is known what is attached.
    pub(super) looked: bool,
    pub(super) _held: HeldBudget<'a>,
}

impl<'a> Bundling<'a> {
    /// Collects a chart from the cache, or from its registry if the cache does not have it. If the cache does not know
    /// what is attached to the chart, the registry is asked.
    pub fn gather(&self, reference: &Reference) -> Result<Gathered<'a>, BundlingError> {
        let wanted = reference.target().ok_or_else(|| BundlingError::NoTarget(reference.clone()))?;
        let cached = match cached(self.cache, reference) {
            // The entry is of an early generation and not complete, or it is damaged.
            Err(BundlingError::Cache(error @ (CacheError::Missing(_) | CacheError::Damaged { .. })))
                if !self.options.offline =>
            {
                log::warn!("{reference}: {error}; it is taken from its registry");
                None
            }
            cached => cached?,
        };
        match cached {
            Some(CachedChart { found, entry }) => {
                let kept = kept(self.cache, &entry)?;
                if !kept.is_empty() || self.options.offline || self.options.without_attached {
                    let looked = !kept.is_empty() && !self.options.without_attached;
                    let kept = if self.options.without_attached { Vec::new() } else { kept };
                    return self.gathered(reference, found, kept, looked, &BlobOrigin::Cache);
                }
                let place = self.place(reference)?;
                let attached = attached(&place, self.cache.budget(), &found.digest);
                let attached = attached.map_err(BundlingError::Unasked)?;
                self.gathered(reference, found, attached, true, &BlobOrigin::Registry(place))
            }
            None if self.options.offline => Err(CacheError::NotFound(reference.clone()).into()),
            None => {
                let place = self.place(reference)?;
                let ManifestAnswer::Manifest(manifest) = place.client.get_manifest(wanted, None)? else {
                    return Err(ManifestError::Neither.into());
                };
                let RawManifest { digest, bytes, content_type } = manifest;
                let node = Node::parse(&bytes, &content_type)?;
                let origin = BlobOrigin::Registry(place.clone());
                let origins = node.blobs.iter().map(|blob| (blob.digest.clone(), origin.clone())).collect();
                let attached = match self.options.without_attached {
                    true => Vec::new(),
                    false => attached(&place, self.cache.budget(), &digest)?,
                };
                let looked = !self.options.without_attached;
                let found = FoundChart { digest, bytes, node, origins };
                self.gathered(reference, found, attached, looked, &origin)
            }
        }
    }

    fn gathered(
        &self,
        reference: &Reference,
        found: FoundChart<'a>,
        attachments: Vec<Attachment>,
        looked: bool,
        origin: &BlobOrigin<'a>,
    ) -> Result<Gathered<'a>, BundlingError> {
        let FoundChart { digest, bytes, node, mut origins } = found;
        if !node.manifests.is_empty() {
            return Err(BundlingError::Index);
        }
        let all = node.blobs.iter().chain(attachments.iter().flat_map(|attachment| &attachment.node.blobs));
        if let Some(blob) = all.clone().find(|blob| blob.size > MAX_ATTACHED_BLOB) {
            let (what, size, limit) = ("blob", blob.size, MAX_ATTACHED_BLOB);
            return Err(ManifestError::TooLarge { what, size, limit }.into());
        }
        let mut held = self.cache.budget().hold(bytes.len() as u64)?;
        held.grow(REMEMBERED * (1 + all.count() as u64))?;
        held.grow(origins.iter().map(|(_, origin)| origin.held()).sum())?;
        held.grow(attachments.iter().map(|attachment| attachment.bytes.len() as u64 + REMEMBERED).sum())?;
        let described = |node: &Node, digest: &Digest, bytes: &[u8]| {
            Descriptor::new(&node.media_type, digest.clone(), bytes.len() as u64)
        };
        let mut chart = PlannedChart {
            reference: Reference {
                // A reference with both a tag and a digest is recorded under the tag.
                digest: reference.tag.is_none().then(|| digest.clone()),
                ..reference.clone()
            },
            manifest: described(&node, &digest, &bytes),
            blobs: node.blobs,
            attached: Vec::with_capacity(attachments.len()),
        };
        let mut manifests = vec![(digest, bytes)];
        for Attachment { digest, bytes, node, bonds } in attachments {
            origins.extend(node.blobs.iter().map(|blob| (blob.digest.clone(), origin.clone())));
            let mut manifest = described(&node, &digest, &bytes);
            manifest.artifact_type = node.artifact_type;
            chart.attached.push(PlannedAttachment {
                manifest,
                blobs: node.blobs,
                tags: bonds.iter().filter_map(Bond::tag).collect(),
                has_subject: bonds.iter().any(|bond| bond.via == BondVia::Subject),
            });
            manifests.push((digest, bytes));
        }
        Ok(Gathered { chart, manifests, origins, looked, _held: held })
    }
}
