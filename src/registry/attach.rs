//! Manifests that are about others, into a registry: listed by it, or by its clients where it does not do that.

use std::hash::{BuildHasher as _, RandomState};
use std::thread;
use std::time::{Duration, Instant};

use super::endpoint;
use super::error::RegistryError;
use super::repository::RepositoryClient;
use super::upload::Uploaded;
use crate::digest::Digest;
use crate::graph::{self, ReferrersIndex};
use crate::http::{self, BodySource, RequestLine};
use crate::manifest::Descriptor;
use crate::media_type;
use crate::reference::{Tag, Target};
use crate::threads::locked;

/// So often an index is merged that others write at the same time.
const MERGES: u32 = 30;
/// So often ours are found in an index, while others write it, until that is enough.
const READINGS: u32 = 5;
/// The shortest time after which an index is read back.
const SETTLE: Duration = Duration::from_millis(20);
/// So often a registry is asked again that lacks blobs which it has just taken.
const PATIENCE: u32 = 6;
const KEPT_OUT: &str = "the registry does not keep what is put here, or others write it all the time";

impl RepositoryClient {
    /// Puts a manifest that is attached to another one, under its digest or a tag; blobs go first. Tells whether the registry
    /// does not list it with what is about its subject, if it has one: then that is left to [`Self::index_referrers`].
    ///
    /// A registry that says it lacks blobs is asked again for a moment: Debian's docker-registry says so of a blob that
    /// several clients have sent at once just now.
    pub fn put_attached(
        &self,
        target: Target<'_>,
        media_type: &str,
        bytes: &[u8],
        subject: Option<&Digest>,
    ) -> Result<bool, RegistryError> {
        let mut tries = 0;
        let is_listed = loop {
            match self.put_and_hear(target, media_type, bytes) {
                Err(RegistryError::BlobsUnknown { .. }) if tries < PATIENCE => {
                    (self.auth.options.http.sleep)(SETTLE * (1 << tries));
                    tries += 1;
                }
                result => break result?,
            }
        };
        match (subject, is_listed) {
            (None, _) => Ok(false),
            (Some(_), Some(is_listed)) => Ok(!is_listed),
            // The answer that said so was lost.
            (Some(subject), None) => Ok(self.listed(subject)?.is_none()),
        }
    }

    /// Uploads a blob unless it is there, and unless that was done before for this repository: of several threads that have
    /// the same blob to send, one does.
    pub fn push_blob_once(
        &self,
        descriptor: &Descriptor,
        source: &dyn BodySource,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Uploaded, RegistryError> {
        let turn = self.auth.turns.at(format!("blob {} {}", self.place(), descriptor.digest));
        let mut done = locked(&turn);
        if *done {
            return Ok(Uploaded::Existed);
        }
        let uploaded = self.push_blob(descriptor, source, progress)?;
        *done = true;
        Ok(uploaded)
    }

    /// Adds these manifests, which are about `subject`, to the index of the referrers tag schema, for a registry that lists
    /// no referrers. Other members of the index stay. Threads of one process take turns. If another process overwrites
    /// the index with an older copy of it, they are merged in again. It is done once they are there in two equal readings
    /// in a row, the first of which may be our own writing, or in several unequal ones.
    pub fn index_referrers(&self, subject: &Digest, added: &[Descriptor]) -> Result<(), RegistryError> {
        let Some(tag) = graph::referrers_tag(subject) else { return Ok(()) };
        let turn = self.auth.turns.at(format!("index {} {subject}", self.place()));
        let _turn = locked(&turn);
        let mut gone = Vec::new();
        // The members as they were written or read the last time.
        let mut last: Option<Vec<Descriptor>> = None;
        let mut seen = 0;
        for _ in 0..MERGES {
            let began = Instant::now();
            let mut there = self.index(&tag)?;
            let is_there = |ours: &Descriptor| there.iter().any(|member| member.digest == ours.digest);
            // What another tool calls our members is put right once: it would call them so again.
            if last.is_some() && added.iter().all(is_there) {
                seen += 1;
                if seen == READINGS || last.replace(there.clone()).is_some_and(|last| last == there) {
                    return Ok(());
                }
                // Others write at this moment, and the slowest of them may have read the index before we wrote it.
                wait(8 * began.elapsed() + 4 * SETTLE);
                continue;
            }
            there.retain(|member| !gone.contains(&member.digest));
            let Some(index) = ReferrersIndex::merged(&there, added) else { return Ok(()) };
            let bytes = index.to_bytes().map_err(|error| self.unkept(&tag, &error.to_string()))?;
            match self.put_manifest((&tag).into(), media_type::INDEX, &bytes) {
                // A member was deleted: what is not there cannot be in an index any more.
                Err(error @ RegistryError::BlobsUnknown { .. }) => {
                    let before = gone.len();
                    for member in there {
                        if self.head_manifest((&member.digest).into())?.is_none() {
                            gone.push(member.digest);
                        }
                    }
                    if gone.len() == before {
                        return Err(error);
                    }
                    continue;
                }
                put => put?,
            }
            last = Some(index.manifests);
            // Who has read the index before we wrote it will have written it by then.
            wait(4 * began.elapsed() + SETTLE);
        }
        Err(self.unkept(&tag, KEPT_OUT))
    }

    fn unkept(&self, tag: &Tag, how: &str) -> RegistryError {
        match self.endpoint(endpoint::manifest(&self.registry, &self.repository, tag.into())) {
            Ok(location) => {
                let request = RequestLine::new("PUT", &location);
                http::HttpError::Protocol { request, how: how.to_owned() }.into()
            }
            Err(error) => error,
        }
    }

    /// What this repository is called, among all others.
    fn place(&self) -> String {
        format!("{}{}", self.registry, self.repository)
    }
}

/// Waits for so long, or up to half as long again: processes that have met once must not meet each time.
fn wait(at_least: Duration) {
    let random = RandomState::new().hash_one(0_u8);
    let part = at_least / 2 * u32::try_from(random % 1000).unwrap_or_default() / 1000;
    thread::sleep(at_least + part);
}
