//! Checks whether Helm finds a chart under its reference in a registry.

use crate::reference::{Prefix, Reference, Tag};

/// A way in which a reference is not what Helm makes of a chart's name and version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misnamed {
    /// The tag is not the chart's version. Helm uses the version as the tag (pkg/registry/client.go,
    /// GetTagMatchingVersionOrConstraint).
    #[error("the tag `{tag}` is not the chart's version {version}: Helm will not find that version")]
    Tag {
        /// The tag.
        tag: String,
        /// The chart's version.
        version: String,
    },
    /// The last part of the repository is not the chart's name. Helm appends the name of a dependency to its repository
    /// (internal/resolver/resolver.go).
    #[error(
        "the repository is called `{repository}`, and the chart `{chart}`: Helm will not find it as a dependency"
    )]
    Repository {
        /// The last part of the repository's name.
        repository: String,
        /// The chart's name.
        chart: String,
    },
    /// The chart's name is in the repository twice, because the prefix already ended with it.
    #[error(
        "the chart's name is put behind the prefix, and {prefix} ends in it: the chart becomes {repository}"
    )]
    Twice {
        /// The prefix.
        prefix: String,
        /// The repository that results.
        repository: String,
    },
}

/// A finding if the prefix is most likely meant to be the whole name of the repository. A prefix of one part may be an
/// owner with the name of the chart, as in `ghcr.io/traefik/traefik`.
pub fn named_twice(prefix: &Prefix, name: &str) -> Option<Misnamed> {
    let path = prefix.path.as_ref()?.as_str();
    let twice = path.rsplit_once('/').is_some_and(|(_, last)| last == name);
    twice.then(|| Misnamed::Twice { prefix: path.to_owned(), repository: format!("{path}/{name}") })
}

/// The ways in which Helm would not find a chart of this name and version under `reference`; empty if it finds it.
pub fn misnamed(reference: &Reference, name: &str, version: &str) -> Vec<Misnamed> {
    let mut found = Vec::new();
    if let Some(tag) = &reference.tag
        && Tag::of_version(version).ok().as_ref() != Some(tag)
    {
        found.push(Misnamed::Tag { tag: tag.to_string(), version: version.to_owned() });
    }
    let repository = reference.repository.as_str();
    let repository = repository.rsplit('/').next().unwrap_or(repository);
    if repository != name {
        found.push(Misnamed::Repository { repository: repository.to_owned(), chart: name.to_owned() });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helm_will_not_find_is_told() {
        for (reference, name, version, expected) in [
            ("localhost:5000/a/web:1.0.0", "web", "1.0.0", ""),
            ("localhost:5000/web:1.0.0_build", "web", "1.0.0+build", ""),
            ("localhost:5000/web:2.7.0", "web", "0.1.0", "tag"),
            ("localhost:5000/web:v1.0.0", "web", "1.0.0", "tag"),
            ("localhost:5000/web/chart:1.0.0", "web", "1.0.0", "repository"),
            ("localhost:5000/other:latest", "web", "1.0.0", "tag repository"),
        ] {
            let found = misnamed(&reference.parse().unwrap(), name, version);
            let kinds: Vec<_> = found
                .iter()
                .map(|misnamed| match misnamed {
                    Misnamed::Tag { .. } => "tag",
                    Misnamed::Repository { .. } => "repository",
                    Misnamed::Twice { .. } => "twice",
                })
                .collect();
            assert_eq!(kinds.join(" "), expected, "{reference}");
        }
    }

    #[test]
    fn a_name_that_is_put_behind_itself_is_told() {
        for (prefix, expected) in [
            ("localhost:5000/charts/web", true),
            ("oci://localhost:5000/a/charts/web/", true),
            ("localhost:5000/charts", false),
            ("localhost:5000/charts/web-apps", false),
            ("localhost:5000", false),
            ("ghcr.io/web", false),
        ] {
            assert_eq!(named_twice(&prefix.parse().unwrap(), "web").is_some(), expected, "{prefix}");
        }
    }
}
