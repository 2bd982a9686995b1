//! Lists the versions of a chart.

use super::browser::{Browser, ChartVersions};
use super::error::BrowseError;
use super::look::SeenTag;
use super::select::{VersionSelection, select};
use super::tags::RepositoryTags;
use crate::reference::{Host, Repository, Tag};
use crate::threads::in_parallel;

/// How many bytes of memory a row takes besides its texts, at most. The texts are held twice: as they came, and as they
/// are printed.
const ROW: u64 = 2048;

/// In a repository with more tags than this, only the tags that were examined are kept.
const MOST_KEPT: usize = 20_000;

impl<'a> Browser<'a> {
    /// The selected tags of a repository, the newest version first, and how many further ones match. This takes one
    /// request for each page of tags.
    pub fn tags_of(
        &self,
        host: &Host,
        repository: &Repository,
        selection: &VersionSelection,
    ) -> Result<(Vec<Tag>, usize), BrowseError> {
        select(self.tags(host, repository)?.tags.keys(), selection, self.cache.budget())
    }

    /// The selected versions of a repository, with the metadata of each.
    pub fn versions(
        &self,
        host: &Host,
        repository: &Repository,
        selection: &VersionSelection,
    ) -> Result<ChartVersions<'a>, BrowseError> {
        let mut tags = self.tags(host, repository)?;
        self.versions_among(host, repository, &mut tags, selection)
    }

    /// The selected versions among tags that have been listed, with the metadata of each.
    pub(super) fn versions_among(
        &self,
        host: &Host,
        repository: &Repository,
        tags: &mut RepositoryTags<'_>,
        selection: &VersionSelection,
    ) -> Result<ChartVersions<'a>, BrowseError> {
        let (wanted, more) = select(tags.tags.keys(), selection, self.cache.budget())?;
        self.learn(host, repository, &wanted, tags)?;
        let tags = &*tags;
        let mut held = self.cache.budget().hold(0)?;
        let (mut versions, mut foreign, mut failed) = (Vec::new(), Vec::new(), None);
        // All tags are kept for the next time, unless there are very many.
        let is_whole = tags.tags.len() <= MOST_KEPT;
        held.grow(tags.cost(is_whole))?;
        let mut digests = tags.known.clone();
        digests.retain(|tag, _| tags.tags.contains_key(tag));
        for (tag, digest) in tags.tags.iter().filter(|_| is_whole) {
            digests.entry(tag.clone()).or_insert_with(|| digest.clone());
        }
        let look = |tag: &Tag| (tag.clone(), self.look(host, repository, tag, tags));
        in_parallel(&wanted, self.at_once, look, |(tag, seen)| match seen {
            Ok(SeenTag::Chart(version)) => {
                digests.insert(tag, version.digest.clone());
                let text = version.metadata.to_config().map_or(0, |json| json.len() as u64);
                match held.grow(ROW + 4 * text) {
                    Ok(()) => versions.push(*version),
                    Err(error) => failed = failed.take().or(Some(error.into())),
                }
            }
            Ok(SeenTag::Foreign(digest)) => {
                digests.insert(tag.clone(), digest);
                foreign.push(tag);
            }
            Ok(SeenTag::Unknown) => foreign.push(tag),
            Err(error) => failed = failed.take().or(Some(error)),
        });
        if self.client.is_some() {
            self.kept.put_tags(host, repository, &digests);
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(ChartVersions { _held: held, versions, more, foreign }),
        }
    }
}
