//! What is attached to a chart at its source.

use std::collections::HashSet;

use super::CopyError;
use super::place::Place;
use crate::digest::Digest;
use crate::graph::{Attachment, FoundManifest, WalkAnswer, WalkError, WalkQuestion, attachments};
use crate::limits::{Budget, MAX_ATTACHED_BLOB, MAX_ATTACHED_BLOBS, MAX_MANIFEST};
use crate::registry::{self, RawManifest, RepositoryClient};
use crate::threads::try_in_parallel;
use crate::verbs::AttachedError;

/// So many requests are on their way at once.
const AT_ONCE: usize = 4;
/// A manifest or a list that is larger is fetched when no other is on its way.
const SMALL: u64 = 64 << 10;

/// Everything that is attached to the manifest of this digest.
pub(super) fn attached(
    place: &Place<'_>,
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

/// What is small is asked for at once; what turns out to be larger comes one by one, and is counted as soon as it is there.
fn answers(
    place: &Place<'_>,
    budget: &Budget,
    questions: &[WalkQuestion],
) -> Result<Vec<WalkAnswer>, CopyError> {
    // The list is asked for once, and by one thread: the others need not wait for that.
    let is_there = |question: &WalkQuestion| match question {
        WalkQuestion::Tag(tag) => place.may_have(tag),
        _ => true,
    };
    let small = place.client.clone().reading_at_most(SMALL);
    let answers = try_in_parallel(questions, AT_ONCE, |question| {
        if !is_there(question) {
            return Ok(Some(WalkAnswer::Nothing));
        }
        match answer(place, &small, question) {
            Err(error) if error.is_too_large() => Ok(None),
            answer => answer.map(Some),
        }
    })?;
    let (mut all, mut large) = (Vec::with_capacity(answers.len()), Vec::new());
    for (question, answered) in questions.iter().zip(answers) {
        all.push(match answered {
            Some(answered) => answered,
            None => {
                large.push(budget.hold(MAX_MANIFEST).map_err(WalkError::from)?);
                answer(place, &place.client, question)?
            }
        });
    }
    Ok(all)
}

fn answer(
    place: &Place<'_>,
    repository: &RepositoryClient,
    question: &WalkQuestion,
) -> Result<WalkAnswer, registry::Error> {
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
