//! Reads what is attached to a chart in a registry.

use std::collections::HashSet;

use super::error::CopyError;
use super::place::CopyPlace;
use crate::digest::Digest;
use crate::graph::{Attachment, FoundManifest, WalkAnswer, WalkQuestion, attachments};
use crate::limits::{Budget, MAX_ATTACHED_BLOB, MAX_ATTACHED_BLOBS};
use crate::registry::{self, RawManifest, RepositoryClient};
use crate::verbs::attached::{AttachedError, ask_each};

/// Everything that is attached to the manifest of this digest, directly or indirectly.
pub(in crate::verbs) fn attached(
    place: &CopyPlace<'_>,
    budget: &Budget,
    subject: &Digest,
) -> Result<Vec<Attachment>, CopyError> {
    let found = attachments(subject, budget, |questions| answers(place, budget, questions))?;
    let mut blobs = HashSet::new();
    for blob in found.iter().flat_map(|attachment| &attachment.node.blobs) {
        if blob.size > MAX_ATTACHED_BLOB {
            let (digest, size) = (blob.digest.clone(), blob.size);
            return Err(AttachedError::TooLarge { digest, size }.into());
        }
        blobs.insert(&blob.digest);
    }
    if blobs.len() > MAX_ATTACHED_BLOBS {
        return Err(AttachedError::TooMany.into());
    }
    Ok(found)
}

fn answers(
    place: &CopyPlace<'_>,
    budget: &Budget,
    questions: &[WalkQuestion],
) -> Result<Vec<WalkAnswer>, CopyError> {
    let ask = |question: &WalkQuestion, most: u64| match question {
        // `may_have` lists the tags once; the first thread does it, and the others wait for it.
        WalkQuestion::Tag(tag) if !place.may_have(tag) => Ok(WalkAnswer::Nothing),
        question => {
            let repository = place.client.clone().reading_at_most(most);
            answer(place, &repository, question).map_err(CopyError::from)
        }
    };
    ask_each(
        budget,
        questions,
        ask,
        |error| matches!(error, CopyError::Registry(error) if error.is_too_large()),
    )
}

fn answer(
    place: &CopyPlace<'_>,
    repository: &RepositoryClient,
    question: &WalkQuestion,
) -> Result<WalkAnswer, registry::RegistryError> {
    let found = match question {
        WalkQuestion::Referrers(subject) => {
            let listed = repository.referrers_if(subject, &|tag| place.may_have(tag))?;
            return Ok(WalkAnswer::Listed(listed.members));
        }
        WalkQuestion::Tag(tag) => repository.tagged(tag)?,
        WalkQuestion::Manifest(descriptor) => repository.manifest(&descriptor.digest)?,
    };
    Ok(found.map_or(WalkAnswer::Nothing, |RawManifest { digest, bytes, content_type }| {
        WalkAnswer::Found(FoundManifest { digest, bytes, content_type })
    }))
}
