//! The contents of a layout: charts, and what may be attached to them.

use std::collections::HashMap;
use std::path::Path;

use super::entry;
use super::error::LoadError;
use super::task::LoadTask;
use crate::bundle::{BundleError, BundleReader, FileRange, WrappedChart};
use crate::cache::Cache;
use crate::digest::Digest;
use crate::graph::{AttachedBy, Node, attached_by, cosign_tags};
use crate::layout::{EntryName, entry_name};
use crate::limits::{HeldBudget, MAX_MANIFEST};
use crate::manifest::Descriptor;
use crate::reference::{Host, Reference, Repository, Tag};
use crate::verbs::bundle::as_path_error;

/// How many bytes of memory a remembered entry takes that may be attached.
const REMEMBERED: u64 = 512;

/// The repository in the name of an entry; `None` if the name is only a tag.
pub(super) type Home = Option<(Host, Repository)>;

/// A layout whose index was read.
pub(super) struct Contents<'a> {
    pub(super) reader: BundleReader<'a>,
    pub(super) charts: Vec<LoadTask>,
    /// Manifests that have a subject, by the digest of the subject.
    pub(super) subjects: HashMap<Digest, Vec<Descriptor>>,
    /// Manifests under tags that are made of a digest, such as cosign's.
    pub(super) tags: HashMap<(Home, Tag), Descriptor>,
    /// The digests of the indexes of the bundles that this one depends on.
    pub(super) since: Vec<Digest>,
    _held: HeldBudget<'a>,
}

impl<'a> Contents<'a> {
    /// Reads the index of a layout, and those of its manifests that have no name. If there is no layout but a chart
    /// wrapped by `dt wrap`, that is returned instead.
    pub(super) fn open(path: &Path, cache: &'a Cache) -> Result<Result<Self, WrappedChart>, LoadError> {
        let scratch = || cache.scratch().map_err(as_path_error(cache));
        let mut reader = BundleReader::open(path, cache.budget(), scratch)?;
        let index = match reader.index() {
            Ok((index, _)) => index,
            Err(error @ BundleError::NoIndex) => {
                return reader.wrapped()?.map(Err).ok_or_else(|| error.into());
            }
            Err(error) => return Err(error.into()),
        };
        let held = cache.budget().hold(REMEMBERED * index.manifests.len() as u64)?;
        let (charts, subjects, tags) = (Vec::new(), HashMap::new(), HashMap::new());
        let mut contents = Self { reader, charts, subjects, tags, since: index.since, _held: held };
        // A layout of `cosign save` has one image, and its signatures have no name.
        let signed =
            index.manifests.iter().find(|entry| entry::kind(entry) == Some(entry::LayoutEntryKind::Image));
        let signed = signed.map(|entry| entry.digest.clone());
        for descriptor in index.manifests {
            contents.enter(descriptor, signed.as_ref())?;
        }
        Ok(Ok(contents))
    }

    fn enter(&mut self, descriptor: Descriptor, signed: Option<&Digest>) -> Result<(), LoadError> {
        let name = entry_name(&descriptor.annotations);
        let home = match &name {
            EntryName::Full(Reference { host, repository, .. }) => Some((host.clone(), repository.clone())),
            _ => None,
        };
        let by = match (entry::kind(&descriptor), signed) {
            (Some(entry::LayoutEntryKind::Signatures), Some(signed)) => Some((signed, AttachedBy::Signature)),
            (Some(entry::LayoutEntryKind::Attestations), Some(signed)) => {
                Some((signed, AttachedBy::Attestation))
            }
            _ => None,
        };
        if let Some((signed, by)) = by {
            let tag = cosign_tags(signed).into_iter().find(|(other, _)| *other == by);
            self.tags.extend(tag.map(|(_, tag)| ((home, tag), descriptor)));
            return Ok(());
        }
        let tag = match &name {
            EntryName::Full(Reference { tag, .. }) => tag.clone(),
            EntryName::Tag(tag) => Some(tag.clone()),
            EntryName::Odd(_) | EntryName::Nameless => None,
        };
        match tag.and_then(|tag| attached_by(&tag).map(|(_, by)| (tag, by))) {
            Some((_, AttachedBy::ReferrersTag)) => {
                // The members of such an index name their subjects themselves.
                if let Some(bytes) = self.reader.small(&descriptor, MAX_MANIFEST)? {
                    let members = crate::graph::members(&bytes, &descriptor.media_type)?;
                    members.into_iter().try_for_each(|member| self.refer(member).map(drop))?;
                }
            }
            Some((tag, _)) => drop(self.tags.insert((home, tag), descriptor)),
            None if name == EntryName::Nameless && self.refer(descriptor.clone())? => {}
            None => self.charts.push(LoadTask { name, manifest: bare(descriptor) }),
        }
        Ok(())
    }

    /// Records a manifest that has a subject. Returns whether it has one.
    fn refer(&mut self, descriptor: Descriptor) -> Result<bool, LoadError> {
        let Some(bytes) = self.reader.small(&descriptor, MAX_MANIFEST)? else { return Ok(false) };
        let Some(subject) = Node::parse(&bytes, &descriptor.media_type)?.subject else { return Ok(false) };
        let known = self.subjects.entry(subject.digest).or_default();
        if known.iter().all(|other| other.digest != descriptor.digest) {
            known.push(bare(descriptor));
        }
        Ok(true)
    }

    /// The content of a manifest, if the layout has it.
    pub(super) fn manifest(&mut self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, BundleError> {
        self.reader.small(descriptor, MAX_MANIFEST)
    }

    /// The place of a blob in the layout, if it has it.
    pub(super) fn blob(&mut self, digest: &Digest) -> Result<Option<FileRange>, BundleError> {
        self.reader.blob(digest)
    }

    /// The error for blobs that are missing everywhere.
    pub(super) fn missing(&self, blobs: Vec<Digest>) -> LoadError {
        LoadError::Missing { blobs, since: self.since.clone() }
    }
}

/// A descriptor without its annotations, which only name its entry.
fn bare(descriptor: Descriptor) -> Descriptor {
    Descriptor { annotations: Default::default(), ..descriptor }
}
