//! Which repositories with charts there are in a part of a registry. The specification has no list of them, so that several
//! ways are tried, in turn.

use std::collections::BTreeSet;

use super::browser::{Browser, ChartVersion, MOST_REPOSITORIES};
use super::error::BrowseError;
use super::select::VersionSelection;
use super::tags::RepositoryTags;
use crate::cache::Unreadable;
use crate::causes::chain;
use crate::reference::{Host, Repository};
use crate::registry::{self, Client};
use crate::threads::in_parallel;
use crate::verbs::get::RegistryPlace;

/// Charts in a part of a registry.
#[derive(Debug)]
pub struct ListedCharts {
    /// Who has told which there are.
    pub by: &'static str,
    /// The charts, sorted by repository.
    pub charts: Vec<ListedChart>,
    /// How many repositories hold no charts.
    pub foreign: usize,
}

/// A chart that was found.
#[derive(Debug)]
pub struct ListedChart {
    /// Its repository.
    pub repository: Repository,
    /// The versions of it that are wanted, the newest first.
    pub versions: Vec<ChartVersion>,
}

/// Where repositories are known from.
struct Repositories {
    by: &'static str,
    names: BTreeSet<Repository>,
}

impl Browser<'_> {
    /// The charts of a part of a registry, with the versions that are wanted of each.
    pub fn charts(
        &self,
        place: &RegistryPlace,
        selection: &VersionSelection,
    ) -> Result<ListedCharts, BrowseError> {
        let host = &place.host;
        let mut below = Vec::new();
        // The place may be a repository, of one chart.
        if let Some(prefix) = &place.prefix {
            match self.tags(host, prefix) {
                Ok(mut tags) => {
                    if let Some(chart) = self.chart(host, prefix, &mut tags, selection)? {
                        return Ok(ListedCharts { by: "the repository", charts: vec![chart], foreign: 0 });
                    }
                    below = tags.below;
                }
                Err(BrowseError::Registry(error)) if error.is_unreachable() => return Err(error.into()),
                Err(BrowseError::Registry(error)) => log::debug!("{prefix}: {}", chain(&error)),
                Err(error) => return Err(error),
            }
        }
        let (repositories, refused) = self.repositories(place, &below)?;
        let Some(Repositories { by, names }) = repositories else {
            if let Some(listed) = self.charts_index(place)? {
                return Ok(listed);
            }
            let cached = self.in_cache(place)?;
            if cached.is_empty() {
                let prefix = place.prefix.as_ref().map(|prefix| format!("/{prefix}")).unwrap_or_default();
                let refused = refused.map(Box::new);
                return Err(BrowseError::NoList { place: format!("{host}{prefix}"), refused });
            }
            return self.each(host, Repositories { by: "the cache", names: cached }, selection);
        };
        self.each(host, Repositories { by, names }, selection)
    }

    fn each(
        &self,
        host: &Host,
        repositories: Repositories,
        selection: &VersionSelection,
    ) -> Result<ListedCharts, BrowseError> {
        let names: Vec<_> = repositories.names.into_iter().take(MOST_REPOSITORIES).collect();
        let (mut charts, mut foreign, mut failed) = (Vec::new(), 0, None);
        // Each repository goes on by itself, so that one request at a time is enough for it.
        let one = Browser { at_once: 1, ..*self };
        let look = |name: &Repository| {
            one.tags(host, name).and_then(|mut tags| one.chart(host, name, &mut tags, selection))
        };
        in_parallel(
            &names,
            self.at_once,
            |name| (name.clone(), look(name)),
            |(name, found)| match found {
                Ok(Some(chart)) => charts.push(chart),
                Ok(None) => foreign += 1,
                // A catalog may name what is gone, or what is not for everybody.
                Err(BrowseError::Registry(error)) if !error.is_unreachable() => {
                    log::debug!("{name}: {}", chain(&error));
                    foreign += 1;
                }
                Err(error) => failed = failed.take().or(Some(error)),
            },
        );
        failed.map_or(Ok(ListedCharts { by: repositories.by, charts, foreign }), Err)
    }

    fn chart(
        &self,
        host: &Host,
        repository: &Repository,
        tags: &mut RepositoryTags<'_>,
        selection: &VersionSelection,
    ) -> Result<Option<ListedChart>, BrowseError> {
        let versions = self.versions_among(host, repository, tags, selection)?.versions;
        Ok((!versions.is_empty()).then(|| ListedChart { repository: repository.clone(), versions }))
    }

    /// What lists repositories, in turn; and how the catalog was refused, if it was.
    fn repositories(
        &self,
        place: &RegistryPlace,
        below: &[String],
    ) -> Result<(Option<Repositories>, Option<registry::RegistryError>), BrowseError> {
        let Some(client) = self.client else { return Ok((None, None)) };
        let mut refused = None;
        if let Some(prefix) = place.prefix.as_ref().filter(|_| !below.is_empty()) {
            let names = below.iter().filter_map(|name| format!("{prefix}/{name}").parse().ok()).collect();
            return Ok((Some(Repositories { by: "the list of tags", names }), None));
        }
        match catalog(client, place) {
            Ok(names) if !names.is_empty() => {
                return Ok((Some(Repositories { by: "the catalog", names }), None));
            }
            Ok(_) => {}
            Err(error) if error.is_unreachable() => return Err(error.into()),
            Err(error) => {
                log::debug!("there is no catalog: {}", chain(&error));
                refused = Some(error);
            }
        }
        let project = place.prefix.as_ref().and_then(|prefix| prefix.as_str().split('/').next());
        if let Some(project) = project {
            match client.repositories_of_harbor(&place.host, project) {
                Ok(names) => {
                    let names: BTreeSet<_> = names.into_iter().filter(|name| place.is_above(name)).collect();
                    if !names.is_empty() {
                        return Ok((Some(Repositories { by: "Harbor", names }), None));
                    }
                }
                Err(error) => log::debug!("it is no Harbor: {}", chain(&error)),
            }
        }
        Ok((None, refused))
    }

    /// The repositories of which the cache has charts.
    fn in_cache(&self, place: &RegistryPlace) -> Result<BTreeSet<Repository>, BrowseError> {
        let mut names = BTreeSet::new();
        let missed = |at: &Unreadable| log::warn!("{}", at.error);
        self.cache.each_reference(missed, |reference| {
            if reference.host == place.host && place.is_above(&reference.repository) {
                names.insert(reference.repository);
            }
        })?;
        Ok(names)
    }
}

fn catalog(client: &Client, place: &RegistryPlace) -> Result<BTreeSet<Repository>, registry::RegistryError> {
    let mut names = BTreeSet::new();
    client.each_repository(&place.host, &mut |name| {
        if place.is_above(&name) && names.len() < MOST_REPOSITORIES {
            names.insert(name);
        }
    })?;
    Ok(names)
}

impl RegistryPlace {
    /// Whether a repository lies below this place, however deep.
    fn is_above(&self, repository: &Repository) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| {
            repository.as_str().strip_prefix(prefix.as_str()).is_some_and(|below| below.starts_with('/'))
        })
    }
}
