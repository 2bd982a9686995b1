//! A tag out of its registry, and what was attached to its manifest, if that was asked for.

use std::collections::BTreeSet;

use super::attached;
use super::outcome::RemoteError;
use super::untag::{Removal, Untagged};
use crate::digest::Digest;
use crate::reference::{Reference, Tag};
use crate::registry::{Client, RepositoryClient};

/// What is to be removed with a tag.
#[derive(Clone, Debug, Default)]
pub struct RemoteRemoval {
    /// Other tags of the same manifest.
    pub all_tags: bool,
    /// Signatures and whatever else is attached to the manifest, if no tag of it is left.
    pub signatures: bool,
}

/// What was removed from a registry.
#[derive(Clone, Debug)]
pub struct RemovedRemotely {
    /// The manifest that the tag stood for.
    pub digest: Digest,
    /// Other tags of the same manifest that went with it.
    pub tags: Vec<Tag>,
    /// What was attached to it and went: tags and digests.
    pub attached: Vec<String>,
    /// Tags that the manifest still has, for which what is attached to it was left.
    pub kept_for: Vec<Tag>,
}

/// What a reference stands for in its registry.
pub fn find_remote(client: &Client, reference: &Reference) -> Result<Digest, RemoteError> {
    find(&repository(client, reference)?, reference)
}

/// Removes the tag of a reference from its registry; of a reference without a tag, the manifest. `going` are references that
/// the same command removes as well: their tags do not count as tags that the manifest still has.
pub fn remove_remote(
    client: &Client,
    reference: &Reference,
    going: &[Reference],
    options: &RemoteRemoval,
) -> Result<RemovedRemotely, RemoteError> {
    let repository = repository(client, reference)?;
    let digest = find(&repository, reference)?;
    let removal = Removal { repository: &repository, digest: &digest };
    let is_sibling = |other: &&Reference| {
        (&other.host, &other.repository) == (&reference.host, &reference.repository) && other.digest.is_none()
    };
    let going: BTreeSet<_> = going.iter().filter(is_sibling).filter_map(|other| other.tag.clone()).collect();
    let by_tag = match &reference.tag {
        Some(tag) => removal.untag(tag)?,
        None => Untagged::Refused(None),
    };
    let mut tags = Vec::new();
    if let Untagged::Refused(refusal) = by_tag {
        tags = removal.delete_manifest(reference.tag.as_ref(), &going, options.all_tags, refusal)?;
    } else if options.all_tags {
        for tag in removal.tags()? {
            match removal.untag(&tag)? {
                Untagged::Done => tags.push(tag),
                Untagged::Refused(Some(error)) => return Err(RemoteError::DeletionOff(error)),
                Untagged::Refused(None) => return Err(RemoteError::StillThere),
            }
        }
    }
    let (mut attached, mut kept_for) = (Vec::new(), Vec::new());
    if options.signatures {
        kept_for = removal.tags()?.into_iter().filter(|tag| !going.contains(tag)).collect();
        if kept_for.is_empty() {
            attached = attached::remove(&repository, &digest)?;
        }
    }
    Ok(RemovedRemotely { digest, tags, attached, kept_for })
}

fn repository(client: &Client, reference: &Reference) -> Result<RepositoryClient, RemoteError> {
    Ok(client.repository(&reference.host, &reference.repository)?.for_deletion())
}

fn find(repository: &RepositoryClient, reference: &Reference) -> Result<Digest, RemoteError> {
    let target = match (&reference.tag, &reference.digest) {
        (Some(tag), _) => tag.into(),
        (None, Some(digest)) => digest.into(),
        (None, None) => return Err(RemoteError::NoTarget(reference.clone())),
    };
    let found = repository.head_manifest(target)?.ok_or(RemoteError::Missing)?.digest;
    match &reference.digest {
        Some(digest) if *digest != found => Err(RemoteError::OtherDigest(found)),
        _ => Ok(found),
    }
}
