//! Sends what is attached to a chart to a registry: unchanged manifests, each after the one that it is attached to. If
//! the registry lists no referrers, one index for each subject follows.

use std::collections::{BTreeMap, BTreeSet};

use super::error::AttachedError;
use crate::digest::Digest;
use crate::graph::{Attachment, BondVia, Node};
use crate::manifest::Descriptor;
use crate::reference::{Tag, Target};
use crate::registry::{self, ListedBy, Referrers, RepositoryClient};
use crate::threads::try_in_parallel;
use crate::verbs::outcome::{OnProgress, Progress};

/// How many requests are made at a time.
const AT_ONCE: usize = 4;

/// The largest manifest under one of cosign's tags that is compared with ours, in bytes. A hundred signatures take 50
/// KiB.
const LARGEST: u64 = 1 << 20;

/// The attachments to send to a registry, and how to send their blobs.
pub(in crate::verbs) struct Sending<'a, B> {
    pub(in crate::verbs) attachments: &'a [Attachment],
    pub(in crate::verbs) to: &'a RepositoryClient,
    /// Sends a blob, unless the registry has it.
    pub(in crate::verbs) push_blob: B,
    /// Whether to ask for manifests and lists before sending them. To put a manifest that is there already changes
    /// nothing, so where most are probably missing, not asking takes fewer requests.
    pub(in crate::verbs) asks: bool,
    /// Whether the registry may have this tag.
    pub(in crate::verbs) may_have: &'a (dyn Fn(&Tag) -> bool + Sync),
    pub(in crate::verbs) progress: OnProgress<'a>,
}

/// What the registry lacks of one attachment.
struct Lack {
    /// Whether the manifest is to be put under its digest.
    by_digest: bool,
    /// The tags that have to be set to it.
    tags: Vec<Tag>,
}

/// For each subject, the manifests that are listed as attached to it, and who maintains that list.
type ListsBySubject = BTreeMap<Digest, Referrers>;

