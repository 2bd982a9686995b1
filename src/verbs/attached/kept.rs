//! Reads what an entry of the cache keeps of what is attached to its chart.

use std::collections::HashMap;

use super::error::AttachedError;
use crate::cache::{Cache, CacheEntry, CacheError};
use crate::digest::Digest;
use crate::graph::{Attachment, FoundManifest, Node, WalkAnswer, WalkError, WalkQuestion, attachments};
use crate::manifest::Descriptor;

/// The manifests attached to the manifest that the entry was pushed or pulled as, in an order in which a registry
/// accepts them. Kept manifests that are not attached to it, directly or indirectly, are left out.
pub(in crate::verbs) fn kept(cache: &Cache, entry: &CacheEntry) -> Result<Vec<Attachment>, AttachedError> {
    let Some(root) = entry.pushed.as_ref().map(|pushed| &pushed.manifest) else { return Ok(Vec::new()) };
    if entry.attached.is_empty() {
        return Ok(Vec::new());
    }
    let found = |digest: &Digest| -> Result<WalkAnswer, CacheError> {
        let bytes = cache.blob(digest)?.bytes()?;
        Ok(WalkAnswer::Found(FoundManifest { digest: digest.clone(), bytes, content_type: String::new() }))
    };
    let mut subjects = HashMap::<Digest, Vec<Descriptor>>::new();
    for digest in &entry.attached.manifests {
        let bytes = cache.blob(digest)?.bytes()?;
        let size = bytes.len() as u64;
        let node = Node::parse(&bytes, "")
            .map_err(|source| WalkError::Manifest { digest: digest.clone(), source })?;
        if let Some(subject) = node.subject {
            let listed = Descriptor::new(&node.media_type, digest.clone(), size);
            subjects.entry(subject.digest).or_default().push(listed);
        }
    }
    let answer = |question: &WalkQuestion| match question {
        WalkQuestion::Referrers(subject) => {
            Ok(WalkAnswer::Listed(subjects.get(subject).cloned().unwrap_or_default()))
        }
        WalkQuestion::Tag(tag) => entry.attached.tags.get(tag).map_or(Ok(WalkAnswer::Nothing), found),
        WalkQuestion::Manifest(descriptor) => found(&descriptor.digest),
    };
    attachments(root, cache.budget(), |questions| {
        // Counted at once, as a cache from elsewhere may contain anything.
        let mut held = cache.budget().hold(0).map_err(WalkError::from)?;
        let mut answers = Vec::with_capacity(questions.len());
        for question in questions {
            let answer = answer(question)?;
            if let WalkAnswer::Found(found) = &answer {
                held.grow(found.bytes.len() as u64).map_err(WalkError::from)?;
            }
            answers.push(answer);
        }
        Ok::<_, AttachedError>(answers)
    })
}
