//! The tags of a repository, with the manifests that they are known to stand for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::browser::{Browser, MOST_REPOSITORIES};
use super::error::BrowseError;
use crate::cache::Unreadable;
use crate::causes::chain;
use crate::digest::Digest;
use crate::limits::HeldBudget;
use crate::reference::{Host, Repository, Tag};

/// How many bytes of memory a tag takes besides its text.
const REMEMBERED: u64 = 100;
/// How many bytes of memory its digest takes.
const DIGEST: u64 = 110;

fn cost(tag: &Tag, digest: Option<&Digest>) -> u64 {
    tag.as_str().len() as u64 + REMEMBERED + if digest.is_some() { DIGEST } else { 0 }
}

/// The tags of a repository.
pub(super) struct RepositoryTags<'b> {
    held: HeldBudget<'b>,
    /// Each tag with the digest of its manifest, if the list or the cache has it.
    pub(super) tags: BTreeMap<Tag, Option<Digest>>,
    /// The digests that the tags had when they were last examined.
    pub(super) known: BTreeMap<Tag, Option<Digest>>,
    /// The times at which the manifests were uploaded, if the list has them.
    pub(super) uploaded: BTreeMap<Tag, SystemTime>,
    /// The repositories below this one, if the list has them.
    pub(super) below: Vec<String>,
}

impl RepositoryTags<'_> {
    /// How many bytes it takes to copy the known tags once more, and with `all` the other tags as well.
    pub(super) fn cost(&self, all: bool) -> u64 {
        let others = self.tags.keys().filter(|_| all);
        self.known.keys().chain(others).map(|tag| cost(tag, None) + DIGEST).sum()
    }
}

/// The least number of unknown tags for which a list is requested. To ask for fewer one by one costs no more.
const WORTH_A_LIST: usize = 3;

impl<'a> Browser<'a> {
    /// Fills in the digests of these tags from the vendor's own list, if the registry has one and enough digests are
    /// unknown.
    pub(super) fn learn(
        &self,
        host: &Host,
        repository: &Repository,
        wanted: &[Tag],
        tags: &mut RepositoryTags<'_>,
    ) -> Result<(), BrowseError> {
        let unknown: BTreeSet<_> =
            wanted.iter().filter(|tag| matches!(tags.tags.get(tag), Some(None))).collect();
        let Some(client) = self.client.filter(|_| unknown.len() >= WORTH_A_LIST) else { return Ok(()) };
        let mut is_room = Ok(());
        let told = client.repository(host, repository)?.each_tag_of_vendor(&mut |listed| {
            if is_room.is_err() || !unknown.contains(&listed.tag) {
                return;
            }
            is_room = tags.held.grow(DIGEST);
            if let Some(time) = listed.uploaded {
                tags.uploaded.insert(listed.tag.clone(), time);
            }
            tags.tags.insert(listed.tag, listed.digest);
        });
        is_room?;
        match told {
            Ok(true) => log::debug!("the registry's own list tells which manifests the tags stand for"),
            Ok(false) => {}
            // Without the list, the manifests are requested one by one.
            Err(error) => log::debug!("there is no list of tags with their manifests: {}", chain(&error)),
        }
        Ok(())
    }

    /// The tags of a repository: from the registry, or without a client from an earlier look and from the cache.
    pub(super) fn tags(
        &self,
        host: &Host,
        repository: &Repository,
    ) -> Result<RepositoryTags<'a>, BrowseError> {
        let mut held = self.cache.budget().hold(0)?;
        let known = self.kept.tags(host, repository).unwrap_or_default();
        held.grow(known.iter().map(|(tag, digest)| cost(tag, digest.as_ref())).sum())?;
        let (mut tags, mut uploaded, mut below) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let Some(client) = self.client else {
            tags.extend(known.iter().map(|(tag, digest)| (tag.clone(), digest.clone())));
            let missed = |at: &Unreadable| log::warn!("{}", at.error);
            self.cache.each_reference(missed, |reference| {
                if reference.host == *host
                    && reference.repository == *repository
                    && let Some(tag) = reference.tag
                {
                    tags.entry(tag).or_default();
                }
            })?;
            return Ok(RepositoryTags { held, tags, known, uploaded, below });
        };
        let mut is_room = Ok(());
        client.repository(host, repository)?.each_listed_tag(
            &mut |listed| {
                if is_room.is_err() {
                    return;
                }
                if !tags.contains_key(&listed.tag) || listed.digest.is_some() {
                    is_room = held.grow(cost(&listed.tag, listed.digest.as_ref()));
                }
                if let Some(time) = listed.uploaded {
                    uploaded.insert(listed.tag.clone(), time);
                }
                let digest = tags.entry(listed.tag).or_default();
                if listed.digest.is_some() {
                    *digest = listed.digest;
                }
            },
            &mut |name| {
                if below.len() < MOST_REPOSITORIES {
                    below.push(name.to_owned());
                }
            },
        )?;
        is_room?;
        Ok(RepositoryTags { held, tags, known, uploaded, below })
    }
}