impl<B> Sending<'_, B>
where
    B: Fn(&Descriptor) -> Result<(), AttachedError> + Sync,
{
    /// Sends what the registry lacks, and returns the digests of those manifests.
    pub(in crate::verbs) fn send(&self) -> Result<Vec<Digest>, AttachedError> {
        let listed = self.listed()?;
        let lacks = self.lacks(&listed)?;
        self.send_blobs(&lacks)?;
        let mut index = BTreeMap::<&Digest, Vec<Descriptor>>::new();
        for (attachment, lack) in &lacks {
            let Attachment { digest, bytes, node, .. } = attachment;
            let subject = node.subject.as_ref().map(|subject| &subject.digest);
            let own = lack.by_digest.then_some(Target::Digest(digest));
            for target in own.into_iter().chain(lack.tags.iter().map(Target::Tag)) {
                let is_unlisted = self.to.put_attached(target, &node.media_type, bytes, subject)?;
                if let Some(subject) = subject.filter(|_| is_unlisted) {
                    index.entry(subject).or_default().push(as_referrer(attachment));
                }
            }
        }
        // An earlier run that was killed may have put a manifest and not added it to the index.
        for attachment in self.attachments {
            let Some(subject) = attachment.node.subject.as_ref().map(|subject| &subject.digest) else {
                continue;
            };
            let is_missed = listed.get(subject).is_some_and(|listed| {
                listed.by == ListedBy::Clients && !contains(&listed.members, &attachment.digest)
            });
            let members = index.get(subject).map(Vec::as_slice).unwrap_or_default();
            if is_missed && !contains(members, &attachment.digest) {
                index.entry(subject).or_default().push(as_referrer(attachment));
            }
        }
        let subjects: Vec<_> = index.into_iter().collect();
        try_in_parallel(&subjects, AT_ONCE, |(subject, members)| self.to.index_referrers(subject, members))?;
        Ok(lacks.iter().map(|(attachment, _)| attachment.digest.clone()).collect())
    }

    /// The digests of the manifests that the registry lacks. Nothing is sent.
    pub(in crate::verbs) fn missing(&self) -> Result<Vec<Digest>, AttachedError> {
        let lacks = self.lacks(&self.listed()?)?;
        Ok(lacks.into_iter().map(|(attachment, _)| attachment.digest.clone()).collect())
    }

    /// The attachments that the registry does not have under all of their names.
    fn lacks(&self, listed: &ListsBySubject) -> Result<Vec<(&Attachment, Lack)>, AttachedError> {
        let lacks = try_in_parallel(self.attachments, AT_ONCE, |attachment| self.lack(attachment, listed))?;
        let lacks = self.attachments.iter().zip(lacks);
        Ok(lacks.filter(|(_, lack)| lack.by_digest || !lack.tags.is_empty()).collect())
    }

    /// The registry's lists for all subjects of the attachments.
    fn listed(&self) -> Result<ListsBySubject, AttachedError> {
        if !self.asks {
            return Ok(ListsBySubject::new());
        }
        let subjects = self.attachments.iter().filter_map(|attachment| attachment.node.subject.as_ref());
        let subjects: BTreeSet<_> = subjects.map(|subject| subject.digest.clone()).collect();
        let subjects: Vec<_> = subjects.into_iter().collect();
        // One at a time, as a list may be large.
        let listed = try_in_parallel(&subjects, 1, |subject| match self.to.referrers(subject) {
            // The user may push and not pull: send everything.
            Err(registry::RegistryError::Unauthorized { .. } | registry::RegistryError::Forbidden { .. }) => {
                Ok(Referrers { by: ListedBy::Registry, members: Vec::new() })
            }
            listed => listed,
        })?;
        Ok(subjects.into_iter().zip(listed).collect())
    }

    fn lack(&self, attachment: &Attachment, listed: &ListsBySubject) -> Result<Lack, AttachedError> {
        let digest = &attachment.digest;
        let is_listed = attachment.node.subject.as_ref().is_some_and(|subject| {
            listed
                .get(&subject.digest)
                .is_some_and(|listed| listed.by == ListedBy::Registry && contains(&listed.members, digest))
        });
        let by_digest = attachment.bonds.iter().any(|bond| !matches!(bond.via, BondVia::Tag(_)))
            && !is_listed
            && (!self.asks || self.to.manifest_there(digest.into())?.is_none());
        let mut tags = Vec::new();
        for tag in attachment.bonds.iter().filter_map(crate::graph::Bond::tag) {
            let found = if (self.may_have)(&tag) { self.to.manifest_there((&tag).into())? } else { None };
            match found {
                Some(found) if found == *digest => {}
                Some(found) if self.holds_all_of(&tag, attachment, &found)? => {}
                _ => tags.push(tag),
            }
        }
        Ok(Lack { by_digest, tags })
    }

    /// Whether the registry's manifest under a tag has all layers of ours, so that nothing is to be added. An error if
    /// each has layers that the other lacks: cosign appends its signatures to those it finds, and none may be lost.
    fn holds_all_of(&self, tag: &Tag, ours: &Attachment, found: &Digest) -> Result<bool, AttachedError> {
        let Some(theirs) = self.to.clone().reading_at_most(LARGEST).tagged(tag)? else { return Ok(false) };
        let differs = || AttachedError::Differs { tag: tag.clone(), found: found.clone() };
        let theirs = Node::parse(&theirs.bytes, &theirs.content_type).map_err(|_| differs())?;
        match (theirs.holds_layers_of(&ours.node), ours.node.holds_layers_of(&theirs)) {
            (true, _) => Ok(true),
            (false, true) => Ok(false),
            (false, false) => Err(differs()),
        }
    }

    /// Sends each blob once, even if several manifests name it.
    fn send_blobs(&self, lacks: &[(&Attachment, Lack)]) -> Result<(), AttachedError> {
        let blobs = lacks.iter().flat_map(|(attachment, _)| &attachment.node.blobs);
        let blobs: BTreeMap<_, _> = blobs.map(|blob| (&blob.digest, blob)).collect();
        let blobs: Vec<_> = blobs.into_values().collect();
        (self.progress)(Progress::Whole(blobs.iter().map(|blob| blob.size).sum()));
        try_in_parallel(&blobs, AT_ONCE, |descriptor| (self.push_blob)(descriptor)).map(drop)
    }
}

fn contains(members: &[Descriptor], digest: &Digest) -> bool {
    members.iter().any(|member| member.digest == *digest)
}

fn as_referrer(attachment: &Attachment) -> Descriptor {
    attachment.node.as_referrer(attachment.digest.clone(), attachment.bytes.len() as u64)
}
