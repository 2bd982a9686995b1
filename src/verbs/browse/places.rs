//! Finds the repositories with charts in a part of a registry. The specification has no list of repositories, so
//! several ways are tried in turn.

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

/// The charts in a part of a registry.
#[derive(Debug)]
pub struct ListedCharts {
    /// The source of the list, such as `the repository` or the catalog.
    pub by: &'static str,
    /// The charts, sorted by repository.
    pub charts: Vec<ListedChart>,
    /// How many repositories were found that hold no charts.
    pub foreign: usize,
}

/// A chart in a list.
#[derive(Debug)]
pub struct ListedChart {
    /// The repository of the chart.
    pub repository: Repository,
    /// The selected versions, the newest first.
    pub versions: Vec<ChartVersion>,
}

/// Names of repositories, and their source.
struct Repositories {
    by: &'static str,
    names: BTreeSet<Repository>,
}

impl Browser<'_> {
    /// The charts in a part of a registry, with the selected versions of each.
    pub fn charts(
        &self,
        place: &RegistryPlace,
        selection: &VersionSelection,
    ) -> Result<ListedCharts, BrowseError> {
        let host = &place.host;
        let mut below = Vec::new();
        // The place may itself be the repository of a chart.
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

    /// The repositories in a part of a registry, sorted, with or without charts.
    pub fn repositories_at(&self, place: &RegistryPlace) -> Result<Vec<Repository>, BrowseError> {
        let mut below = Vec::new();
        if let Some(prefix) = &place.prefix {
            match self.tags(&place.host, prefix) {
                Ok(tags) if !tags.tags.is_empty() => return Ok(vec![prefix.clone()]),
                Ok(tags) => below = tags.below,
                Err(BrowseError::Registry(error)) if error.is_unreachable() => return Err(error.into()),
                Err(BrowseError::Registry(error)) => log::debug!("{prefix}: {}", chain(&error)),
                Err(error) => return Err(error),
            }
        }
        let (repositories, refused) = self.repositories(place, &below)?;
        if let Some(Repositories { names, .. }) = repositories {
            return Ok(names.into_iter().collect());
        }
        if let Some(listed) = self.charts_index(place)? {
            return Ok(listed.charts.into_iter().map(|chart| chart.repository).collect());
        }
        let prefix = place.prefix.as_ref().map(|prefix| format!("/{prefix}")).unwrap_or_default();
        let refused = refused.map(Box::new);
        Err(BrowseError::NoList { place: format!("{}{prefix}", place.host), refused })
    }

    fn each(
        &self,
        host: &Host,
        repositories: Repositories,
        selection: &VersionSelection,
    ) -> Result<ListedCharts, BrowseError> {
        let names: Vec<_> = repositories.names.into_iter().take(MOST_REPOSITORIES).collect();
        let (mut charts, mut foreign, mut failed) = (Vec::new(), 0, None);
        // Repositories are examined in parallel, so each makes one request at a time.
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
                // A catalog may name repositories that are gone, or that this user may not read.
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

    /// The repositories from the first source that lists any, and the refusal of the catalog if there was one.
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
    /// Whether a repository is below this place, at any depth.
    fn is_above(&self, repository: &Repository) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| {
            repository.as_str().strip_prefix(prefix.as_str()).is_some_and(|below| below.starts_with('/'))
        })
    }
}
