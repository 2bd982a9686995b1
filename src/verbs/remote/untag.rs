//! Removes a tag from its manifest, without removing anything else.
//!
//! If the registry can delete a tag, only that tag is deleted. If it only deletes manifests, that removes all tags of
//! the manifest, so it is done only if there are no others: each tag of the repository is checked before. No manifest
//! is pushed only to be deleted under the tag: where deletion is off, that manifest would remain.

use std::collections::BTreeSet;

use super::outcome::RemoteError;
use crate::digest::Digest;
use crate::reference::{Tag, Target};
use crate::registry::{self, Deletion, RepositoryClient};
use crate::threads::in_parallel;

/// How many tags are checked at a time.
const AT_ONCE: usize = 8;

/// A manifest of which a tag is removed.
pub(super) struct Removal<'a> {
    pub(super) repository: &'a RepositoryClient,
    pub(super) digest: &'a Digest,
}

/// Whether a registry has deleted a tag.
pub(super) enum Untagged {
    /// The tag is deleted, which was checked afterwards.
    Done,
    /// The registry does not delete tags; with its error, if it gave one.
    Refused(Option<registry::RegistryError>),
}

impl Removal<'_> {
    /// Deletes only the tag.
    pub(super) fn untag(&self, tag: &Tag) -> Result<Untagged, RemoteError> {
        let (answer, is_done) = match self.repository.delete_manifest(tag.into())? {
            Deletion::Refused(error) => return Ok(Untagged::Refused(Some(error))),
            Deletion::Done => (Untagged::Done, true),
            Deletion::Absent => (Untagged::Refused(None), false),
        };
        match self.repository.head_manifest(tag.into())? {
            None => Ok(Untagged::Done),
            // Another client has pushed to the tag meanwhile.
            Some(now) if now.digest != *self.digest && is_done => Ok(Untagged::Done),
            Some(_) if is_done => Err(RemoteError::StillThere),
            // The registry takes the tag for the digest of a manifest, and finds none.
            Some(_) => Ok(answer),
        }
    }

    /// Deletes the manifest if it has no tags besides `own` and `going`, or if `all` is set. Returns the other tags
    /// that were removed.
    pub(super) fn delete_manifest(
        &self,
        own: Option<&Tag>,
        going: &BTreeSet<Tag>,
        all: bool,
        refusal: Option<registry::RegistryError>,
    ) -> Result<Vec<Tag>, RemoteError> {
        let mut others = self.tags()?;
        others.retain(|tag| Some(tag) != own);
        if !all && others.iter().any(|tag| !going.contains(tag)) {
            others.retain(|tag| !going.contains(tag));
            return Err(RemoteError::Shared(others));
        }
        match self.repository.delete_manifest(self.digest.into())? {
            Deletion::Done | Deletion::Absent => {}
            Deletion::Refused(error) => return Err(RemoteError::DeletionOff(refusal.unwrap_or(error))),
        }
        let target = own.map_or(Target::Digest(self.digest), Target::Tag);
        match self.repository.head_manifest(target)? {
            Some(now) if now.digest == *self.digest => Err(RemoteError::StillThere),
            _ => Ok(others),
        }
    }

    /// The tags of the manifest.
    pub(super) fn tags(&self) -> Result<Vec<Tag>, RemoteError> {
        let tags = tags(self.repository)?;
        Ok(tags.into_iter().filter(|(_, digest)| digest == self.digest).map(|(tag, _)| tag).collect())
    }
}

/// All tags of a repository, each with its digest. A tag that cannot be read is an error: it might be one that would be
/// lost.
pub(super) fn tags(repository: &RepositoryClient) -> Result<Vec<(Tag, Digest)>, RemoteError> {
    let tags = match repository.tags() {
        // Some registries remove the repository with its last tag.
        Err(registry::RegistryError::NotFound { .. }) => return Ok(Vec::new()),
        tags => tags?,
    };
    let (mut found, mut failed) = (Vec::new(), None);
    let head = |tag: &Tag| (tag.clone(), repository.head_manifest(tag.into()));
    in_parallel(&tags, AT_ONCE, head, |(tag, head)| match head {
        Ok(Some(head)) => found.push((tag, head.digest)),
        Ok(None) => {}
        Err(error) => failed = failed.take().or(Some(error)),
    });
    failed.map_or(Ok(found), |error| Err(error.into()))
}
