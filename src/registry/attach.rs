//! Pushes manifests that are attached to another one (that have a `subject`), and adds them to the index of the
//! referrers tag schema if the registry lists no referrers itself.

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

/// How often an index is merged at most while other clients write it too.
const MERGES: u32 = 30;
/// How many readings of an index must contain our manifests, while other clients keep changing it.
const READINGS: u32 = 5;
/// The shortest wait before an index is read back.
const SETTLE: Duration = Duration::from_millis(20);
/// How often a manifest is sent again to a registry that says it lacks blobs it has just received.
const PATIENCE: u32 = 6;
const KEPT_OUT: &str = "the registry does not keep what is put here, or others write it all the time";

impl RepositoryClient {
    /// Puts a manifest that is attached to another one, under its digest or a tag. Its blobs must be there already.
    /// Returns `true` if the manifest has a subject and the registry does not list it among the subject's referrers:
    /// then the caller has to do that with [`Self::index_referrers`].
    ///
    /// If the registry says that it lacks blobs, the manifest is sent again for a moment: Debian's docker-registry says
    /// so of a blob that several clients have just sent at once.
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
            // The answer that would have said so was lost: ask for the list.
            (Some(subject), None) => Ok(self.listed(subject)?.is_none()),
        }
    }

    /// Uploads a blob unless it is there or this client has already uploaded it to this repository. If several threads
    /// have to send the same blob, one does and the others wait.
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

    /// Adds these manifests, whose subject is `subject`, to the index of the referrers tag schema, for a registry that
    /// does not list referrers. The index keeps its other members. Threads of this process take turns. If another
    /// process overwrites the index with an older copy, they are added again. This ends when two readings in a row are
    /// equal and contain them, or when several unequal readings contain them; what was just written counts as a
    /// reading. An error if others overwrite the index each time.
    pub fn index_referrers(&self, subject: &Digest, added: &[Descriptor]) -> Result<(), RegistryError> {
        let Some(tag) = graph::referrers_tag(subject) else { return Ok(()) };
        let turn = self.auth.turns.at(format!("index {} {subject}", self.place()));
        let _turn = locked(&turn);
        let mut gone = Vec::new();
        // The members when the index was last written or read.
        let mut last: Option<Vec<Descriptor>> = None;
        let mut seen = 0;
        for _ in 0..MERGES {
            let began = Instant::now();
            let mut there = self.index(&tag)?;
            let is_there = |ours: &Descriptor| there.iter().any(|member| member.digest == ours.digest);
            // The first time the index is written even if they are there, to correct what another tool says about them;
            // only once, as that tool would change them back.
            if last.is_some() && added.iter().all(is_there) {
                seen += 1;
                if seen == READINGS || last.replace(there.clone()).is_some_and(|last| last == there) {
                    return Ok(());
                }
                // Others are writing now, and the slowest may have read the index before we wrote it.
                wait(8 * began.elapsed() + 4 * SETTLE);
                continue;
            }
            there.retain(|member| !gone.contains(&member.digest));
            let Some(index) = ReferrersIndex::merged(&there, added) else { return Ok(()) };
            let bytes = index.to_bytes().map_err(|error| self.unkept(&tag, &error.to_string()))?;
            match self.put_manifest((&tag).into(), media_type::INDEX, &bytes) {
                // A member has been deleted from the registry, so it has to leave the index.
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
            // A client that has read the index before we wrote it should have written its own by then.
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

    /// The name of this repository, including its registry.
    fn place(&self) -> String {
        format!("{}{}", self.registry, self.repository)
    }
}

/// Waits for this long, or for up to half as long again at random, so that processes that collide once do not collide
/// each time.
fn wait(at_least: Duration) {
    let random = RandomState::new().hash_one(0_u8);
    let part = at_least / 2 * u32::try_from(random % 1000).unwrap_or_default() / 1000;
    thread::sleep(at_least + part);
}
