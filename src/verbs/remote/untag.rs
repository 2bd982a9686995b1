//! A tag taken away from its manifest, and from nothing else.
//!
//! A registry that deletes tags deletes the one. One that only deletes manifests takes all tags of a manifest with it, so it
//! is asked that only where there is no other: each tag of the repository is looked at before. No manifest is ever pushed to
//! have something to delete: where deletion is off, that would stay.

use std::collections::BTreeSet;

use super::outcome::RemoteError;
use crate::digest::Digest;
use crate::reference::{Tag, Target};
use crate::registry::{self, Deletion, RepositoryClient};
use crate::threads::in_parallel;

/// So many tags are looked at at once.
const AT_ONCE: usize = 8;

/// One manifest of which a tag is removed.
pub(super) struct Removal<'a> {
    pub(super) repository: &'a RepositoryClient,
    pub(super) digest: &'a Digest,
}

/// Whether a registry has taken a tag away from its manifest.
pub(super) enum Untagged {
    /// It has, and it was looked whether that is so.
    Done,
    /// It does not delete tags; and what it said to that.
    Refused(Option<registry::RegistryError>),
}

impl Removal<'_> {
    /// Deletes the tag alone.
    pub(super) fn untag(&self, tag: &Tag) -> Result<Untagged, RemoteError> {
        let (answer, is_done) = match self.repository.delete_manifest(tag.into())? {
            Deletion::Refused(error) => return Ok(Untagged::Refused(Some(error))),
            Deletion::Done => (Untagged::Done, true),
            Deletion::Absent => (Untagged::Refused(None), false),
        };
        match self.repository.head_manifest(tag.into())? {
            None => Ok(Untagged::Done),
            // Somebody has pushed there meanwhile.
            Some(now) if now.digest != *self.digest && is_done => Ok(Untagged::Done),
            Some(_) if is_done => Err(RemoteError::StillThere),
            // It takes the tag for the name of a manifest, and has none of that name.
            Some(_) => Ok(answer),
        }
    }

    /// Deletes the manifest, if it has no tag beside these, or if all may go. Returns the others that went.
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

    /// The tags that the manifest has.
    pub(super) fn tags(&self) -> Result<Vec<Tag>, RemoteError> {
        let tags = tags(self.repository)?;
        Ok(tags.into_iter().filter(|(_, digest)| digest == self.digest).map(|(tag, _)| tag).collect())
    }
}

/// All tags of a repository with the manifests that they stand for. One that cannot be looked at is an error: it may be what
/// would be lost.
pub(super) fn tags(repository: &RepositoryClient) -> Result<Vec<(Tag, Digest)>, RemoteError> {
    let tags = match repository.tags() {
        // The last tag took the repository with it.
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
