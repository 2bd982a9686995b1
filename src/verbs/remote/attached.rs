//! What is attached to a manifest that no tag stands for any more: cosign's tags, and what refers to it.

use std::collections::{BTreeSet, HashSet};

use super::RemoteError;
use super::untag::{Removal, Untagged, tags};
use crate::digest::Digest;
use crate::graph::{self, Node};
use crate::manifest::Descriptor;
use crate::reference::Tag;
use crate::registry::{self, Deletion, ManifestAnswer, RawManifest, RepositoryClient};

/// So many manifests may be attached to one, to what is attached to that, and so on.
const MOST: usize = 1000;

/// Removes all that is attached to a manifest. What somebody has given a tag of its own stays. Returns the tags and digests
/// that went.
pub(super) fn remove(repository: &RepositoryClient, subject: &Digest) -> Result<Vec<String>, RemoteError> {
    let mut gone = Vec::new();
    let mut seen = HashSet::from([subject.clone()]);
    let mut pending = vec![subject.clone()];
    while let Some(subject) = pending.pop() {
        for member in referrers(repository, &subject)? {
            if seen.len() < MOST && seen.insert(member.clone()) {
                pending.push(member);
            }
        }
        let mut own = graph::cosign_tags(&subject).into_iter().map(|(_, tag)| tag).collect::<Vec<_>>();
        own.extend(graph::referrers_tag(&subject));
        for tag in own {
            let Some(found) = get(repository, tag.as_str())? else { continue };
            // Some registries read such a tag as the digest that it is made of.
            if found.digest == subject {
                continue;
            }
            untag(repository, &tag, &found.digest)?;
            gone.push(tag.to_string());
            if seen.len() < MOST && graph::attached_by(&tag).is_some() && seen.insert(found.digest.clone()) {
                pending.push(found.digest);
            }
        }
    }
    seen.remove(subject);
    let held: HashSet<_> = tags(repository)?.into_iter().map(|(_, digest)| digest).collect();
    for digest in seen.into_iter().collect::<BTreeSet<_>>() {
        if held.contains(&digest) {
            continue;
        }
        match repository.delete_manifest(&digest.to_string())? {
            Deletion::Done => gone.push(digest.to_string()),
            // A registry that deletes tags alone keeps what has none, until it collects its garbage.
            Deletion::Absent | Deletion::Refused(_) => {}
        }
    }
    Ok(gone)
}

/// The manifests that are about this one, as far as clients have listed them in the index of the referrers tag schema.
fn referrers(repository: &RepositoryClient, subject: &Digest) -> Result<Vec<Digest>, RemoteError> {
    let Some(tag) = graph::referrers_tag(subject) else { return Ok(Vec::new()) };
    let Some(index) = get(repository, tag.as_str())? else { return Ok(Vec::new()) };
    let mut members = Vec::new();
    for Descriptor { digest, .. } in graph::members(&index.bytes, &index.content_type)? {
        // What it is about stands in the member alone.
        if let Some(member) = get(repository, &digest.to_string())?
            && Node::parse(&member.bytes, &member.content_type).is_ok_and(|node| node.is_about(subject))
        {
            members.push(digest);
        }
    }
    Ok(members)
}

fn get(repository: &RepositoryClient, target: &str) -> Result<Option<RawManifest>, RemoteError> {
    match repository.get_manifest(target, None) {
        Ok(ManifestAnswer::Manifest(manifest)) => Ok(Some(manifest)),
        Ok(ManifestAnswer::NotModified) | Err(registry::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
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
