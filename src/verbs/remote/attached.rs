//! Removes what is attached to a manifest that has no tag any more: cosign's tags, and manifests that refer to it.

use std::collections::{BTreeSet, HashSet};

use super::outcome::RemoteError;
use super::untag::{Removal, Untagged, tags};
use crate::digest::Digest;
use crate::graph::{self, Attachment, Bond, FoundManifest, WalkAnswer, WalkQuestion};
use crate::limits::Budget;
use crate::reference::Tag;
use crate::registry::{Deletion, RawManifest, RepositoryClient};

/// Removes everything that is attached to a manifest, each manifest before the one that it is attached to. A manifest
/// that also has a tag which a user has given it stays. Returns the tags and digests that were removed.
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
    // The indexes by which clients list them, if the registry does not list referrers.
    for digest in attached.iter().rev().map(|attached| &attached.digest).chain([subject]) {
        if let Some(tag) = graph::referrers_tag(digest)
            && let Some(index) = repository.tagged(&tag)?
            // Some registries resolve such a tag as if it were the digest in it.
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
            // A registry that only deletes tags keeps the manifest until it collects garbage.
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
