//! Removes a tag from its registry, and what is attached to its manifest if that was asked for.

use std::collections::BTreeSet;

use super::attached;
use super::outcome::RemoteError;
use super::untag::{Removal, Untagged};
use crate::digest::Digest;
use crate::reference::{Reference, Tag};
use crate::registry::{Client, RepositoryClient};

/// What to remove along with a tag.
#[derive(Clone, Debug, Default)]
pub struct RemoteRemoval {
    /// Whether to remove the other tags of the same manifest.
    pub all_tags: bool,
    /// Whether to remove signatures and anything else that is attached to the manifest, if no tag of it is left.
    pub signatures: bool,
}

/// What was removed from a registry.
#[derive(Clone, Debug)]
pub struct RemovedRemotely {
    /// The digest of the manifest that the tag stood for.
    pub digest: Digest,
    /// The other tags of that manifest that were removed.
    pub tags: Vec<Tag>,
    /// The tags and digests of what was attached to it and was removed.
    pub attached: Vec<String>,
    /// The tags that the manifest still has, because of which what is attached to it was kept.
    pub kept_for: Vec<Tag>,
}

/// The digest of the manifest that a reference stands for in its registry; `Missing` if there is none.
pub fn find_remote(client: &Client, reference: &Reference) -> Result<Digest, RemoteError> {
    find(&repository(client, reference)?, reference)
}

/// Removes the tag of a reference from its registry; for a reference without a tag, the manifest. `going` are
/// references that the same command also removes, so their tags do not keep the manifest.
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
