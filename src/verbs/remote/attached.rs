//! What is attached to a manifest that no tag stands for any more: cosign's tags, and what refers to it.

use std::collections::{BTreeSet, HashSet};

use super::outcome::RemoteError;
use super::untag::{Removal, Untagged, tags};
use crate::digest::Digest;
use crate::graph::{self, Attachment, Bond, FoundManifest, WalkAnswer, WalkQuestion};
use crate::limits::Budget;
use crate::reference::Tag;
use crate::registry::{Deletion, RawManifest, RepositoryClient};

/// Removes all that is attached to a manifest, however it is attached: each before what it is attached to itself. A manifest
/// that has another tag, which somebody gave it, stays. Returns the tags and digests that went.
pub(super) fn remove(repository: &RepositoryClient, subject: &Digest) -> Result<Vec<String>, RemoteError> {
    let budget = Budget::default();
    let attached = graph::attachments(subject, &budget, |questions| {
        questions.iter().map(|question| answer(repository, question)).collect::<Result<_, RemoteError>>()
    })?;
    let mut gone = Vec::new();
    for Attachment { digest, bonds, .. } in attached.iter().rev() {
        for tag in bonds.iter().filter_map(Bond::tag) {
            untag(repository, &tag, digest)?;
            gone.push(tag.to_string());
        }
    }
    // The indexes by which clients list them, where the registry does not.
    for digest in attached.iter().rev().map(|attached| &attached.digest).chain([subject]) {
        if let Some(tag) = graph::referrers_tag(digest)
            && let Some(index) = repository.tagged(&tag)?
            // Some registries read such a tag as the digest that it is made of.
            && index.digest != *digest
        {
            untag(repository, &tag, &index.digest)?;
            gone.push(tag.to_string());
        }
    }
    let held: HashSet<_> = tags(repository)?.into_iter().map(|(_, digest)| digest).collect();
    for Attachment { digest, .. } in attached.iter().rev().filter(|attached| !held.contains(&attached.digest))
    {
        match repository.delete_manifest(digest.into())? {
            Deletion::Done => gone.push(digest.to_string()),
            // A registry that deletes tags alone keeps what has none, until it collects its garbage.
            Deletion::Absent | Deletion::Refused(_) => {}
        }
    }
    Ok(gone)
}

fn answer(repository: &RepositoryClient, question: &WalkQuestion) -> Result<WalkAnswer, RemoteError> {
    let found = match question {
        WalkQuestion::Referrers(subject) => {
            return Ok(WalkAnswer::Listed(repository.referrers(subject)?.members));
        }
        WalkQuestion::Tag(tag) => repository.tagged(tag)?,
        WalkQuestion::Manifest(descriptor) => repository.manifest(&descriptor.digest)?,
    };
    Ok(found.map_or(WalkAnswer::Nothing, |RawManifest { bytes, digest, content_type }| {
        WalkAnswer::Found(FoundManifest { digest, bytes, content_type })
    }))
}

fn untag(repository: &RepositoryClient, tag: &Tag, digest: &Digest) -> Result<(), RemoteError> {
    let removal = Removal { repository, digest };
    match removal.untag(tag)? {
        Untagged::Done => Ok(()),
        Untagged::Refused(refusal) => {
            removal.delete_manifest(Some(tag), &BTreeSet::new(), false, refusal).map(drop)
        }
    }
}
