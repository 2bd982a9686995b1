//! Fetches what is attached to a chart from its registry.

use std::collections::BTreeMap;

use super::error::PullError;
use super::fetch::Fetch;
use crate::cache::{Attached, Cache, CacheError, StagedBlob};
use crate::digest::Digest;
use crate::disk;
use crate::graph::{Attachment, FoundManifest, WalkAnswer, WalkQuestion, attachments};
use crate::limits::{MAX_ATTACHED_BLOB, MAX_ATTACHED_BLOBS};
use crate::manifest::Descriptor;
use crate::reference::Reference;
use crate::registry::{self, Client, ManifestAnswer, RawManifest, RepositoryClient};
use crate::threads::try_in_parallel;
use crate::verbs::attached::{AttachedError, ask_each};

/// How many requests are made at a time.
const AT_ONCE: usize = 4;
/// How many files may be open besides those that are about to get their names.
const OTHER_FILES: u64 = 256;

/// Everything that is attached to the manifest of this digest in the repository of `reference`. The cache only saves
/// requests for what it has already.
pub(in crate::verbs) fn attached(
    cache: &Cache,
    client: &Client,
    reference: &Reference,
    manifest: &Digest,
) -> Result<Vec<Attachment>, PullError> {
    let repository = client.repository(&reference.host, &reference.repository)?;
    Fetch { cache, repository, reference, progress: &|_| {} }.walk(manifest, &Attached::default())
}

impl Fetch<'_> {
    /// Fetches everything that is attached to the manifest of this digest, except what the cache has. The manifests and
    /// blobs do not have their names in the cache yet. `before` is what the entry has kept so far.
    pub(super) fn attached(
        &self,
        manifest: &Digest,
        before: &Attached,
    ) -> Result<(Attached, Vec<StagedBlob>), PullError> {
        let found = self.walk(manifest, before)?;
        let mut blobs = BTreeMap::<&Digest, &Descriptor>::new();
        for blob in found.iter().flat_map(|attachment| &attachment.node.blobs) {
            if blob.size > MAX_ATTACHED_BLOB {
                let (digest, size) = (blob.digest.clone(), blob.size);
                return Err(AttachedError::TooLarge { digest, size }.into());
            }
            blobs.insert(&blob.digest, blob);
        }
        if blobs.len() > MAX_ATTACHED_BLOBS {
            return Err(AttachedError::TooMany.into());
        }
        disk::allow_open_files((found.len() + blobs.len()) as u64 + OTHER_FILES);
        let mut attached =
            Attached { blobs: blobs.keys().copied().cloned().collect(), ..Attached::default() };
        let mut staged = Vec::new();
        for Attachment { digest, bytes, bonds, .. } in &found {
            let tags: Vec<_> = bonds.iter().filter_map(crate::graph::Bond::tag).collect();
            if tags.len() < bonds.len() {
                attached.manifests.insert(digest.clone());
            }
            attached.tags.extend(tags.into_iter().map(|tag| (tag, digest.clone())));
            if !self.has(digest) {
                staged.push(self.cache.stage(digest, bytes)?);
            }
        }
        let missing: Vec<_> = blobs.into_values().filter(|blob| !self.has(&blob.digest)).collect();
        staged.extend(try_in_parallel(&missing, AT_ONCE, |blob| self.blob(blob))?);
        Ok((attached, staged))
    }

    /// Everything that is attached to the manifest of this digest. `before` is what the cache has kept of it so far.
    fn walk(&self, manifest: &Digest, before: &Attached) -> Result<Vec<Attachment>, PullError> {
        attachments(manifest, self.cache.budget(), |questions| self.answers(questions, before))
    }

    /// Fetches the wanted blobs again that an entry keeps, by their digests, so that nothing else takes their place.
    pub(super) fn again(&self, attached: &Attached, wanted: &[Digest]) -> Result<Vec<StagedBlob>, PullError> {
        let mut descriptors = BTreeMap::new();
        let mut staged = Vec::new();
        for digest in attached.manifests.iter().chain(attached.tags.values()) {
            let bytes = match self.cache.blob(digest).and_then(|blob| blob.bytes()) {
                Ok(bytes) => bytes,
                Err(error) if wanted.contains(digest) => {
                    let found = self.repository.manifest(digest)?.ok_or(error)?;
                    staged.push(self.cache.stage(digest, &found.bytes)?);
                    found.bytes
                }
                Err(error) => return Err(error.into()),
            };
            let node = crate::graph::Node::parse(&bytes, "")?;
            descriptors.extend(node.blobs.into_iter().map(|blob| (blob.digest.clone(), blob)));
        }
        for digest in wanted.iter().filter(|digest| attached.blobs.contains(digest) && !self.has(digest)) {
            if staged.iter().any(|blob| blob.digest() == digest) {
                continue;
            }
            let descriptor = descriptors.get(digest).ok_or_else(|| CacheError::Missing(digest.clone()))?;
            staged.push(self.blob(descriptor)?);
        }
        Ok(staged)
    }

    fn answers(&self, questions: &[WalkQuestion], before: &Attached) -> Result<Vec<WalkAnswer>, PullError> {
        let ask = |question: &WalkQuestion, most: u64| {
            let repository = self.repository.clone().reading_at_most(most);
            self.answer((&repository, most), question, before)
        };
        ask_each(
            self.cache.budget(),
            questions,
            ask,
            |error| matches!(error, PullError::Registry(error) if error.is_too_large()),
        )
    }

    fn answer(
        &self,
        (repository, most): (&RepositoryClient, u64),
        question: &WalkQuestion,
        before: &Attached,
    ) -> Result<WalkAnswer, PullError> {
        let found = |RawManifest { digest, bytes, content_type }| {
            WalkAnswer::Found(FoundManifest { digest, bytes, content_type })
        };
        let kept = |digest: &Digest| {
            let blob = self.cache.blob(digest).ok().filter(|blob| blob.size() <= most)?;
            let bytes = blob.bytes().ok()?;
            Some(WalkAnswer::Found(FoundManifest {
                digest: digest.clone(),
                bytes,
                content_type: String::new(),
            }))
        };
        match question {
            WalkQuestion::Referrers(subject) => {
                Ok(WalkAnswer::Listed(repository.referrers(subject)?.members))
            }
            WalkQuestion::Manifest(descriptor) => match kept(&descriptor.digest) {
                // What has a digest cannot have changed.
                Some(kept) => Ok(kept),
                None => Ok(repository.manifest(&descriptor.digest)?.map_or(WalkAnswer::Nothing, found)),
            },
            WalkQuestion::Tag(tag) => {
                let known = before.tags.get(tag).and_then(|digest| Some((digest, kept(digest)?)));
                let (known, kept) = known.unzip();
                match (repository.get_manifest(tag.into(), known), kept) {
                    (Ok(ManifestAnswer::NotModified), Some(kept)) => Ok(kept),
                    (Ok(ManifestAnswer::Manifest(manifest)), _) => Ok(found(manifest)),
                    (Ok(ManifestAnswer::NotModified) | Err(registry::RegistryError::NotFound { .. }), _) => {
                        Ok(WalkAnswer::Nothing)
                    }
                    (Err(error), _) => Err(error.into()),
                }
            }
        }
    }

    fn has(&self, digest: &Digest) -> bool {
        self.cache.blob(digest).is_ok_and(|blob| blob.is_whole())
    }
}
