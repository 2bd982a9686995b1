//! What a layout has: charts, and what may be attached to them.

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

/// What is remembered of an entry that may be attached, in bytes.
const REMEMBERED: u64 = 512;

/// The repository that a name is in; none for a tag alone.
pub(super) type Home = Option<(Host, Repository)>;

/// A layout whose index was read.
pub(super) struct Contents<'a> {
    pub(super) reader: BundleReader<'a>,
    pub(super) charts: Vec<LoadTask>,
    /// What names its subject, by that.
    pub(super) subjects: HashMap<Digest, Vec<Descriptor>>,
    /// What is under a tag that is made of a digest.
    pub(super) tags: HashMap<(Home, Tag), Descriptor>,
    /// The indexes of the bundles without which it is not whole.
    pub(super) since: Vec<Digest>,
    _held: HeldBudget<'a>,
}

impl<'a> Contents<'a> {
    /// Reads the index of a layout, and the manifests of it that have no names; or finds a chart that is in none.
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
        // `cosign save` has one image, and its signatures under no name.
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
                // What it lists is listed by its own subject.
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

    /// Notes a manifest that names its subject; says whether it does.
    fn refer(&mut self, descriptor: Descriptor) -> Result<bool, LoadError> {
        let Some(bytes) = self.reader.small(&descriptor, MAX_MANIFEST)? else { return Ok(false) };
        let Some(subject) = Node::parse(&bytes, &descriptor.media_type)?.subject else { return Ok(false) };
        let known = self.subjects.entry(subject.digest).or_default();
        if known.iter().all(|other| other.digest != descriptor.digest) {
            known.push(bare(descriptor));
        }
        Ok(true)
    }

    /// All of a manifest, if the layout has it.
    pub(super) fn manifest(&mut self, descriptor: &Descriptor) -> Result<Option<Vec<u8>>, BundleError> {
        self.reader.small(descriptor, MAX_MANIFEST)
    }

    /// What the layout has of a blob.
    pub(super) fn blob(&mut self, digest: &Digest) -> Result<Option<FileRange>, BundleError> {
        self.reader.blob(digest)
    }

    /// The error about these blobs, which are nowhere.
    pub(super) fn missing(&self, blobs: Vec<Digest>) -> LoadError {
        LoadError::Missing { blobs, since: self.since.clone() }
    }
}

/// A descriptor without its annotations, which say what its entry is called.
fn bare(descriptor: Descriptor) -> Descriptor {
    Descriptor { annotations: Default::default(), ..descriptor }
}
