//! What is attached to a chart, into a registry: manifests as they are, each behind what it is attached to, and then, where the
//! registry does not list them by itself, one index for each subject.

use std::collections::{BTreeMap, BTreeSet};

use super::error::AttachedError;
use crate::digest::Digest;
use crate::graph::{Attachment, BondVia, Node};
use crate::manifest::Descriptor;
use crate::reference::{Tag, Target};
use crate::registry::{self, ListedBy, Referrers, RepositoryClient};
use crate::threads::try_in_parallel;
use crate::verbs::outcome::{OnProgress, Progress};

/// So many requests are on their way at once.
const AT_ONCE: usize = 4;

/// The largest manifest under a tag of cosign's that is compared with ours, in bytes. One of a hundred signatures has 50 KiB.
const LARGEST: u64 = 1 << 20;

/// What is to be in a registry, and how its blobs get there.
pub(in crate::verbs) struct Sending<'a, B> {
    pub(in crate::verbs) attachments: &'a [Attachment],
    pub(in crate::verbs) to: &'a RepositoryClient,
    /// Sends a blob, unless it is there.
    pub(in crate::verbs) push_blob: B,
    /// Whether manifests and lists are asked for before they are sent. To put a manifest that is there changes nothing: where
    /// most are probably missing, that takes fewer requests.
    pub(in crate::verbs) asks: bool,
    /// Whether the registry may have a tag.
    pub(in crate::verbs) may_have: &'a (dyn Fn(&Tag) -> bool + Sync),
    pub(in crate::verbs) progress: OnProgress<'a>,
}

/// What the registry lacks of one attachment.
struct Lack {
    /// Whether it is to be put under its digest.
    by_digest: bool,
    /// The tags that do not stand for it yet.
    tags: Vec<Tag>,
}

/// By whom the manifests are listed that are about one.
type ListsBySubject = BTreeMap<Digest, Referrers>;

impl<B> Sending<'_, B>
where
    B: Fn(&Descriptor) -> Result<(), AttachedError> + Sync,
{
    /// Sends what the registry lacks. Tells which manifests that were.
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
        // A run that was killed may have put a manifest, and no more.
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

    /// Tells which manifests the registry lacks, and sends nothing.
    pub(in crate::verbs) fn missing(&self) -> Result<Vec<Digest>, AttachedError> {
        let lacks = self.lacks(&self.listed()?)?;
        Ok(lacks.into_iter().map(|(attachment, _)| attachment.digest.clone()).collect())
    }

    /// Those that it does not have under all of their names.
    fn lacks(&self, listed: &ListsBySubject) -> Result<Vec<(&Attachment, Lack)>, AttachedError> {
        let lacks = try_in_parallel(self.attachments, AT_ONCE, |attachment| self.lack(attachment, listed))?;
        let lacks = self.attachments.iter().zip(lacks);
        Ok(lacks.filter(|(_, lack)| lack.by_digest || !lack.tags.is_empty()).collect())
    }

    /// What the registry lists about everything that something is about.
    fn listed(&self) -> Result<ListsBySubject, AttachedError> {
        if !self.asks {
            return Ok(ListsBySubject::new());
        }
        let subjects = self.attachments.iter().filter_map(|attachment| attachment.node.subject.as_ref());
        let subjects: BTreeSet<_> = subjects.map(|subject| subject.digest.clone()).collect();
        let subjects: Vec<_> = subjects.into_iter().collect();
        // One by one: a list may be large.
        let listed = try_in_parallel(&subjects, 1, |subject| match self.to.referrers(subject) {
            // A registry whose users may push and not pull: everything is sent.
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

    /// Whether what the registry has under a tag holds every layer of ours, so that there is nothing to add; an error if each
    /// holds some that the other does not: cosign appends its signatures to what it has found, and neither may be lost.
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

    /// Each blob once, however many manifests name it.
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
