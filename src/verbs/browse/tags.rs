//! The tags of a repository, with what is known of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::browser::{Browser, MOST_REPOSITORIES};
use super::error::BrowseError;
use crate::cache::Unreadable;
use crate::causes::chain;
use crate::digest::Digest;
use crate::limits::HeldBudget;
use crate::reference::{Host, Repository, Tag};

/// What it takes to remember a tag beside its text, in bytes: a place in a tree.
const REMEMBERED: u64 = 100;
/// And what its digest takes.
const DIGEST: u64 = 110;

fn cost(tag: &Tag, digest: Option<&Digest>) -> u64 {
    tag.as_str().len() as u64 + REMEMBERED + if digest.is_some() { DIGEST } else { 0 }
}

/// The tags of a repository.
pub(super) struct RepositoryTags<'b> {
    held: HeldBudget<'b>,
    /// Each with the manifest that it stands for, where the list or the cache tells.
    pub(super) tags: BTreeMap<Tag, Option<Digest>>,
    /// The manifests that they stood for when they were last looked at.
    pub(super) known: BTreeMap<Tag, Option<Digest>>,
    /// When what they stand for was uploaded, where the list tells.
    pub(super) uploaded: BTreeMap<Tag, SystemTime>,
    /// Repositories below this one, where the list tells.
    pub(super) below: Vec<String>,
}

impl RepositoryTags<'_> {
    /// What it takes to remember those that were known once more, in bytes, and all others if that is wanted.
    pub(super) fn cost(&self, all: bool) -> u64 {
        let others = self.tags.keys().filter(|_| all);
        self.known.keys().chain(others).map(|tag| cost(tag, None) + DIGEST).sum()
    }
}

/// Asking for the manifests of fewer tags one by one costs no more than asking for a list of all.
const WORTH_A_LIST: usize = 3;

impl<'a> Browser<'a> {
    /// Learns which manifests these tags stand for, where that is not known and the registry has a list of its own that tells.
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
            // Then they are asked for one by one.
            Err(error) => log::debug!("there is no list of tags with their manifests: {}", chain(&error)),
        }
        Ok(())
    }

    /// Asks the registry for the tags; without one, what is known from an earlier look and from the cache.
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
